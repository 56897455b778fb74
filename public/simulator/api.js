/** What the page asks of its own server. */
export class CallError extends Error {
  /** @param {number} status HTTP status, 0 when no answer came. */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @throws {CallError} */
async function call(path, body, options = {}) {
  const request = body === undefined ? options : { ...options, method: 'POST', body: JSON.stringify(body) };
  const response = await fetch(`/api/simulator/${path}`, {
    ...request,
    headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
  }).catch(() => {
    throw new CallError(0, 'Jack does not answer.');
  });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  throw new CallError(response.status, answer.detail ?? answer.title ?? `Jack answered ${response.status}.`);
}

/** @returns {Promise<{organizationId: string | null, phone: string | null}>} whom this browser texted last, as whom. */
export const readHandset = () => call('session');
export const keepHandset = (key) => call('session', key, { keepalive: true });
export const readStatus = () => call('status');
export const readOrganizations = () => call('organizations');
export const readConversation = (key) => call(`conversation?${new URLSearchParams(key)}`);
export const sendText = (text) => call('texts', text);
export const switchRedis = (off) => call('redis', { off });

const RETRY_MS = 1000;

/**
 * Follows one conversation until the returned function is called. Every connection begins with `onChange`, so
 * whatever happened while there was none is read then.
 */
export function follow(key, { onChange, onAway, onBack }) {
  let source;
  let timer;
  const connect = () => {
    source = new EventSource(`/api/simulator/stream?${new URLSearchParams(key)}`);
    source.addEventListener('open', onBack);
    source.addEventListener('changed', onChange);
    source.addEventListener('error', () => {
      // EventSource gives up for good on an error answer, so each new attempt is ours.
      source.close();
      onAway();
      timer = setTimeout(connect, RETRY_MS);
    });
  };
  connect();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
