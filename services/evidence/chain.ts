/**
 * A chain of hashes over what a conversation consists of: every entry's hash covers the one before it, the first one the
 * head of the file. Whoever has the file can tell whether an entry was changed, left out or moved; the last hash is also in
 * the audit trail of the deployment that wrote it. Pure.
 */
import { createHash } from 'node:crypto';

/** What is hashed of each entry. */
export interface Entry {
  readonly kind: string;
  /** ISO 8601. */
  readonly at: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface ChainedEntry extends Entry {
  /** SHA-256, hex. */
  readonly hash: string;
}

export interface Chain {
  readonly entries: readonly ChainedEntry[];
  readonly last: string;
}

/** @param head what the file says of itself before its entries. */
export function chain(head: object, entries: readonly Entry[]): Chain {
  let last = sha256(canonicalJson(head));
  const chained = entries.map(({ kind, at, data }) => {
    last = sha256(`${last}\n${canonicalJson({ kind, at, data })}`);
    return { kind, at, data, hash: last };
  });
  return { entries: chained, last };
}

/** @returns the index of the first entry that does not fit, -1 when only the end does not; undefined when all is well. */
export function findBreak(head: object, { entries, last }: Chain): number | undefined {
  const right = chain(head, entries);
  const broken = right.entries.findIndex(({ hash }, index) => hash !== entries[index]?.hash);
  if (broken >= 0) return broken;
  return right.last === last ? undefined : -1;
}

/** JSON without spaces and with the names of every object in the order of their code units (as RFC 8785 sorts them). */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const fields = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`);
  return `{${fields.join(',')}}`;
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'utf8').digest('hex');
