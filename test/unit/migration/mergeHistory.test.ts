import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type IncomingMessage,
  type KnownMessage,
  mergeHistory,
} from '../../../services/record/imports/mergeHistory.js';
import type { MessageId } from '../../../services/types.js';

const NOW_MS = 1_000_000;

const known = (seq: number, atMs: number, change: Partial<KnownMessage> = {}): KnownMessage => ({
  id: `k${seq}` as MessageId,
  seq,
  direction: 'inbound',
  body: `known ${seq}`,
  messageSid: null,
  atMs,
  ...change,
});

const incoming = (
  name: string,
  atMs: number | undefined,
  change: Partial<IncomingMessage> = {},
): IncomingMessage => ({
  id: name as MessageId,
  sourceId: undefined,
  accountSid: undefined,
  messageSid: undefined,
  direction: 'inbound',
  sender: 'lead',
  body: name,
  media: [],
  status: 'received',
  atMs,
  ...change,
});

/** Ids in the order that the record has afterwards. */
function orderAfter(has: readonly KnownMessage[], given: readonly IncomingMessage[]): string[] {
  const { inserted, moved } = mergeHistory(has, given, NOW_MS);
  const seqs = new Map<string, number>(has.map(({ id, seq }) => [id, seq]));
  for (const { id, seq } of moved) seqs.set(id, seq);
  for (const { message, seq } of inserted) seqs.set(message.id, seq);
  expect([...seqs.values()].sort((a, b) => a - b)).toEqual(
    [...seqs.values()].map((_seq, index) => index + 1),
  );
  return [...seqs].sort(([, a], [, b]) => a - b).map(([id]) => id);
}

describe('Imported messages among those of the record', () => {
  it('fill an empty conversation in their own order', () => {
    expect(orderAfter([], [incoming('a', 10), incoming('b', 10), incoming('c', 5)])).toEqual(['a', 'b', 'c']);
  });

  it('stand before what was said later, and what stands there makes room', () => {
    const has = [known(1, 100), known(2, 200)];
    expect(orderAfter(has, [incoming('a', 10), incoming('b', 150), incoming('c', 300)])).toEqual([
      'a',
      'k1',
      'b',
      'k2',
      'c',
    ]);
  });

  it('move nothing when all of them are newer', () => {
    const { inserted, moved } = mergeHistory([known(1, 100)], [incoming('a', 150)], NOW_MS);
    expect(moved).toEqual([]);
    expect(inserted).toMatchObject([{ seq: 2, atMs: 150 }]);
  });

  it.each<[string, Partial<KnownMessage>, Partial<IncomingMessage>]>([
    ['the id that an import gave it', { id: 'a' as MessageId }, {}],
    ['the id that it had in the source', {}, { sourceId: 'k1' }],
    ["the carrier's id", { messageSid: 'SM1' }, { messageSid: 'SM1' }],
    ['time, direction and words', { body: 'a' }, {}],
  ])('are recognised by %s', (_name, has, given) => {
    expect(mergeHistory([known(1, 10, has)], [incoming('a', 10, given)], NOW_MS)).toEqual({
      inserted: [],
      moved: [],
      knownCount: 1,
    });
  });

  it('are recognised one by one: the same words twice are two messages', () => {
    const has = [known(1, 10, { body: 'yes' })];
    const given = [incoming('a', 10, { body: 'yes' }), incoming('b', 10, { body: 'yes' })];
    expect(mergeHistory(has, given, NOW_MS)).toMatchObject({ knownCount: 1, inserted: [{ seq: 2 }] });
  });

  it('without times stand before what the record already has, and after what they follow', () => {
    expect(orderAfter([known(1, 100)], [incoming('a', undefined), incoming('b', undefined)])).toEqual([
      'a',
      'b',
      'k1',
    ]);
    const has = [known(1, 100, { id: 'a' as MessageId }), known(2, 200)];
    expect(orderAfter(has, [incoming('a', undefined), incoming('b', undefined)])).toEqual(['a', 'b', 'k2']);
  });

  it('without a time take that of a neighbour', () => {
    const given = [incoming('a', undefined), incoming('b', 50), incoming('c', undefined)];
    expect(mergeHistory([], given, NOW_MS).inserted.map(({ atMs }) => atMs)).toEqual([50, 50, 50]);
  });

  it('keep both orders and lose nothing, whatever the times are', () => {
    const times = fc.array(fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }), { maxLength: 12 });
    fc.assert(
      fc.property(times, times, fc.array(fc.nat(11), { maxLength: 6 }), (ours, theirs, shared) => {
        const has = ours.map((atMs, index) => known(index + 1, atMs ?? 1));
        const given = theirs.map((atMs, index) => {
          const same = has[shared[index] ?? -1];
          const isFirst = shared.indexOf(shared[index] ?? -1) === index;
          return incoming(`i${index}`, atMs, same && isFirst ? { sourceId: same.id } : {});
        });
        const order = orderAfter(has, given);
        const inserted = new Set(mergeHistory(has, given, NOW_MS).inserted.map(({ message }) => message.id));
        const mine = has.map(({ id }) => id);
        expect(order.filter((id) => id.startsWith('k'))).toEqual(mine);
        expect(order.filter((id) => id.startsWith('i'))).toEqual(
          given.map(({ id }) => id).filter((id) => inserted.has(id)),
        );
      }),
      { numRuns: 500 },
    );
  });
});
