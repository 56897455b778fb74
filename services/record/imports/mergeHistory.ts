/**
 * Where imported messages stand among those that the record has. What the record has keeps its order, what is imported
 * keeps its own, and the two are put together by time; equal entries are recognised and stay as they are.
 */
import type { ImportedMessage } from '../../migration/types.js';
import type { MessageId } from '../../types.js';

export interface KnownMessage {
  readonly id: MessageId;
  readonly seq: number;
  readonly direction: string;
  readonly body: string;
  readonly messageSid: string | null;
  readonly atMs: number;
}

export interface IncomingMessage extends ImportedMessage {
  /** Made from what the source holds, so that the same entry has the same id each time. */
  readonly id: MessageId;
}

export interface PlacedMessage {
  readonly message: IncomingMessage;
  readonly seq: number;
  readonly atMs: number;
}

export interface Merged {
  readonly inserted: readonly PlacedMessage[];
  /** Known messages that make room. */
  readonly moved: readonly { readonly id: MessageId; readonly seq: number }[];
  /** Recognised ones. */
  readonly knownCount: number;
}

/**
 * @param known all messages of the conversation by `seq`, numbered without a gap from 1.
 * @param assumedAtMs the time of messages when neither the source nor a neighbour has one.
 */
export function mergeHistory(
  known: readonly KnownMessage[],
  incoming: readonly IncomingMessage[],
  assumedAtMs: number,
): Merged {
  const matches = matchKnown(known, incoming);
  const times = timesOf(incoming, matches, known, assumedAtMs);
  const places = placesOf(known, incoming, matches);
  const inserted: PlacedMessage[] = [];
  const moved: { id: MessageId; seq: number }[] = [];
  let next = 0;
  const insertAfter = (place: number) => {
    for (; next < incoming.length; next += 1) {
      const message = incoming[next];
      if (!message || matches[next] !== undefined) continue;
      if ((places[next] ?? -1) > place) return;
      inserted.push({ message, seq: place + 2 + inserted.length, atMs: times[next] ?? assumedAtMs });
    }
  };
  insertAfter(-1);
  for (const [place, { id }] of known.entries()) {
    if (inserted.length > 0) moved.push({ id, seq: place + 1 + inserted.length });
    insertAfter(place);
  }
  const knownCount = matches.filter((match) => match !== undefined).length;
  return { inserted, moved, knownCount };
}

/** For each incoming message the place of the known one that it is; a known one is at most one of them. */
function matchKnown(
  known: readonly KnownMessage[],
  incoming: readonly IncomingMessage[],
): (number | undefined)[] {
  const free = new Map<string, number[]>();
  for (const [place, message] of known.entries()) {
    for (const name of namesOfKnown(message)) free.set(name, [...(free.get(name) ?? []), place]);
  }
  const taken = new Set<number>();
  return incoming.map((message) => {
    const place = namesOf(message)
      .flatMap((name) => free.get(name) ?? [])
      .find((candidate) => !taken.has(candidate));
    if (place !== undefined) taken.add(place);
    return place;
  });
}

const contentName = (direction: string, atMs: number, body: string): string =>
  `content ${direction} ${atMs} ${body}`;

const namesOfKnown = ({ id, messageSid, direction, atMs, body }: KnownMessage): string[] => [
  `id ${id}`,
  ...(messageSid === null ? [] : [`sid ${messageSid}`]),
  contentName(direction, atMs, body),
];

const namesOf = ({ id, sourceId, messageSid, direction, atMs, body }: IncomingMessage): string[] => [
  `id ${id}`,
  ...(sourceId === undefined ? [] : [`id ${sourceId}`]),
  ...(messageSid === undefined ? [] : [`sid ${messageSid}`]),
  ...(atMs === undefined ? [] : [contentName(direction, atMs, body)]),
];

/** A message without a time takes that of the one before it, else of the next one that has one. */
function timesOf(
  incoming: readonly IncomingMessage[],
  matches: readonly (number | undefined)[],
  known: readonly KnownMessage[],
  assumedAtMs: number,
): number[] {
  const own = incoming.map(({ atMs }, index) => atMs ?? known[matches[index] ?? -1]?.atMs);
  const earliest = Math.min(assumedAtMs, known[0]?.atMs ?? assumedAtMs);
  let last = own.find((atMs) => atMs !== undefined) ?? earliest;
  return own.map((atMs) => {
    last = atMs ?? last;
    return last;
  });
}

/** For each incoming message the place of the known one that it follows; -1 for the front. */
function placesOf(
  known: readonly KnownMessage[],
  incoming: readonly IncomingMessage[],
  matches: readonly (number | undefined)[],
): number[] {
  const highest = highestPlaces(matches, known.length - 1);
  const latest = runningMaximum(known.map(({ atMs }) => atMs));
  let lowest = -1;
  return incoming.map(({ atMs }, index) => {
    const match = matches[index];
    if (match !== undefined) {
      lowest = Math.max(lowest, match);
      return lowest;
    }
    const byTime = atMs === undefined ? lowest : countUpTo(latest, atMs) - 1;
    lowest = Math.max(lowest, Math.min(byTime, highest[index] ?? byTime));
    return lowest;
  });
}

/** A message stands before the recognised ones that follow it in the source. */
function highestPlaces(matches: readonly (number | undefined)[], last: number): number[] {
  let highest = last;
  return matches
    .toReversed()
    .map((match) => {
      if (match !== undefined) highest = Math.min(highest, match - 1);
      return highest;
    })
    .reverse();
}

function runningMaximum(values: readonly number[]): number[] {
  let highest = Number.NEGATIVE_INFINITY;
  return values.map((value) => {
    highest = Math.max(highest, value);
    return highest;
  });
}

/** How many of the ascending values are at most `limit`. */
function countUpTo(values: readonly number[], limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] ?? limit) <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
