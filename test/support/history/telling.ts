/** Replies that say what the assistant was shown, so that they can be held against the record afterwards. */
export interface Told {
  readonly organizationId: string;
  /** Of the newest text. */
  readonly lastSeq: number;
  /** Digest of every text that was shown. */
  readonly digest: string;
}

interface Shown {
  readonly seq: number;
  readonly body: string;
}

/** How many of the newest texts are digested: fewer than a snapshot holds. */
const DIGESTED = 20;
const TOLD = /I was told ([0-9a-f]{8}) up to (\d+) at (\S+)\./;

export function tell(organizationId: string, messages: readonly Shown[]): string {
  return `I was told ${digestOf(messages)} up to ${messages.at(-1)?.seq ?? 0} at ${organizationId}.`;
}

/** @returns undefined for a text that is not such a reply. */
export function toldIn(body: string): Told | undefined {
  const [, digest, lastSeq, organizationId] = TOLD.exec(body) ?? [];
  if (digest === undefined || organizationId === undefined) return undefined;
  return { organizationId, digest, lastSeq: Number(lastSeq) };
}

/** FNV-1a, 32 bits. */
export function digestOf(messages: readonly Shown[]): string {
  let hash = 0x811c9dc5;
  for (const { seq, body } of messages.slice(-DIGESTED)) {
    for (const character of `${seq} ${body}\n`) {
      hash ^= character.codePointAt(0) ?? 0;
      hash = Math.imul(hash, 0x01000193) >>> 0;
    }
  }
  return hash.toString(16).padStart(8, '0');
}
