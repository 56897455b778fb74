import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import express from 'express';
import { type StreamTimings, streamFeed } from '../../../routes/stream/feedStream.js';
import { streamEventSchema } from '../../../routes/stream/schemas.js';
import { type HttpServer, listen } from '../../../services/http.js';
import type { E164, OrganizationId } from '../../../services/types.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { conversationOf, inboundText, newPhone } from '../../support/records.js';
import { describeEachEngine } from '../../support/testDatabase.js';
import { until } from '../../support/until.js';
import { createClient } from './_client.js';
import { type EventReader, news, readEvents } from './_eventStream.js';

const byId = (events: readonly { id: number | undefined }[]) => events.map(({ id }) => id);

describeEachEngine('Streams', (engine) => {
  let jack: TestApp;
  let readers: EventReader[] = [];
  beforeAll(async () => {
    jack = await buildApp({ engine, feedLimits: { maxPerOrganization: 5 } });
  });
  afterEach(() => {
    for (const reader of readers) reader.close();
    readers = [];
  });
  afterAll(() => jack.close());

  async function dealership() {
    const { organization, apiKey } = await jack.createOrganization();
    const id = organization.id as OrganizationId;
    const number = organization.phoneNumbers[0]!;
    const text = async (phone: E164, body = 'Hello') => {
      await jack.ctx.receiver.receive(inboundText(number, phone, { body }));
    };
    const shopper = async (body?: string) => {
      const phone = newPhone();
      await text(phone, body);
      return { phone, ...(await conversationOf(jack.ctx.database, id, phone)) };
    };
    const open = async (path = '/api/stream', lastEventId?: number) => {
      const reader = await readEvents(`${jack.url}${path}`, { key: apiKey, lastEventId });
      readers.push(reader);
      if (reader.status === 200) await until(() => reader.heard().length > 0, { what: 'the first event' });
      return reader;
    };
    return { id, apiKey, text, shopper, open };
  }

  it('tells what happens as it happens, in the documented form, with the headers that proxies need', async () => {
    const { text, shopper, open } = await dealership();
    const { leadId, phone } = await shopper('before');
    const reader = await open();
    expect(reader.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(reader.headers.get('cache-control')).toBe('no-store, no-transform');
    expect(reader.headers.get('x-accel-buffering')).toBe('no');
    const sinceMs = performance.now();
    await text(phone, 'Is the Civic still there?');
    await until(
      () => news(reader.heard()).some(({ data }) => data.message?.body === 'Is the Civic still there?'),
      {
        what: 'the text',
      },
    );
    expect(performance.now() - sinceMs).toBeLessThan(2_000);
    await until(() => news(reader.heard()).some(({ data }) => data.message?.status === 'delivered'), {
      what: 'the delivery of the reply',
      timeoutMs: 10_000,
    });
    for (const { data } of reader.heard()) streamEventSchema.parse(data);
    for (const { event, data } of news(reader.heard()))
      expect([event, data.leadId]).toEqual([data.type, leadId]);
    expect(JSON.stringify(reader.heard())).not.toContain(phone);
    expect(JSON.stringify(reader.heard())).not.toContain('before');
  });

  it('A stream of one conversation tells of no other, and one of an organization of no other organization (P3)', async () => {
    const [own, other] = [await dealership(), await dealership()];
    const [one, two] = [await own.shopper(), await own.shopper()];
    const [all, ofOne] = [await own.open(), await own.open(`/api/stream/conversation/${one.leadId}`)];
    await other.shopper('theirs');
    await own.text(two.phone, 'to two');
    await own.text(one.phone, 'to one');
    await until(() => news(ofOne.heard()).some(({ data }) => data.message?.body === 'to one'), {
      what: 'the text',
    });
    await until(() => news(all.heard()).length >= 2, { what: 'both texts' });
    expect(new Set(news(ofOne.heard()).map(({ data }) => data.leadId))).toEqual(new Set([one.leadId]));
    expect(JSON.stringify(all.heard())).not.toContain('theirs');
    expect((await other.open(`/api/stream/conversation/${one.leadId}`)).status).toBe(404);
  });

  it('When a reader comes back at random points under traffic, then it hears everything once and in order (I8)', async () => {
    const { apiKey, text, shopper, open } = await dealership();
    const shoppers = [await shopper(), await shopper(), await shopper()];
    const whole = await open();
    const from = whole.heard()[0]?.id;
    let isOver = false;
    const traffic = (async () => {
      for (let n = 0; n < 60; n += 1) {
        await text(shoppers[n % 3]!.phone, `text ${n}`);
        await pause(Math.random() * 30);
      }
      isOver = true;
    })();
    const heard: ReturnType<typeof news> = [];
    let lastEventId: number | undefined = from;
    let connections = 0;
    while (!isOver || connections < 10) {
      const reader = await readEvents(`${jack.url}/api/stream`, { key: apiKey, lastEventId });
      connections += 1;
      await pause(Math.random() * 120);
      reader.close();
      await until(() => reader.hasEnded(), { what: 'the end of the connection' });
      heard.push(...news(reader.heard()));
      lastEventId = reader.lastEventId();
    }
    await traffic;
    const count = () =>
      jack.ctx.database.query<{ n: number }>(
        sql`select count(*)::int as n from messages where body like 'text %' and conversation_id in
          (${sql.join(
            shoppers.map(({ id }) => sql`${id}::uuid`),
            sql`, `,
          )})`,
      );
    expect((await count())[0]?.n).toBe(60);
    await until(() => jack.ctx.turns.activeCount === 0 && isSettled(whole), {
      what: 'quiet',
      timeoutMs: 15_000,
    });
    const last = await open('/api/stream', lastEventId);
    await until(() => last.lastEventId() === whole.lastEventId(), { what: 'the rest', timeoutMs: 10_000 });
    heard.push(...news(last.heard()));
    expect(connections).toBeGreaterThanOrEqual(10);
    expect(byId(heard)).toEqual(byId(news(whole.heard())));
    const texts = heard
      .filter(({ event }) => event === 'message.received')
      .map(({ data }) => data.message.body);
    expect(texts.filter((body: string) => body.startsWith('text '))).toHaveLength(60);
    for (const { leadId } of shoppers) {
      const seqs = heard
        .filter(({ event, data }) => data.leadId === leadId && /received|queued/.test(event))
        .map(({ data }) => data.message.seq as number);
      expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
      expect(new Set(seqs).size).toBe(seqs.length);
    }
  });

  const quiet = new WeakMap<EventReader, { count: number; sinceMs: number }>();
  function isSettled(reader: EventReader): boolean {
    const count = reader.heard().length;
    const before = quiet.get(reader);
    if (before?.count === count) return performance.now() - before.sinceMs > 1_500;
    quiet.set(reader, { count, sinceMs: performance.now() });
    return false;
  }

  it('When what a reader missed is no longer kept, or never was, then it is told to look for itself', async () => {
    const { id, shopper, open } = await dealership();
    await shopper();
    await until(async () => (await open()).lastEventId() !== 0, { what: 'a position' });
    await jack.ctx.database.orm.execute(
      sql`update feed_heads set trimmed_id = last_id where organization_id = ${id}`,
    );
    await jack.ctx.database.orm.execute(sql`delete from feed_events where organization_id = ${id}`);
    const fresh = await dealership();
    expect((await fresh.open('/api/stream', 5)).heard()[0]).toEqual({
      id: 0,
      event: 'reset',
      data: { position: 0 },
    });
    const late = await open('/api/stream', 0);
    expect(late.heard()[0]?.event).toBe('reset');
    expect(late.heard()[0]?.id).toBe(late.heard()[0]?.data.position);
  });

  it.each(['x', '-1', '1.5', '1e3', '9999999999999999'])(
    'An id %j that was never sent is refused',
    async (id) => {
      const { apiKey } = await dealership();
      const response = await fetch(`${jack.url}/api/stream`, {
        headers: { authorization: `Bearer ${apiKey}`, 'last-event-id': id },
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({
        code: 'E_INPUT_INVALID',
        errors: [{ pointer: '/header/last-event-id' }],
      });
    },
  );

  it('When too many streams are open, then the next is 429, and when one ends there is room again', async () => {
    const { open } = await dealership();
    const opened = await Promise.all(Array.from({ length: 5 }, () => open()));
    const refused = await open();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
    opened[0]?.close();
    await until(async () => (await open()).status === 200, { what: 'room', everyMs: 100 });
  });

  it('A HEAD request opens no stream', async () => {
    const { apiKey } = await dealership();
    const before = jack.ctx.feed.report().followings;
    const response = await fetch(`${jack.url}/api/stream`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${apiKey}` },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(jack.ctx.feed.report().followings).toBe(before);
  });

  it('When somebody looks and types, then the stream of that conversation says so, and says when it is over', async () => {
    const { apiKey, shopper, open } = await dealership();
    const [here, elsewhere] = [await shopper(), await shopper()];
    const reader = await open(`/api/stream/conversation/${here.leadId}`);
    const client = createClient(jack);
    const say = (leadId: string, body: object) =>
      client.call('POST /api/conversations/{leadId}/presence', { params: { leadId }, body, key: apiKey });
    await say(elsewhere.leadId, { name: 'Kim' });
    expect((await say(here.leadId, { name: 'Pat', typing: true })).body).toEqual({
      viewing: ['Pat'],
      typing: ['Pat'],
    });
    await Promise.all([say(here.leadId, { name: 'Alex' }), say(here.leadId, { name: '__proto__' })]);
    const told = () => reader.heard().filter(({ event }) => event === 'presence');
    await until(() => told().at(-1)?.data.viewing.length === 3, { what: 'all three' });
    expect(told()[0]).toEqual({ id: undefined, event: 'presence', data: { viewing: [], typing: [] } });
    expect(told().at(-1)?.data).toEqual({ viewing: ['Alex', 'Pat', '__proto__'], typing: ['Pat'] });
    await until(() => told().at(-1)?.data.typing.length === 0, {
      what: 'the end of typing',
      timeoutMs: 9_000,
    });
    expect(JSON.stringify(reader.heard())).not.toContain('Kim');
    await say(here.leadId, { name: 'Pat', typing: true });
    expect((await say(here.leadId, { name: 'Pat', typing: false })).body.typing).toEqual([]);
  });

  it('When an organization is erased, then its streams end', async () => {
    const { id, open } = await dealership();
    const reader = await open();
    await jack.ctx.database.orm.execute(sql`delete from organizations where id = ${id}`);
    await until(() => reader.hasEnded(), { what: 'the end of the stream', timeoutMs: 4_000 });
  });
});

describe('A long stream', () => {
  let jack: TestApp;
  let http: HttpServer;
  let isAllowed = true;
  const timings: StreamTimings = { retryMs: 1_000, heartbeatMs: 50, checkMs: 200, drainMs: 1_000 };
  beforeAll(async () => {
    jack = await buildApp();
    const { organization } = await jack.createOrganization();
    const app = express().get('/', (_req, res) =>
      streamFeed(
        jack.ctx,
        res,
        { organizationId: organization.id, isAllowed: async () => isAllowed },
        timings,
      ),
    );
    http = await listen(app, '127.0.0.1', 0);
  });
  afterAll(async () => {
    await jack.close();
    await http.drain();
  });

  it('When nothing happens, then heartbeats keep it open; when the credential is revoked, then it ends', async () => {
    const abort = new AbortController();
    const response = await fetch(http.url, { signal: abort.signal });
    let text = '';
    let hasEnded = false;
    void (async () => {
      for await (const chunk of response.body!) text += Buffer.from(chunk).toString('utf8');
      hasEnded = true;
    })();
    await until(() => text.split(': still here\nid: 0\n\n').length > 10, { what: 'heartbeats' });
    expect(hasEnded).toBe(false);
    isAllowed = false;
    await until(() => hasEnded, { what: 'the end', timeoutMs: 2_000 });
  });
});

describe('When Jack stops', () => {
  it('then open streams end at once and the process does not wait for them', async () => {
    const jack = await buildApp();
    const { apiKey } = await jack.createOrganization();
    const reader = await readEvents(`${jack.url}/api/stream`, { key: apiKey });
    await until(() => reader.heard().length === 1, { what: 'the stream' });
    const sinceMs = performance.now();
    await jack.close();
    expect(performance.now() - sinceMs).toBeLessThan(3_000);
    expect(reader.hasEnded()).toBe(true);
  });
});
