/** Who waits for a reply since when, for the time between; in memory and bounded, so a restart or a crowd costs figures and nothing else. */
import type { MessageId, OrganizationId } from '../types.js';

type Source = 'assistant' | 'staff' | 'system';

interface Reply {
  readonly source: Source;
  readonly sinceMs: number;
}

/** Some megabytes. */
const MAX_WAITING = 10_000;
/** What is answered later was not waiting for Jack, but for a person to come back. */
const MAX_AGE_MS = 60 * 60_000;

export class ReplyTimes {
  readonly #clock: { monotonicMs(): number };
  readonly #waiting = new Map<string, number>();
  readonly #replies = new Map<MessageId, Reply>();

  constructor(clock: { monotonicMs(): number }) {
    this.#clock = clock;
  }

  /** The first of several unanswered texts counts. */
  awaits(organizationId: OrganizationId, phone: string): void {
    const who = `${organizationId} ${phone}`;
    if (!this.#waiting.has(who)) keep(this.#waiting, who, this.#clock.monotonicMs());
  }

  committed(
    organizationId: OrganizationId,
    phone: string,
    { messageId, source }: { readonly messageId: MessageId; readonly source: Source },
  ): void {
    const who = `${organizationId} ${phone}`;
    const sinceMs = this.#waiting.get(who);
    if (sinceMs === undefined) return;
    this.#waiting.delete(who);
    keep(this.#replies, messageId, { source, sinceMs });
  }

  /** @returns undefined when nobody waited for it, or too long to be a wait. */
  sent(messageId: MessageId): { readonly source: Source; readonly durationMs: number } | undefined {
    const reply = this.#replies.get(messageId);
    if (!reply) return undefined;
    this.#replies.delete(messageId);
    const durationMs = this.#clock.monotonicMs() - reply.sinceMs;
    return durationMs > MAX_AGE_MS ? undefined : { source: reply.source, durationMs };
  }
}

/** The oldest goes first when there are too many. */
function keep<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  map.set(key, value);
  if (map.size <= MAX_WAITING) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
