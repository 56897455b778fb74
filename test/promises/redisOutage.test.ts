/** P7 with P1 and P2: Redis is killed and comes back while shoppers text. */

import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, it, jest } from '@jest/globals';
import type { JackProcess } from '../support/jackProcess.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import type { Shopper } from '../support/shopper.js';
import { type Dealership, openStage, type Stage } from '../support/stage.js';
import type { Engine } from '../support/testDatabase.js';
import { until } from '../support/until.js';

jest.setTimeout(120_000);

/** The embedded record computes in Jack's own process, so it carries less on a busy machine. */
const RATES_PER_S: Readonly<Record<Engine, number>> = { postgres: 100, pglite: 40 };
const SHOPPERS = 50;
const BODIES = [
  'Do you have any SUVs?',
  'What are your hours today?',
  'My name is Dana',
  'Where are you?',
  'This week',
];

const engines: Engine[] = process.env.TEST_DATABASE_URL ? ['postgres', 'pglite'] : ['pglite'];

describeWithRedis('When Redis is killed under load', () => {
  let stage: Stage;
  let redis: RedisServer;
  let jack: JackProcess;
  let dealership: Dealership;

  async function open(engine: Engine): Promise<void> {
    redis = await startRedis();
    stage = await openStage(engine, { USE_REDIS: 'true', REDIS_URL: redis.url });
    jack = await stage.start();
    dealership = await stage.newDealership(jack);
  }
  afterAll(async () => {
    await stage?.close();
    await redis?.stop();
  });

  const health = async () => {
    const response = await fetch(`${jack.url}/api/health`);
    return { code: response.status, status: ((await response.json()) as { status: string }).status };
  };

  /** Texts at a steady rate until `isOver`. @returns all HTTP statuses. */
  async function load(
    shoppers: readonly Shopper[],
    ratePerS: number,
    isOver: () => boolean,
  ): Promise<number[]> {
    const answers: Promise<number>[] = [];
    const startedAt = performance.now();
    for (let n = 0; !isOver(); n += 1) {
      const body = BODIES[Math.floor(n / SHOPPERS) % BODIES.length] ?? 'Hi';
      answers.push(shoppers[n % SHOPPERS]!.text(jack.url, body));
      await pause(Math.max(0, startedAt + ((n + 1) * 1_000) / ratePerS - performance.now()));
    }
    return await Promise.all(answers);
  }

  it.each(engines)(
    'then every text gets a 200 and one answer, and health says degraded within 1 s and healthy within 3 s (%s)',
    async (engine) => {
      await open(engine);
      const shoppers = Array.from({ length: SHOPPERS }, () => stage.newShopper(dealership));
      let isOver = false;
      const traffic = load(shoppers, RATES_PER_S[engine], () => isOver);
      await pause(1_500);
      expect(await health()).toEqual({ code: 200, status: 'healthy' });

      await redis.kill();
      await until(async () => (await health()).status === 'degraded', { timeoutMs: 1_000, what: 'degraded' });
      await pause(1_500);
      await redis.restart();
      await until(async () => (await health()).status === 'healthy', { timeoutMs: 3_000, what: 'healthy' });
      await pause(1_000);
      isOver = true;

      const statuses = await traffic;
      expect(statuses.length).toBeGreaterThan(3 * RATES_PER_S[engine]);
      expect(new Set(statuses)).toEqual(new Set([200]));
      for (const shopper of shoppers) await expectOneReplyEach(shopper);
      await stage.close();
      await redis.stop();
    },
  );

  /** Every run of texts has exactly one reply behind it, and the handset got what the record says. */
  async function expectOneReplyEach(shopper: Shopper): Promise<void> {
    const view = await until(
      async () => {
        const found = await stage.conversation(jack, dealership, shopper.phone);
        return found?.messages.at(-1)?.direction === 'outbound' ? found : undefined;
      },
      // Slower than the limit of calls a key may make.
      { timeoutMs: 30_000, what: 'the last reply', everyMs: 250 },
    );
    const directions = view.messages.map(({ direction }) => direction[0]).join('');
    expect(directions).not.toContain('oo');
    const replies = view.messages.filter(({ direction }) => direction === 'outbound').map(({ body }) => body);
    await until(() => shopper.received().length >= replies.length, { what: 'the handset' });
    expect(shopper.received().map(({ body }) => body)).toEqual(replies);
  }
});
