/** What the measurements are made of: the same in every run, and as it says. */
import { describe, expect, it } from '@jest/globals';
import { HOUR_MS, writeDay } from '../../../bench/day/script.js';
import { createProse } from '../../../bench/prose.js';
import { quantile } from '../../../bench/statistics.js';

const options = { organizations: 20, shoppers: 5, seed: 7 };

describe('The replayed day', () => {
  it('is the same for the same seed and another for another', () => {
    expect(writeDay(options)).toEqual(writeDay(options));
    expect(writeDay({ ...options, seed: 8 })).not.toEqual(writeDay(options));
  });

  it('happens in its order, at all organizations, most of it in the morning and in the evening', () => {
    const events = writeDay(options);
    expect(events.map(({ atMs }) => atMs)).toEqual(events.map(({ atMs }) => atMs).sort((a, b) => a - b));
    expect(new Set(events.map(({ organization }) => organization)).size).toBe(20);
    const textsIn = (hour: number) =>
      events.filter(({ kind, atMs }) => kind === 'text' && Math.floor(atMs / HOUR_MS) === hour).length;
    expect(textsIn(9) + textsIn(18)).toBeGreaterThan(2 * (textsIn(13) + textsIn(3)));
  });

  it('lets people look at what was said, and shoppers come back', () => {
    const events = writeDay(options);
    const texts = events.filter(({ kind }) => kind === 'text');
    expect(events.length - texts.length).toBeGreaterThan(texts.length / 2);
    const own = texts.filter(({ organization }) => organization === 0);
    const gaps = [0, 1, 2, 3, 4].flatMap((shopper) => {
      const times = own.filter((event) => event.shopper === shopper).map(({ atMs }) => atMs);
      return times.slice(1).map((atMs, n) => atMs - (times[n] as number));
    });
    expect(Math.max(...gaps)).toBeGreaterThan(10 * 60_000);
  });
});

describe('Texts of prose', () => {
  it('have the length asked for, and none is there twice in a conversation', () => {
    const texts = createProse({ length: 120, seed: 1 }).texts(20);
    expect(texts.map(({ length }) => length)).toEqual(Array.from({ length: 20 }, () => 120));
    expect(new Set(texts).size).toBe(20);
    expect(texts.join(' ')).toMatch(/ (the|and|of|is) /);
    expect(createProse({ length: 120, seed: 1 }).texts(20)).toEqual(texts);
  });
});

describe('A quantile', () => {
  it.each([
    [0.5, 51],
    [0.99, 100],
    [1, 100],
  ])('of 1 to 100 at %d is %d', (fraction, expected) => {
    const values = Array.from({ length: 100 }, (_, n) => n + 1);
    expect(quantile(values, fraction)).toBe(expected);
  });
});
