/** The phone page: picks a dealership and a phone, follows their conversation, and sends. */
import { follow, keepHandset, readConversation, readHandset, readOrganizations, sendText } from './api.js';
import { createComposer } from './composer.js';
import { createConversationView } from './conversation.js';
import { byId, setText } from './dom.js';
import { createPanel } from './panel.js';
import { isPhone, randomPhone } from './shopper.js';
import { createTrials } from './trials.js';

const RETRY_MS = 1000;
/** A restart that is over sooner is not worth a word. */
const AWAY_AFTER_MS = 1200;
const EMPTY = {
  texts: [],
  isReplyDue: false,
  dealership: { owner: 'assistant', ownerName: null, summary: '', slots: {}, optedOut: false },
};

const state = { organizations: [], organizationId: '', phone: '', view: EMPTY, pending: new Map() };
let unfollow = () => {};

const drawTexts = createConversationView({ onRetry: (messageSid) => deliver(messageSid) });
const drawPanel = createPanel();
const composer = createComposer({ onSend: (body) => text(body) });
const trials = createTrials({
  onTwice: () => text(composer.take() || 'Are you open on Saturday?', 2),
  onConsent: () => text(state.view.dealership.optedOut ? 'START' : 'STOP'),
});

const key = () => ({ organizationId: state.organizationId, phone: state.phone });
const isCurrent = ({ organizationId, phone }) =>
  organizationId === state.organizationId && phone === state.phone;

function draw() {
  const { view, pending } = state;
  const known = new Set(view.texts.map(({ messageSid }) => messageSid));
  for (const messageSid of pending.keys()) if (known.has(messageSid)) pending.delete(messageSid);
  const { dealership } = view;
  drawWaiting();
  drawNote(dealership);
  drawTexts(view.texts, [...pending.values()]);
  drawPanel(dealership);
  trials.draw(view);
  byId('empty').hidden = view.texts.length + pending.size > 0;
  setText(
    byId('who-answers'),
    dealership.owner === 'human' ? (dealership.ownerName ?? 'A person') : 'AI assistant',
  );
}

function drawWaiting() {
  const isOnItsWay = [...state.pending.values()].some(({ state: way }) => way !== 'failed');
  const isWaiting = state.view.isReplyDue || (isOnItsWay && !state.view.dealership.optedOut);
  byId('waiting').hidden = !isWaiting;
  setText(byId('waiting-words'), isWaiting ? 'A reply is being written' : '');
}

function drawNote({ optedOut, owner }) {
  const words = optedOut
    ? 'This phone has opted out. Jack stays silent until it texts START.'
    : owner === 'human'
      ? 'A person at the dealership answers from here on.'
      : '';
  byId('note').hidden = words === '';
  setText(byId('note'), words);
}

/** One reading at a time; changes that come meanwhile share the next one. */
let reading;
let isStale = false;
async function load() {
  isStale = true;
  reading ??= readWhileStale().finally(() => {
    reading = undefined;
  });
  await reading;
}

async function readWhileStale() {
  while (isStale) {
    isStale = false;
    const wanted = key();
    try {
      const view = await readConversation(wanted);
      if (!isCurrent(wanted)) continue;
      state.view = view;
      draw();
    } catch (error) {
      goneAway(error.status === 0 ? undefined : error.message);
      setTimeout(load, RETRY_MS);
    }
  }
}

let awayTimer;
function goneAway(reason) {
  awayTimer ??= setTimeout(() => {
    byId('away').hidden = false;
    setText(byId('away'), `${reason ?? 'Jack does not answer.'} Trying again every second.`);
  }, AWAY_AFTER_MS);
}

function cameBack() {
  clearTimeout(awayTimer);
  awayTimer = undefined;
  if (byId('away').hidden) return;
  setText(byId('away'), 'Jack is back. Nothing was lost: this is the record.');
  setTimeout(() => {
    if (awayTimer === undefined) byId('away').hidden = true;
  }, 3000);
}

async function text(body, copies = 1) {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const messageSid = `SM${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  state.pending.set(messageSid, {
    messageSid,
    body,
    copies,
    createdAt: new Date().toISOString(),
    state: 'sending',
  });
  if (copies > 1) trials.begin(messageSid);
  await deliver(messageSid);
}

/** Tried again under the same id, so that a text whose answer was lost is still one text. */
async function deliver(messageSid) {
  const sent = state.pending.get(messageSid);
  if (!sent) return;
  const { organizationId, phone: from } = key();
  const { body, copies } = sent;
  const become = (change) => {
    const now = state.pending.get(messageSid);
    if (now) state.pending.set(messageSid, { ...now, ...change });
    draw();
  };
  become({ state: 'sending', problem: undefined });
  try {
    const { statuses } = await sendText({ organizationId, from, body, copies, messageSid });
    trials.answered(messageSid, statuses);
    if (statuses.includes(200)) become({ state: 'sent' });
    else become({ state: 'failed', problem: `Jack answered ${statuses.join(' and ')}` });
  } catch (error) {
    become({ state: 'failed', problem: error.message });
  }
  await load();
}

/** Shows another conversation. */
async function open(organizationId, phone) {
  Object.assign(state, { organizationId, phone, view: EMPTY, pending: new Map() });
  remember(key());
  const dealership = state.organizations.find(({ id }) => id === organizationId);
  byId('dealership').value = organizationId;
  byId('phone').value = phone;
  byId('phone').removeAttribute('aria-invalid');
  setText(byId('name'), dealership.name);
  setText(byId('empty-name'), dealership.name);
  setText(byId('line'), dealership.phoneNumbers[0] ?? 'no number');
  setText(byId('avatar'), dealership.name.slice(0, 1).toUpperCase());
  trials.reset();
  unfollow();
  unfollow = follow(key(), { onChange: load, onAway: () => goneAway(), onBack: cameBack });
  await load();
}

/** Not waited for: one can text meanwhile. Choices that follow each other quickly arrive in their order. */
let remembering = Promise.resolve();
function remember(handset) {
  remembering = remembering
    .then(() => (isCurrent(handset) ? keepHandset(handset) : undefined))
    .catch(() => {
      // The stream says when Jack is away; what he has not taken is offered again.
      setTimeout(() => isCurrent(handset) && remember(handset), RETRY_MS);
    });
}

/** A phone without a conversation, as far as a few tries find one. */
async function freshPhone(organizationId) {
  let phone = randomPhone();
  for (let tries = 0; tries < 12; tries += 1) {
    const { texts } = await readConversation({ organizationId, phone });
    if (texts.length === 0) break;
    phone = randomPhone();
  }
  return phone;
}

async function newShopper() {
  await open(state.organizationId, await freshPhone(state.organizationId));
  composer.focus();
}

function wirePickers() {
  byId('dealership').addEventListener('change', (event) => open(event.target.value, state.phone));
  byId('phone').addEventListener('change', (event) => {
    const phone = event.target.value.replace(/[\s().-]/g, '');
    if (isPhone(phone)) open(state.organizationId, phone);
    else event.target.setAttribute('aria-invalid', 'true');
  });
  byId('new-shopper').addEventListener('click', () => newShopper().catch((error) => goneAway(error.message)));
}

async function start() {
  try {
    const { organizationId, phone } = await choose();
    if (organizationId === undefined) return;
    await open(organizationId, phone);
    composer.focus();
  } catch (error) {
    goneAway(error.message);
    setTimeout(start, RETRY_MS);
  }
}

/** Whom this browser texted last as whom, else the first dealership as somebody new. */
async function choose() {
  state.organizations = await readOrganizations();
  byId('dealership').replaceChildren(...state.organizations.map(({ id, name }) => new Option(name, id)));
  const last = await readHandset();
  const ids = state.organizations.map(({ id }) => id);
  const organizationId = ids.includes(last.organizationId) ? last.organizationId : ids[0];
  if (organizationId === undefined) {
    byId('away').hidden = false;
    setText(byId('away'), 'There is no dealership yet. Create one, then load this page again.');
    return {};
  }
  return { organizationId, phone: last.phone ?? (await freshPhone(organizationId)) };
}

wirePickers();
await start();
