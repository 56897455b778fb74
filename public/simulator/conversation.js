/** The bubbles on the phone. Each keeps its element while its text lives, so only changes are drawn. */
import { byId, element, plural, setText } from './dom.js';

/** What may have been added below since the last look: the waiting dots and a note. */
const NEAR_BOTTOM_PX = 150;

const OUTBOUND = {
  queued: { ticks: 0, words: 'Waiting to leave' },
  sending: { ticks: 0, words: 'Waiting to leave' },
  sent: { ticks: 1, words: 'Sent' },
  delivered: { ticks: 2, words: 'Delivered' },
  undelivered: { ticks: 0, words: 'Not delivered', failed: true },
  failed: { ticks: 0, words: 'Not delivered', failed: true },
  canceled: { ticks: 0, words: 'Held back, never left', shown: true },
};

const PENDING = {
  sending: { ticks: 0, words: 'On its way' },
  sent: { ticks: 1, words: 'Sent' },
  failed: { ticks: 0, words: 'Not sent', failed: true },
};

/**
 * @param {{onRetry: (messageSid: string) => void}} actions
 * @returns {(texts: object[], pending: object[]) => void} draws texts of the record, then those not in it yet.
 */
export function createConversationView({ onRetry }) {
  const [screen, list] = [byId('screen'), byId('texts')];
  const drawn = new Map();

  const draw = (text) => {
    const bubble = drawn.get(text.key) ?? createBubble(text, onRetry);
    drawn.set(text.key, bubble);
    bubble.update(text);
    return bubble.node;
  };

  return (texts, pending) => {
    const isAtBottom = screen.scrollHeight - screen.scrollTop - screen.clientHeight < NEAR_BOTTOM_PX;
    const all = [...texts.map(fromRecord), ...pending.map(fromPending)];
    const keys = new Set(all.map(({ key }) => key));
    for (const [key, { node }] of drawn) {
      if (keys.has(key)) continue;
      node.remove();
      drawn.delete(key);
    }
    let hasNew = false;
    for (const [index, text] of all.entries()) {
      hasNew ||= !drawn.has(text.key);
      const node = draw(text);
      if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
    }
    if (isAtBottom || hasNew) screen.scrollTop = screen.scrollHeight;
  };
}

/** A text that was pending keeps its key when it shows up in the record: the carrier's id. */
const fromRecord = (text) => {
  const isMine = text.direction === 'inbound';
  const state = isMine ? { ticks: 2, words: 'Received by Jack' } : OUTBOUND[text.status];
  const code = state.failed && text.errorCode ? ` (error ${text.errorCode})` : '';
  return {
    ...text,
    ...state,
    key: (isMine && text.messageSid) || text.id,
    isMine,
    words: state.words + code,
  };
};

const fromPending = (text) => ({
  ...text,
  ...PENDING[text.state],
  key: text.messageSid,
  isMine: true,
  words: text.problem ? `${PENDING[text.state].words}: ${text.problem}` : PENDING[text.state].words,
});

function createBubble(text, onRetry) {
  const node = element('div', `text ${text.isMine ? 'mine' : 'theirs'}`);
  const speaker = element('span', 'hidden-text', text.isMine ? 'You: ' : 'Dealership: ');
  const body = element('span', 'body', text.body);
  const bubble = element('div', 'bubble');
  bubble.append(speaker, body);
  const meta = element('div', 'meta');
  const [time, size, ticks, words] = ['time', 'size', 'ticks', 'words'].map((name) => element('span', name));
  ticks.setAttribute('role', 'img');
  const retry = element('button', 'retry', 'Try again');
  retry.type = 'button';
  retry.addEventListener('click', () => onRetry(text.key));
  meta.append(time, size, words, ticks, retry);
  node.append(bubble, meta);
  const update = (now) => {
    node.dataset.ticks = String(now.ticks);
    node.dataset.status = now.status ?? now.state;
    node.classList.toggle('failed', now.failed ?? false);
    setText(time, shownTime(now.createdAt));
    setText(size, now.segments ? plural(now.segments, 'segment') : '');
    size.title = now.encoding ?? '';
    setText(words, now.failed || now.shown ? now.words : '');
    setText(ticks, ['◷', '✓', '✓✓'][now.ticks]);
    ticks.hidden = Boolean(now.failed || now.shown);
    ticks.title = now.words;
    ticks.setAttribute('aria-label', now.words);
    retry.hidden = !(now.isMine && now.failed);
  };
  return { node, update };
}

function shownTime(iso) {
  const at = new Date(iso);
  const isToday = at.toDateString() === new Date().toDateString();
  return at.toLocaleString([], {
    ...(isToday ? {} : { day: 'numeric', month: 'short' }),
    hour: '2-digit',
    minute: '2-digit',
  });
}
