import { describe, expect, it } from '@jest/globals';
import { type ChainedEntry, canonicalJson, chain, findBreak } from '../../../services/evidence/chain.js';

const head = { format: 'x', lead: { id: 1 } };
const entries = ['a', 'b', 'c'].map((body, seq) => ({
  kind: 'message',
  at: `2026-11-18T20:00:0${seq}.000Z`,
  data: { seq, body },
}));
const whole = chain(head, entries);
const without = (index: number) => whole.entries.filter((_entry, at) => at !== index);
const changed = (index: number, change: Partial<ChainedEntry>) =>
  whole.entries.map((entry, at) => (at === index ? { ...entry, ...change } : entry));

describe('The chain', () => {
  it('fits what it was made of', () => {
    expect(findBreak(head, whole)).toBeUndefined();
    expect(findBreak(head, chain(head, []))).toBeUndefined();
  });

  it('survives a copy of the file, in whatever order its names come', () => {
    const copy = JSON.parse(JSON.stringify(whole)) as typeof whole;
    const turned = copy.entries.map(({ hash, data, at, kind }) => ({ hash, data, at, kind }));
    expect(findBreak({ lead: { id: 1 }, format: 'x' }, { ...copy, entries: turned })).toBeUndefined();
  });

  it.each<readonly [string, number, readonly ChainedEntry[]]>([
    ['a changed text', 1, changed(1, { data: { seq: 1, body: 'B' } })],
    ['a changed time', 2, changed(2, { at: '2026-11-18T20:00:09.000Z' })],
    ['a changed hash', 1, changed(1, { hash: '0'.repeat(64) })],
    ['one left out', 1, without(1)],
    ['two that changed places', 0, [whole.entries[1], whole.entries[0], whole.entries[2]] as ChainedEntry[]],
  ])('shows %s', (_what, at, broken) => {
    expect(findBreak(head, { entries: broken, last: whole.last })).toBe(at);
  });

  it('shows a missing end and a changed head', () => {
    expect(findBreak(head, { entries: without(2), last: whole.last })).toBe(-1);
    expect(findBreak({ ...head, format: 'y' }, whole)).toBe(0);
  });

  it('has one form for equal values', () => {
    expect(canonicalJson({ b: [1, null, undefined], a: { d: 'é"', c: undefined } })).toBe(
      '{"a":{"d":"é\\""},"b":[1,null,null]}',
    );
  });
});
