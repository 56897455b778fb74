/** "Try to break it": the promises, and what was seen of them. */
import { readStatus, switchRedis } from './api.js';
import { byId, plural, setText } from './dom.js';

const STATUS_EVERY_MS = 3000;

export function createTrials({ onTwice, onConsent }) {
  let trial;
  byId('twice').addEventListener('click', onTwice);
  byId('consent').addEventListener('click', onConsent);
  startRedisSwitch();
  return {
    begin: (messageSid) => {
      trial = { messageSid, statuses: undefined };
      setText(byId('twice-result'), 'Sending both copies…');
    },
    answered: (messageSid, statuses) => {
      if (trial?.messageSid === messageSid) trial.statuses = statuses;
    },
    draw: (view) => {
      setText(byId('consent'), view.dealership.optedOut ? 'Text START' : 'Text STOP');
      if (trial?.statuses) setText(byId('twice-result'), seen(trial, view));
    },
    reset: () => {
      trial = undefined;
      setText(byId('twice-result'), '');
    },
  };
}

/** Counted in what the record says, not assumed. */
function seen({ messageSid, statuses }, { texts, dealership }) {
  const kept = texts.filter((text) => text.messageSid === messageSid);
  const after = kept.length > 0 ? texts.slice(texts.indexOf(kept.at(-1)) + 1) : [];
  const next = after.findIndex(({ direction }) => direction === 'inbound');
  const replies = next === -1 ? after : after.slice(0, next);
  const answers = dealership.optedOut ? 'no answer: opted out' : `${plural(replies.length, 'answer')}`;
  return `Copies answered ${statuses.join(' and ')}; in the record: ${kept.length}; ${answers}.`;
}

const RECORDS = {
  pglite: 'The record is embedded in this process. For a server of its own set DATABASE_URL.',
  postgres: 'The record is in PostgreSQL.',
};

/** A Redis that is away by itself comes back by itself: only one that was switched off can be switched on. */
function redisWords({ cache: { mode }, redis: { isConfigured, isSwitchedOff } }) {
  if (!isConfigured) return 'No Redis is configured.';
  if (mode === 'redis') return 'Now: Redis.';
  const now = mode === 'memory' ? 'Now: the Map in this process.' : 'Now: the record alone.';
  return isSwitchedOff ? now : `Redis does not answer. ${now}`;
}

function startRedisSwitch() {
  const button = byId('redis');
  let isSwitchedOff = false;
  const draw = (status) => {
    isSwitchedOff = status.redis.isSwitchedOff;
    button.disabled = !status.redis.isConfigured;
    setText(button, isSwitchedOff ? 'Redis on' : 'Redis off');
    setText(byId('redis-mode'), redisWords(status));
    setText(byId('record-words'), RECORDS[status.record]);
  };
  const refresh = () =>
    readStatus().then(draw, () => {
      // The phone says that Jack is away; this line keeps the last it knew.
    });
  button.addEventListener('click', () =>
    switchRedis(!isSwitchedOff)
      .catch((error) => setText(byId('redis-mode'), error.message))
      .then(refresh),
  );
  setInterval(() => document.hidden || refresh(), STATUS_EVERY_MS);
  refresh();
}
