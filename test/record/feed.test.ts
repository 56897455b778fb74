import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { systemClock } from '../../services/clock.js';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { createOutboundDoor } from '../../services/outbound/door.js';
import { createStatusWriter } from '../../services/outbound/statuses.js';
import { optOutByStaff } from '../../services/record/conversations.js';
import { type FeedEvent, findNews, numberFeed, readFeed, trimFeed } from '../../services/record/feed.js';
import { release, takeOver } from '../../services/record/ownership.js';
import { createSecrets } from '../../services/secrets.js';
import type { OrganizationId } from '../../services/types.js';
import {
  conversationOf,
  inboundText,
  newOrganization,
  newPhone,
  type TestOrganization,
} from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';

describeEachEngine('The feed', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  function parts() {
    const { database } = test;
    const events = createLiveEvents();
    const secrets = createSecrets('a test secret that is long');
    return {
      secrets,
      receiver: createInboundReceiver({
        database,
        secrets,
        events,
        logger: silentLogger,
        defaultAccountSid: undefined,
        reply: { windowMs: 1_000, maxWaitMs: 8_000 },
        onReplyDue: () => undefined,
      }),
      door: createOutboundDoor({ database, events, onQueued: () => undefined }),
      statuses: createStatusWriter({ database, secrets, events, clock: systemClock, logger: silentLogger }),
    };
  }

  /** Everything after a position, in pages. */
  async function readAll(organizationId: OrganizationId, after = 0, limit = 3): Promise<FeedEvent[]> {
    const ends = await numberFeed(test.database, organizationId);
    const events: FeedEvent[] = [];
    for (let from = after; ; ) {
      const page = await readFeed(test.database, organizationId, {
        after: from,
        lastId: ends?.lastId ?? 0,
        limit,
      });
      events.push(...page.events);
      if (page.upTo === from) return events;
      from = page.upTo;
    }
  }
  const shape = (events: readonly FeedEvent[]) =>
    events.map(({ type, message }) => [type, message?.seq ?? null]);

  async function shopper(organization: TestOrganization, body = 'Hello') {
    const phone = newPhone();
    await parts().receiver.receive(inboundText(organization.number, phone, { body }));
    return await conversationOf(test.database, organization.id, phone);
  }

  it('tells what happened in a conversation, in order, whoever did it', async () => {
    const organization = await newOrganization(test.database);
    const { door, statuses, secrets } = parts();
    const { id, leadId } = await shopper(organization);
    const at = { organizationId: organization.id, leadId, actor: 'test' };
    await takeOver(test.database, { ...at, ownerName: 'Pat' });
    const sent = await door.submit({
      organizationId: organization.id,
      conversationId: id,
      origin: 'staff',
      staffName: 'Pat',
      body: 'Hi, it is Pat',
    });
    if (!sent.allowed) throw new Error(sent.reason);
    const { id: messageId } = sent.message;
    for (const status of ['delivered', 'sent', 'delivered'] as const) {
      await statuses.report({ organizationId: organization.id, messageId, status, errorCode: null });
    }
    await release(test.database, at);
    await optOutByStaff({ database: test.database, secrets }, at);
    await test.database.orm.execute(
      sql`update messages set body = '[redacted]' where conversation_id = ${id} and seq = 1`,
    );
    const events = await readAll(organization.id);
    expect(shape(events)).toEqual([
      ['message.received', 1],
      ['conversation.changed', null],
      ['message.queued', 2],
      ['message.status', 2],
      ['conversation.changed', null],
      ['conversation.changed', null],
      // Still in the outbox, so the opt-out takes it back.
      ['message.status', 2],
      ['message.changed', 1],
    ]);
    expect(events.map((event) => event.id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(events[0]).toMatchObject({
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      conversation: { id, leadId, owner: 'assistant', ownerName: null, optedOut: true, lastSeq: 2 },
      // As it is now: what was redacted is not told any more.
      message: { seq: 1, direction: 'inbound', body: '[redacted]', createdAt: expect.stringMatching(/Z$/) },
    });
    expect(events[3]?.message).toMatchObject({ status: 'canceled', sender: 'staff' });
  });

  it('tells when the assistant asks for a person', async () => {
    const organization = await newOrganization(test.database);
    const { id } = await shopper(organization);
    await test.database.orm.execute(
      sql`update conversations set owner = 'human', owner_name = null where id = ${id}`,
    );
    expect(shape(await readAll(organization.id)).at(-1)).toEqual(['handoff.requested', null]);
  });

  it('says nothing when only a lease or a summary changed, and counts positions of its own organization only (P3)', async () => {
    const organizations = [
      await newOrganization(test.database),
      await newOrganization(test.database),
    ] as const;
    const [mine, theirs] = organizations;
    const first = await shopper(mine, 'mine');
    for (let n = 0; n < 5; n += 1) await shopper(theirs, 'theirs');
    await test.database.orm.execute(
      sql`update conversations set fence = fence + 1, summary = 'A summary' where id = ${first.id}`,
    );
    await shopper(mine, 'mine too');
    const events = await readAll(mine.id);
    expect(events.map(({ id, message }) => [id, message?.body])).toEqual([
      [1, 'mine'],
      [2, 'mine too'],
    ]);
    const ofFirst = await readFeed(test.database, mine.id, {
      after: 0,
      lastId: 2,
      limit: 10,
      conversationId: first.id,
    });
    expect(ofFirst).toMatchObject({ upTo: 2, events: [{ id: 1 }] });
    const byStranger = { after: 0, lastId: 9, limit: 10, conversationId: first.id };
    expect((await readFeed(test.database, theirs.id, byStranger)).events).toEqual([]);
  });

  it('tells of history that was moved in once a conversation, and nothing of what was erased', async () => {
    const organization = await newOrganization(test.database);
    const { id, leadId } = await shopper(organization);
    await test.database.orm.execute(
      sql`insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding, segments,
          status, created_at)
        select gen_random_uuid(), ${organization.id}, ${id}, 10 + n, 'inbound', 'lead', 'old', 'GSM-7', 1, 'received',
          clock_timestamp() - interval '3 days' from generate_series(1, 50) n`,
    );
    expect(shape(await readAll(organization.id))).toEqual([
      ['message.received', 1],
      ['conversation.changed', null],
    ]);
    await shopper(organization, 'stays');
    await test.database.orm.execute(sql`delete from leads where id = ${leadId}`);
    const ends = await numberFeed(test.database, organization.id);
    expect((await readAll(organization.id)).map(({ message }) => message?.body)).toEqual(['stays']);
    expect(ends).toEqual({ lastId: 3, trimmedId: 0 });
    await test.database.orm.execute(sql`delete from organizations where id = ${organization.id}`);
    expect(await numberFeed(test.database, organization.id)).toBeUndefined();
  });

  it('finds which feeds have something new', async () => {
    const organizations = [
      await newOrganization(test.database),
      await newOrganization(test.database),
    ] as const;
    const [busy, calm] = organizations;
    const gone = `gone-${randomUUID()}` as OrganizationId;
    const known = new Map([busy.id, calm.id, gone].map((id) => [id, 0] as const));
    expect(await findNews(test.database, known)).toEqual({ changed: [], gone: [gone] });
    await shopper(busy);
    expect((await findNews(test.database, known)).changed).toEqual([busy.id]);
    const ends = await numberFeed(test.database, busy.id);
    expect((await findNews(test.database, known)).changed).toEqual([busy.id]);
    expect((await findNews(test.database, new Map([[busy.id, ends?.lastId ?? 0]]))).changed).toEqual([]);
  });

  it('removes what is old in batches, and remembers up to where', async () => {
    const own = await openTestDatabase(engine);
    try {
      const [read, unread] = [
        await newOrganization(own.database),
        await newOrganization(own.database),
      ] as const;
      const insert = (organizationId: string, count: number, ageHours: number) =>
        own.database.orm.execute(
          sql`insert into feed_events (organization_id, type, conversation_id, at)
            select ${organizationId}, 'conversation.changed', gen_random_uuid(),
              clock_timestamp() - make_interval(hours => ${ageHours}) from generate_series(1, ${count}::int)`,
        );
      await insert(read.id, 12, 30);
      await numberFeed(own.database, read.id);
      await insert(unread.id, 5, 30);
      await insert(read.id, 3, 1);
      const trim = () => trimFeed(own.database, { keepMs: 24 * 3_600_000, limit: 10 });
      expect([await trim(), await trim(), await trim()]).toEqual([10, 7, 0]);
      expect(await numberFeed(own.database, read.id)).toEqual({ lastId: 15, trimmedId: 12 });
      // Nobody had read these; a reader that was there before them must learn that it missed some.
      expect(await numberFeed(own.database, unread.id)).toEqual({ lastId: 5, trimmedId: 5 });
    } finally {
      await own.close();
    }
  });

  it('When many transactions write at once, then a reader sees every event once, in order, whenever it looks (H19)', async () => {
    const organization = await newOrganization(test.database);
    const conversations = await Promise.all(Array.from({ length: 8 }, () => shopper(organization)));
    const start = (await numberFeed(test.database, organization.id))?.lastId ?? 0;
    const perWriter = engine === 'postgres' ? 60 : 15;
    let isOver = false;
    const writers = conversations.map(async ({ id }, writer) => {
      for (let n = 1; n <= perWriter; n += 1) {
        await test.database.transaction(async (tx) => {
          await tx.execute(
            sql`insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding,
                segments, status)
              values (gen_random_uuid(), ${organization.id}, ${id}, ${100 + n}, 'inbound', 'lead', ${`${writer}-${n}`},
                'GSM-7', 1, 'received')`,
          );
          // Some commit late, after others that wrote later: what a sequence would show behind the reader's back.
          if (engine === 'postgres')
            await tx.execute(sql`select pg_sleep(${((n * 7 + writer) % 5) / 1_000})`);
        });
      }
    });
    const seen: FeedEvent[] = [];
    const reader = (async () => {
      for (let after = start; ; ) {
        const wasOver = isOver;
        const ends = await numberFeed(test.database, organization.id);
        const page = await readFeed(test.database, organization.id, {
          after,
          lastId: ends?.lastId ?? 0,
          limit: 50,
        });
        seen.push(...page.events);
        if (page.upTo > after) after = page.upTo;
        else if (wasOver) return;
        await pause(1);
      }
    })();
    // A second process numbers at the same time.
    const other = (async () => {
      while (!isOver) await numberFeed(test.database, organization.id);
    })();
    await Promise.all(writers);
    isOver = true;
    await Promise.all([reader, other]);
    expect(seen.map(({ id }) => id)).toEqual(seen.map((_event, index) => start + 1 + index));
    expect(seen).toHaveLength(8 * perWriter);
    for (const writer of conversations.keys()) {
      const own = seen.flatMap(({ message }) =>
        message?.body.startsWith(`${writer}-`) ? [message.body] : [],
      );
      expect(own).toEqual(Array.from({ length: perWriter }, (_, n) => `${writer}-${n + 1}`));
    }
  });
});
