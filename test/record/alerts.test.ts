import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { Webhook } from 'standardwebhooks';
import { AlertSender } from '../../services/alerts/delivery.js';
import { newWebhookSecret, type SignedMessage } from '../../services/alerts/message.js';
import type { Posted, Poster } from '../../services/alerts/post.js';
import { systemClock } from '../../services/clock.js';
import { claimAlertDeliveries } from '../../services/record/alertDeliveries.js';
import { listAlerts, raiseAlerts, resolveAlert } from '../../services/record/alerts.js';
import { numberFeed, readFeed } from '../../services/record/feed.js';
import { storeWebhookSecret } from '../../services/record/webhookSecrets.js';
import { createSecrets } from '../../services/secrets.js';
import type { OrganizationId } from '../../services/types.js';
import { newOrganization } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';
import { until } from '../support/until.js';

const URL_OF_DEALERSHIP = 'https://hooks.dealership.example/jack';

describeEachEngine('Staff alerts', (engine) => {
  let test: TestDatabase;
  const secrets = createSecrets('a test secret that is long');
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  async function dealership(url: string | null = URL_OF_DEALERSHIP, hasSecret = true) {
    const { id } = await newOrganization(test.database);
    const settings = url === null ? {} : { alerts: { webhookUrl: url } };
    const set = (value: object) =>
      test.database.orm.execute(
        sql`update organizations set settings = ${JSON.stringify(value)}::jsonb where id = ${id}`,
      );
    await set(settings);
    const newSecret = async () => {
      const secret = newWebhookSecret();
      await storeWebhookSecret({ database: test.database, secrets }, id, { secret, actor: 'test' });
      return secret;
    };
    const secret = hasSecret ? await newSecret() : undefined;
    return { id, set, secret, newSecret };
  }
  const raise = (organizationId: OrganizationId, reason = 'nothing leaves') =>
    test.database.transaction((tx) =>
      raiseAlerts(tx, [
        { organizationId, conversationId: null, kind: 'sending_stopped', reason, details: { code: 20003 } },
      ]),
    );
  const listed = async (organizationId: OrganizationId) =>
    (await listAlerts(test.database, organizationId, { limit: 100, after: undefined })).items;
  const webhookOf = async (organizationId: OrganizationId) => (await listed(organizationId))[0]?.webhook;

  /** Senders under the test's control: what they post comes here. */
  function sender(
    answer: (url: string, message: SignedMessage) => Posted | Promise<Posted>,
    leaseMs = 30_000,
  ) {
    const posted: { url: string; message: SignedMessage }[] = [];
    const post: Poster = async (url, message, signal) => {
      posted.push({ url, message });
      const stopped = new Promise<Posted>((resolve) => {
        const stop = () => resolve({ outcome: 'failed', reason: 'stopped' });
        if (signal.aborted) stop();
        else signal.addEventListener('abort', stop);
      });
      return await Promise.race([answer(url, message), stopped]);
    };
    const started = AlertSender.create({
      database: test.database,
      secrets,
      post,
      clock: systemClock,
      random: () => 0.5,
      logger: silentLogger,
      limits: { sweepMs: 20, leaseMs },
    });
    started.start();
    return { posted, sender: started, stop: () => started.stop() };
  }
  const answer = (status: number) => (): Posted => ({ outcome: 'answered', status });
  const dueNow = (organizationId: OrganizationId) =>
    test.database.orm.execute(
      sql`update alert_deliveries set due_at = clock_timestamp() where organization_id = ${organizationId}`,
    );

  describe('In the record', () => {
    it('When the transaction is rolled back, then there is no alert and no news of it', async () => {
      const { id } = await dealership();
      await expect(
        test.database.transaction(async (tx) => {
          await raiseAlerts(tx, [
            { organizationId: id, conversationId: null, kind: 'loop_detected', reason: 'x' },
          ]);
          throw new Error('rolled back');
        }),
      ).rejects.toThrow('rolled back');
      expect(await listed(id)).toEqual([]);
      const rows = await test.database.query(
        sql`select 1 from alert_deliveries where organization_id = ${id}`,
      );
      expect(rows).toEqual([]);
    });

    it('When alerts are listed, then the newest is first, pages follow each other, and filters tell them apart', async () => {
      const { id } = await dealership(null);
      for (const reason of ['a', 'b', 'c']) {
        await raise(id, reason);
        // Their times have milliseconds; two of one have no order that a reader could know.
        await pause(5);
      }
      const first = await listAlerts(test.database, id, { limit: 2, after: undefined });
      expect(first.items.map(({ reason }) => reason)).toEqual(['c', 'b']);
      const second = await listAlerts(test.database, id, { limit: 2, after: first.end });
      expect([second.items.map(({ reason }) => reason), second.end]).toEqual([['a'], undefined]);
      const [newest] = first.items;
      await resolveAlert(test.database, { organizationId: id, alertId: newest?.id ?? '', actor: 'key:abc' });
      const open = await listAlerts(test.database, id, { limit: 9, after: undefined, isResolved: false });
      expect(open.items.map(({ reason }) => reason)).toEqual(['b', 'a']);
      const others = { limit: 9, after: undefined, kind: 'loop_detected' } as const;
      expect((await listAlerts(test.database, id, others)).items).toEqual([]);
    });

    it('When an alert is resolved, then it says by whom, once; another organization finds nothing (P3)', async () => {
      const [mine, theirs] = [await dealership(null), await dealership(null)];
      await raise(mine.id);
      const [alert] = await listed(mine.id);
      const alertId = alert?.id ?? '';
      expect(
        await resolveAlert(test.database, { organizationId: theirs.id, alertId, actor: 'x' }),
      ).toBeUndefined();
      expect(await listed(theirs.id)).toEqual([]);
      const resolve = (actor: string) =>
        resolveAlert(test.database, { organizationId: mine.id, alertId, actor });
      const first = await resolve('key:one');
      expect(first).toMatchObject({ resolvedBy: 'key:one', resolvedAt: expect.stringMatching(/Z$/) });
      expect(await resolve('key:two')).toEqual(first);
    });

    it('When an alert concerns no conversation, then the feed tells of it all the same, and of its end', async () => {
      const { id } = await dealership(null);
      await raise(id);
      const [alert] = await listed(id);
      await resolveAlert(test.database, { organizationId: id, alertId: alert?.id ?? '', actor: 'x' });
      const ends = await numberFeed(test.database, id);
      const page = await readFeed(test.database, id, { after: 0, lastId: ends?.lastId ?? 0, limit: 10 });
      expect(page.events).toMatchObject([
        {
          id: 1,
          type: 'alert.raised',
          conversation: null,
          message: null,
          alert: { id: alert?.id, kind: 'sending_stopped', details: { code: 20003 } },
        },
        { id: 2, type: 'alert.resolved', alert: { resolvedAt: expect.stringMatching(/Z$/) } },
      ]);
      const stranger = await dealership(null);
      const seen = await readFeed(test.database, stranger.id, { after: 0, lastId: 9, limit: 10 });
      expect(seen.events).toEqual([]);
    });
  });

  describe('At the URL of the organization', () => {
    it('When an alert is raised, then it arrives once, signed so that the library of the receiver accepts it', async () => {
      const { id, secret } = await dealership();
      await raise(id);
      const { posted, stop } = sender(answer(204));
      await until(async () => (await webhookOf(id))?.state === 'delivered', { what: 'the delivery' });
      await stop();
      const [alert] = await listed(id);
      const mine = posted.filter(({ message }) => message.headers['webhook-id'] === alert?.id);
      expect(mine).toHaveLength(1);
      expect(mine[0]?.url).toBe(URL_OF_DEALERSHIP);
      const { body = '', headers = {} } = mine[0]?.message ?? {};
      expect(new Webhook(secret ?? '').verify(body, headers)).toEqual({
        type: 'alert.raised',
        timestamp: alert?.createdAt,
        data: {
          id: alert?.id,
          organizationId: id,
          kind: 'sending_stopped',
          reason: 'nothing leaves',
          details: { code: 20003 },
          leadId: null,
          createdAt: alert?.createdAt,
        },
      });
      expect(() => new Webhook(secret ?? '').verify(`${body} `, headers)).toThrow('No matching signature');
      expect(() => new Webhook(newWebhookSecret()).verify(body, headers)).toThrow('No matching signature');
      expect(alert?.webhook).toMatchObject({ attempts: 1, httpStatus: 204, reason: null });
    });

    it('When the secret is changed, then both sign for a day, and the record has neither in clear', async () => {
      const { id, secret = '', newSecret } = await dealership();
      const second = await newSecret();
      await raise(id);
      const { posted, stop } = sender(answer(200));
      await until(async () => (await webhookOf(id))?.state === 'delivered', { what: 'the delivery' });
      const { body = '', headers = {} } = posted[0]?.message ?? {};
      for (const valid of [secret, second])
        expect(() => new Webhook(valid).verify(body, headers)).not.toThrow();
      const [stored] = await test.database.query(
        sql`select * from webhook_secrets where organization_id = ${id}`,
      );
      expect(JSON.stringify(stored)).not.toContain(secret.slice(6, 20));
      expect(JSON.stringify(stored)).not.toContain(second.slice(6, 20));
      await test.database.orm.execute(
        sql`update webhook_secrets set previous_until = clock_timestamp() where organization_id = ${id}`,
      );
      await raise(id);
      await until(() => posted.length === 2, { what: 'the second' });
      await stop();
      const { body: later = '', headers: laterHeaders = {} } = posted[1]?.message ?? {};
      expect(() => new Webhook(secret).verify(later, laterHeaders)).toThrow('No matching signature');
      expect(() => new Webhook(second).verify(later, laterHeaders)).not.toThrow();
    });

    it.each([
      ['an error', { outcome: 'answered', status: 500 }, 'http_500'],
      ['a redirect', { outcome: 'answered', status: 302 }, 'http_302'],
      ['nothing in time', { outcome: 'failed', reason: 'timeout' }, 'timeout'],
    ] as const)(
      'When the receiver answers %s, then it is tried again later, with the same id',
      async (_what, failure, reason) => {
        const { id } = await dealership();
        await raise(id);
        let isMended = false;
        const { posted, stop } = sender(() => (isMended ? { outcome: 'answered', status: 200 } : failure));
        await until(async () => (await webhookOf(id))?.reason === reason, { what: 'the failure' });
        const [row] = await test.database.query<{ waits: number }>(
          sql`select extract(epoch from due_at - clock_timestamp())::float8 as waits from alert_deliveries where organization_id = ${id}`,
        );
        expect(row?.waits).toBeGreaterThan(0);
        expect(row?.waits).toBeLessThanOrEqual(5);
        isMended = true;
        await dueNow(id);
        await until(async () => (await webhookOf(id))?.state === 'delivered', { what: 'the delivery' });
        await stop();
        expect(new Set(posted.map(({ message }) => message.headers['webhook-id'])).size).toBe(1);
        expect(await webhookOf(id)).toMatchObject({ attempts: 2, reason: null });
      },
    );

    it('When it has failed for a day, then it is given up and the list says so', async () => {
      const { id } = await dealership();
      await raise(id);
      await test.database.orm.execute(
        sql`update staff_alerts set created_at = clock_timestamp() - interval '23 hours 59 minutes 58 seconds' where organization_id = ${id}`,
      );
      const { posted, stop } = sender(answer(503));
      await until(async () => (await webhookOf(id))?.state === 'given_up', { what: 'the end' });
      await dueNow(id);
      await stop();
      expect(posted).toHaveLength(1);
      expect(await webhookOf(id)).toMatchObject({
        httpStatus: 503,
        reason: 'http_503',
        settledAt: expect.stringMatching(/Z$/),
      });
    });

    it.each([
      ['says 410', { outcome: 'answered', status: 410 }, 'http_410'],
      ['is at a private address', { outcome: 'refused', reason: 'private_address' }, 'private_address'],
    ] as const)('When the receiver %s, then it is not tried again', async (_what, posted, reason) => {
      const { id } = await dealership();
      await raise(id);
      const { stop } = sender(() => posted);
      await until(async () => (await webhookOf(id))?.state === 'given_up', { what: 'the end' });
      await stop();
      expect(await webhookOf(id)).toMatchObject({ attempts: 1, reason });
    });

    it('When no secret has been made, then nothing is sent unsigned, and it leaves once there is one', async () => {
      const { id, newSecret } = await dealership(URL_OF_DEALERSHIP, false);
      await raise(id);
      const { posted, stop } = sender(answer(200));
      await until(async () => (await webhookOf(id))?.reason === 'no_secret', { what: 'the reason' });
      expect(posted).toEqual([]);
      await newSecret();
      await dueNow(id);
      await until(async () => (await webhookOf(id))?.state === 'delivered', { what: 'the delivery' });
      await stop();
    });

    it('When the URL is taken away, then what waits is given up; without one there is nothing to deliver', async () => {
      const { id, set } = await dealership();
      await raise(id);
      await set({});
      const { posted, stop } = sender(answer(200));
      await until(async () => (await webhookOf(id))?.reason === 'no_url', { what: 'the end' });
      await raise(id);
      expect(await webhookOf(id)).toBeNull();
      await stop();
      expect(posted).toEqual([]);
    });

    it('When a process dies with a try under way, then another takes it over after the lease, and not before', async () => {
      const { id } = await dealership();
      await raise(id);
      const dead = await claimAlertDeliveries(test.database, { limit: 50, leaseMs: 60_000 });
      expect(dead.map(({ organizationId }) => organizationId)).toEqual([id]);
      expect(await claimAlertDeliveries(test.database, { limit: 50, leaseMs: 60_000 })).toEqual([]);
      await test.database.orm.execute(
        sql`update alert_deliveries set lease_until = clock_timestamp() where organization_id = ${id}`,
      );
      const { posted, stop } = sender(answer(200));
      await until(async () => (await webhookOf(id))?.state === 'delivered', { what: 'the delivery' });
      await stop();
      expect(posted).toHaveLength(1);
      expect(await webhookOf(id)).toMatchObject({ attempts: 2 });
    });

    it('When a process stops with a try under way, then the try is given back at once', async () => {
      const { id } = await dealership();
      await raise(id);
      const first = sender(() => new Promise<Posted>(() => undefined));
      await until(() => first.posted.length === 1, { what: 'the try' });
      await first.stop();
      expect(await webhookOf(id)).toMatchObject({ state: 'pending', reason: 'stopped' });
      const second = sender(answer(200));
      await until(async () => (await webhookOf(id))?.state === 'delivered', { what: 'the delivery' });
      await second.stop();
    });

    it('When two processes and many alerts meet, then each arrives once, one at a time for an organization', async () => {
      const { id } = await dealership();
      for (let n = 0; n < 20; n += 1) await raise(id, `alert ${n}`);
      let atOnce = 0;
      let most = 0;
      const slowly = async (): Promise<Posted> => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        await new Promise((resolve) => setTimeout(resolve, 2));
        atOnce -= 1;
        return { outcome: 'answered', status: 200 };
      };
      const senders = [sender(slowly), sender(slowly)];
      await until(async () => (await listed(id)).every(({ webhook }) => webhook?.state === 'delivered'), {
        what: 'all of them',
        timeoutMs: 30_000,
      });
      await Promise.all(senders.map(({ stop }) => stop()));
      const ids = senders.flatMap(({ posted }) => posted.map(({ message }) => message.headers['webhook-id']));
      expect([ids.length, new Set(ids).size]).toEqual([20, 20]);
      // Two processes may take the first at the same moment; neither piles up more.
      expect(most).toBeLessThanOrEqual(2);
    });

    it("When one organization's receiver hangs, then another's alerts arrive", async () => {
      const [stuck, fine] = [await dealership('https://stuck.dealership.example/'), await dealership()];
      for (let n = 0; n < 20; n += 1) await raise(stuck.id);
      await raise(fine.id);
      const { posted, stop } = sender((url) =>
        url.includes('stuck') ? new Promise<Posted>(() => undefined) : { outcome: 'answered', status: 200 },
      );
      await until(async () => (await webhookOf(fine.id))?.state === 'delivered', { what: 'the delivery' });
      await stop();
      expect(posted.filter(({ url }) => url.includes('stuck'))).toHaveLength(1);
    });
  });
});
