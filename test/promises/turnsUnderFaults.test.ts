/** P6 and P8 where they matter: what each turn was shown, with two processes, under faults and changes of the record. */
import { expect, it } from '@jest/globals';
import { describeWithPostgres, describeWithRedis } from '../support/services.js';
import { createPostgresDatabase } from '../support/testDatabase.js';
import { runArena } from '../support/turnArena/arena.js';

const newSeed = () => Math.floor(Math.random() * 2 ** 32);

describeWithRedis('With a Redis that fails in every way', () => {
  describeWithPostgres('two processes on one record', () => {
    it('show every turn exactly what the record held at its claim, and answer each text once', async () => {
      const report = await runArena({
        databaseUrl: await createPostgresDatabase(),
        seed: newSeed(),
        durationMs: 16_000,
      });
      // The whole report, so that a failure shows the seed and what was going on.
      expect({ ...report, violations: report.violations.slice(0, 3) }).toMatchObject({
        violations: [],
        doubleReplies: 0,
        unanswered: 0,
        handBackPending: { a: 0, b: 0 },
      });
      expect(report.turns).toBeGreaterThan(300);
      expect(report.fromCache).toBeGreaterThan(report.turns / 4);
      expect(Math.min(...Object.values(report.modeChanges))).toBeGreaterThan(0);
    }, 90_000);

    it('are caught when a snapshot of the right rev holds other words than the record', async () => {
      const report = await runArena({
        databaseUrl: await createPostgresDatabase(),
        seed: newSeed(),
        durationMs: 3_000,
        conversations: 30,
        forge: true,
      });
      expect(report.violations.filter(({ what }) => what === 'messages').length).toBeGreaterThan(0);
    }, 60_000);
  });
});
