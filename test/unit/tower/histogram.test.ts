import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BUCKET_BOUNDS_MS, Histogram } from '../../../services/histogram.js';

const timesMs = fc.array(fc.double({ min: 0, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 300 });

function of(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.recordMs(value);
  return histogram;
}

describe('A histogram of times', () => {
  it('says percentiles at most a sixteenth too high, never too low by more than a microsecond', () => {
    fc.assert(
      fc.property(timesMs, (values) => {
        const sorted = [...values].sort((a, b) => a - b);
        const exact = (percentile: number) => sorted[Math.ceil((sorted.length * percentile) / 100) - 1]!;
        const report = of(values).report();
        for (const [percentile, told] of [
          [50, report.p50Ms],
          [95, report.p95Ms],
          [99, report.p99Ms],
        ] as const) {
          expect(told).toBeGreaterThanOrEqual(exact(percentile) - 0.001);
          expect(told).toBeLessThanOrEqual(exact(percentile) * (1 + 1 / 16) + 0.002);
        }
      }),
    );
  });

  it('of two processes is that of all their times', () => {
    fc.assert(
      fc.property(timesMs, timesMs, (one, other) => {
        const sum = of(one);
        sum.add(of(other));
        const { sumMs, ...rest } = sum.report();
        const { sumMs: wantedMs, ...wanted } = of([...one, ...other]).report();
        expect(rest).toEqual(wanted);
        expect(sumMs).toBeCloseTo(wantedMs, 6);
      }),
    );
  });

  it('counts in buckets that only grow, and all of it at the end', () => {
    fc.assert(
      fc.property(timesMs, (values) => {
        const { buckets, count } = of(values).report();
        expect(buckets).toEqual([...buckets].sort((a, b) => a - b));
        expect(count).toBe(values.length);
        for (const [at, boundMs] of BUCKET_BOUNDS_MS.entries()) {
          const below = values.filter((value) => value <= boundMs).length;
          const wellBelow = values.filter((value) => value <= boundMs * (15 / 16) - 0.001).length;
          expect(buckets[at]).toBeLessThanOrEqual(
            below + values.filter((v) => Math.abs(v - boundMs) < 0.001).length,
          );
          expect(buckets[at]).toBeGreaterThanOrEqual(wellBelow);
        }
      }),
    );
  });

  it('of nothing is empty, and what makes no sense as a time does no harm', () => {
    expect(new Histogram().report()).toMatchObject({ count: 0, sumMs: 0, p50Ms: 0, p99Ms: 0 });
    expect(of([-5, 1e12]).report().count).toBe(2);
  });
});
