/** P1 to P6 together: processes, Redis, carrier and people at odds with each other; and that a broken promise is found. */
import { expect, it, jest } from '@jest/globals';
import type { Promised } from '../support/history/checker.js';
import { runHistory } from '../support/history/history.js';
import { PLANTS, type Plant } from '../support/history/plants.js';
import { describeWithPostgres, describeWithRedis } from '../support/services.js';
import { createPostgresDatabase } from '../support/testDatabase.js';

jest.setTimeout(240_000);

const newSeed = () => Math.floor(Math.random() * 2 ** 32);

describeWithRedis('A history', () => {
  describeWithPostgres('of two processes on one record', () => {
    it('keeps every promise for a minute of disturbances', async () => {
      const databaseUrl = await createPostgresDatabase();
      const report = await runHistory({ databaseUrl, seed: newSeed(), durationMs: 60_000 });
      // The whole report, so that a failure shows the seed and what was going on.
      expect({ ...report, violations: report.violations.slice(0, 5) }).toMatchObject({ violations: [] });
      expect(report.texts.texts).toBeGreaterThan(100);
      expect(report.onHandsets).toBeGreaterThan(50);
    });

    /** @returns the promises that the checker finds broken. */
    async function brokenWith(plant: Plant): Promise<ReadonlySet<Promised>> {
      const few = { durationMs: 6_000, shoppers: 16, processes: 1, stops: plant === 'P5' ? 0.5 : 0 };
      const databaseUrl = await createPostgresDatabase();
      const { violations } = await runHistory({ ...few, databaseUrl, seed: newSeed(), plant });
      return new Set(violations.map(({ promise }) => promise));
    }

    // Three at a time: they mostly wait.
    it.each([[PLANTS.slice(0, 3)], [PLANTS.slice(3)]])(
      'in which one of %j is broken on purpose is found',
      async (plants) => {
        const found = await Promise.all(plants.map(brokenWith));
        for (const [n, plant] of plants.entries()) expect([...found[n]!]).toContain(plant);
      },
    );
  });
});
