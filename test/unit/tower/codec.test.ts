import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { decode, encode } from '../../../services/cache/codec.js';

const roundTrip = (value: unknown) => decode(encode(value));

describe('Encoding of cached values', () => {
  it.each([[0], [''], [false], [null], [[]], [{}], [-0.5], ['ж👋'], [{ a: [null, 0, ''] }]])(
    '%j comes back as itself',
    (value) => {
      expect(roundTrip(value)).toEqual({ isUsable: true, value });
    },
  );

  it('Any JSON comes back as itself', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (json) => {
        const value: unknown = JSON.parse(json);
        expect(JSON.stringify((roundTrip(value) as { value: unknown }).value)).toBe(JSON.stringify(value));
      }),
    );
  });

  it('Long text is stored shorter, short text and noise are not stored longer than by one byte', () => {
    expect(encode('Is the Civic still there? '.repeat(100)).length).toBeLessThan(400);
    const noise = Array.from({ length: 1_500 }, (_, n) => Math.abs(Math.sin(n) * 1e9).toString(36)).join('');
    for (const value of ['short', noise]) {
      expect(encode(value).length).toBeLessThanOrEqual(Buffer.byteLength(JSON.stringify(value)) + 1);
    }
  });

  it('Bytes of another version, cut off, or changed are unusable and never an exception', () => {
    const whole = encode({ text: 'Is the Civic still there? '.repeat(100) });
    const foreign = [Buffer.alloc(0), Buffer.of(9), Buffer.from('garbage'), Buffer.of(1), Buffer.of(1, 123)];
    for (const bytes of [...foreign, whole.subarray(0, 40)])
      expect(decode(bytes)).toEqual({ isUsable: false });
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = Buffer.from(whole);
        damaged[at] = damaged[at]! ^ change;
        expect(() => decode(damaged)).not.toThrow();
      }),
    );
  });

  it('A small value that would inflate to gigabytes is unusable', () => {
    const bomb = encode('a'.repeat(17 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(200_000);
    expect(decode(bomb)).toEqual({ isUsable: false });
  });

  it('What JSON cannot say is refused', () => {
    expect(() => encode(undefined)).toThrow(TypeError);
    expect(() => encode(() => 1)).toThrow(TypeError);
  });
});
