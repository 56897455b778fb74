/** An event of one Jack reaches the streams of another: at once through Redis, and by polling the record without it. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { type EventReader, news, readEvents } from '../http/api/_eventStream.js';
import type { JackProcess } from '../support/jackProcess.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithPostgres, describeWithRedis } from '../support/services.js';
import { type Dealership, openStage, type Stage } from '../support/stage.js';
import { until } from '../support/until.js';

jest.setTimeout(120_000);

describeWithRedis('Two Jacks on one record', () => {
  describeWithPostgres('and one Redis', () => {
    let redis: RedisServer;
    let stage: Stage;
    let a: JackProcess;
    let b: JackProcess;
    let dealership: Dealership;
    let reader: EventReader;
    beforeAll(async () => {
      redis = await startRedis();
      stage = await openStage('postgres', { USE_REDIS: 'true', REDIS_URL: redis.url });
      a = await stage.start();
      b = await stage.start();
      dealership = await stage.newDealership(a);
      reader = await readEvents(`${b.url}/api/stream`, { key: dealership.apiKey });
      await until(() => reader.heard().length > 0, { what: 'the stream' });
    });
    afterAll(async () => {
      reader?.close();
      await stage?.close();
      await redis?.stop();
    });

    const bodies = () => news(reader.heard()).flatMap(({ data }) => (data.message?.body as string) ?? []);

    /** Texts at A, one after the other. @returns how long each took from A's 200 to B's stream, in order of size. */
    async function delays(count: number, prefix: string): Promise<number[]> {
      const found: number[] = [];
      const shopper = stage.newShopper(dealership);
      for (let n = 0; n < count; n += 1) {
        const body = `${prefix} ${n}`;
        expect(await shopper.text(a.url, body)).toBe(200);
        const sinceMs = performance.now();
        await until(() => bodies().includes(body), { what: body, everyMs: 1, timeoutMs: 5_000 });
        found.push(performance.now() - sinceMs);
      }
      return found.sort((x, y) => x - y);
    }

    it('When A takes a text, then a stream of B tells of it at once', async () => {
      const found = await delays(20, 'with Redis');
      if (process.env.TEST_FIGURES) console.log('with Redis, ms:', found.map(Math.round).join(' '));
      expect(found[10]).toBeLessThan(300);
    });

    it('When somebody types at A, then the stream of the conversation at B says so', async () => {
      const leadId = news(reader.heard())[0]?.data.leadId as string;
      const ofLead = await readEvents(`${b.url}/api/stream/conversation/${leadId}`, {
        key: dealership.apiKey,
      });
      await until(() => ofLead.heard().some(({ event }) => event === 'presence'), { what: 'the stream' });
      const answer = await fetch(`${a.url}/api/conversations/${leadId}/presence`, {
        method: 'POST',
        headers: { authorization: `Bearer ${dealership.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'Pat', typing: true }),
      });
      expect(answer.status).toBe(200);
      const said = await until(() => ofLead.heard().find(({ data }) => data.typing?.includes('Pat')), {
        what: 'the word at B',
        timeoutMs: 2_000,
      });
      expect(said.data).toEqual({ viewing: ['Pat'], typing: ['Pat'] });
      ofLead.close();
    });

    it('When Redis is dead, then the stream of B tells of it within its poll, and nothing is missed or told twice', async () => {
      await redis.kill();
      const found = await delays(10, 'without Redis');
      if (process.env.TEST_FIGURES) console.log('without Redis, ms:', found.map(Math.round).join(' '));
      expect(found.at(-1)).toBeLessThan(3_000);
      await redis.restart();
      await until(
        async () =>
          ((await (await fetch(`${b.url}/api/health`)).json()) as { status: string }).status === 'healthy',
        { what: 'health', timeoutMs: 10_000 },
      );
      const again = await delays(10, 'again with Redis');
      if (process.env.TEST_FIGURES) console.log('again with Redis, ms:', again.map(Math.round).join(' '));
      const ids = news(reader.heard()).map(({ id }) => id as number);
      expect(ids).toEqual(ids.map((_id, index) => (ids[0] ?? 0) + index));
      expect(reader.hasEnded()).toBe(false);
    });
  });
});
