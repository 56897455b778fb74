import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { createSecrets } from '../../services/secrets.js';
import { claimDue, freeAllLeases, releaseLease, renewLeases } from '../../services/turns/claims.js';
import { conversationOf, inboundText, newOrganization, newPhone } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';

describeEachEngine('Claims of turns', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  async function dueConversation() {
    const { database } = test;
    const organization = await newOrganization(database);
    const phone = newPhone();
    const receiver = createInboundReceiver({
      database,
      secrets: createSecrets('a test secret that is long'),
      events: createLiveEvents(),
      logger: silentLogger,
      defaultAccountSid: undefined,
      reply: { windowMs: 0, maxWaitMs: 0 },
      onReplyDue: () => undefined,
    });
    await receiver.receive(inboundText(organization.number, phone, { body: 'one' }));
    await receiver.receive(inboundText(organization.number, phone, { body: 'two' }));
    const claim = async (holder: string) =>
      (await claimDue(database, { limit: 100, leaseMs: 5_000, holder })).filter(
        ({ organizationId }) => organizationId === organization.id,
      );
    const expire = () =>
      database.orm.execute(
        sql`update conversations set lease_until = clock_timestamp() - interval '1 ms' where organization_id = ${organization.id}`,
      );
    return { database, organization, phone, claim, expire };
  }

  it('brings the texts since the base, and the revs that state is checked by', async () => {
    const { claim, database, organization, phone } = await dueConversation();
    const [found] = await claim('a');
    const row = await conversationOf(database, organization.id, phone);
    expect(found).toMatchObject({ baseRev: row.baseRev, baseSeq: 0, lastSeq: 2, fence: 1, attempts: 1 });
    expect(found?.since.map(({ seq, body }) => [seq, body])).toEqual([
      [1, 'one'],
      [2, 'two'],
    ]);
  });

  it('gives a conversation to one of many that ask at once', async () => {
    const { claim } = await dueConversation();
    const found = await Promise.all(Array.from({ length: 8 }, (_, n) => claim(`p${n}`)));
    expect(found.flat()).toHaveLength(1);
  });

  it('gives it to somebody else when the lease has run out, under a higher fence', async () => {
    const { claim, expire } = await dueConversation();
    const [first] = await claim('a');
    expect(await claim('b')).toEqual([]);
    await expire();
    const [second] = await claim('b');
    expect(second?.fence).toBe(first!.fence + 1);
    expect(second?.attempts).toBe(2);
  });

  it('renews the lease of the holder, and tells who lost it', async () => {
    const { claim, expire, database } = await dueConversation();
    const [first] = await claim('a');
    expect(await renewLeases(database, [first!], 5_000)).toEqual(
      new Map([[first!.conversationId, { lastSeq: 2, mayReply: true }]]),
    );
    await expire();
    await claim('b');
    expect(await renewLeases(database, [first!], 5_000)).toEqual(new Map());
  });

  it('is taken again after a release, not before its delay, and never released by an old holder', async () => {
    const { claim, expire, database } = await dueConversation();
    const [first] = await claim('a');
    await expire();
    const [second] = await claim('b');
    await releaseLease(database, first!, 0);
    expect(await claim('c')).toEqual([]);
    await releaseLease(database, second!, 60_000);
    expect(await claim('c')).toEqual([]);
    await database.orm.execute(
      sql`update conversations set reply_due_at = clock_timestamp() where id = ${second!.conversationId}`,
    );
    expect(await claim('c')).toHaveLength(1);
  });

  it('frees all leases at the start of a record that only one process can have', async () => {
    const { claim, database } = await dueConversation();
    await claim('dead');
    await freeAllLeases(database);
    expect(await claim('alive')).toHaveLength(1);
  });

  it.each(['human', 'opted out'])('leaves a conversation alone that is %s', async (state) => {
    const { claim, database, organization } = await dueConversation();
    await database.orm.execute(
      state === 'human'
        ? sql`update conversations set owner = 'human' where organization_id = ${organization.id}`
        : sql`update conversations set opted_out = true where organization_id = ${organization.id}`,
    );
    expect(await claim('a')).toEqual([]);
  });
});
