/** Who gets the next place: organizations take turns, and a number goes no faster than it may. */
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { claimOutbox, type OutboxClaim } from '../../services/outbound/claimOutbox.js';
import { newOrganization, type TestOrganization } from '../support/records.js';
import { describeEachEngine, openTestDatabase, type TestDatabase } from '../support/testDatabase.js';
import { deliveryStage } from './_deliveryStage.js';

const LEASE_MS = 60_000;

describeEachEngine('The outbox', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  beforeEach(() => test.database.orm.execute(sql`delete from organizations`));
  afterAll(() => test.close());

  let people = 0;
  /** Conversations of their own, each with one queued text; the first was queued first. */
  async function queue(
    organization: TestOrganization,
    count: number,
    change: { from?: string; segments?: number } = {},
  ) {
    const { from = organization.number, segments = 1 } = change;
    const first = people;
    people += count;
    await test.database.orm.execute(
      sql`with n as (select n, gen_random_uuid() as lead, gen_random_uuid() as conversation, gen_random_uuid() as message
          from generate_series(1, ${count}::int) n),
        l as (insert into leads (id, organization_id, phone, source)
          select lead, ${organization.id}, '+1604' || lpad((n + ${first}::int)::text, 7, '0'), 'test' from n),
        c as (insert into conversations (id, organization_id, lead_id, last_seq, account, dealership_number)
          select conversation, ${organization.id}, lead, 1, 'default', ${from} from n),
        m as (insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding,
            segments, status)
          select message, ${organization.id}, conversation, 1, 'outbound', 'assistant', 'Text ' || n, 'GSM-7',
            ${segments}::int, 'queued' from n)
        insert into outbox (message_id, organization_id, conversation_id, seq, account, from_number, to_number, due_at)
          select message, ${organization.id}, conversation, 1, 'default', ${from}, '+1604' || lpad((n + ${first}::int)::text, 7, '0'),
            clock_timestamp() - interval '1 minute' + n * interval '1 ms' from n`,
    );
  }

  const byOrganization = (claims: readonly OutboxClaim[]) => {
    const counts: Record<string, number> = {};
    for (const { text } of claims) counts[text.organizationId] = (counts[text.organizationId] ?? 0) + 1;
    return counts;
  };

  it('When one organization floods, then the others still get their places at once', async () => {
    const [flood, small, other] = [
      await newOrganization(test.database),
      await newOrganization(test.database),
      await newOrganization(test.database),
    ];
    await queue(flood, 500);
    await queue(small, 2);
    await queue(other, 30);
    expect(byOrganization(await claimOutbox(test.database, 20, LEASE_MS))).toEqual({
      [flood.id]: 9,
      [small.id]: 2,
      [other.id]: 9,
    });
  });

  it('When nobody else waits, then one organization gets all places, the oldest first', async () => {
    const organization = await newOrganization(test.database);
    await queue(organization, 60);
    const claims = await claimOutbox(test.database, 50, LEASE_MS);
    expect(claims).toHaveLength(50);
    const bodies = claims.map(({ text }) => text.body);
    expect(bodies).toContain('Text 1');
    expect(bodies).not.toContain('Text 51');
    expect(await claimOutbox(test.database, 50, LEASE_MS)).toHaveLength(10);
  });

  it('When many claim at once, then each text goes to one of them', async () => {
    const organizations = await Promise.all([1, 2, 3].map(() => newOrganization(test.database)));
    for (const organization of organizations) await queue(organization, 40);
    const claims: OutboxClaim[] = [];
    for (let round = 0; round < 20 && claims.length < 120; round += 1) {
      const some = await Promise.all([1, 2, 3, 4].map(() => claimOutbox(test.database, 15, LEASE_MS)));
      claims.push(...some.flat());
    }
    expect(claims).toHaveLength(120);
    expect(new Set(claims.map(({ text }) => text.id)).size).toBe(120);
  });

  it.each([
    ['a long code', '+16045550100', 1],
    ['a toll-free number', '+18885550100', 3],
    ['a short code', '72345', 100],
  ])(
    'When %s has more than it may send, then it gets so many seconds of its speed',
    async (_name, from, speed) => {
      const organization = await newOrganization(test.database);
      await queue(organization, 450, { from });
      expect(await claimOutbox(test.database, 450, LEASE_MS, { aheadS: 4 })).toHaveLength(4 * speed);
      const more = await claimOutbox(test.database, 450, LEASE_MS, { aheadS: 4 });
      // What has passed since is a fraction of a second, unless the machine is slow: then it is that much more.
      expect(more.length).toBeLessThanOrEqual(4 * speed);
      await pass(organization, 2);
      const later = await claimOutbox(test.database, 450, LEASE_MS, { aheadS: 4 });
      expect(later.length).toBeGreaterThanOrEqual(Math.min(2 * speed, 450 - 4 * speed - more.length));
    },
  );

  it('When the organization says how fast its numbers are, then that counts', async () => {
    const organization = await newOrganization(test.database);
    const settings = { limits: { segmentsPerSecond: 10 } };
    await test.database.orm.execute(
      sql`update organizations set settings = ${JSON.stringify(settings)}::jsonb where id = ${organization.id}`,
    );
    await queue(organization, 100);
    expect(await claimOutbox(test.database, 100, LEASE_MS, { aheadS: 4 })).toHaveLength(40);
  });

  it('When texts are long, then their segments count, and one that is longer than the room goes alone', async () => {
    const organization = await newOrganization(test.database);
    await queue(organization, 10, { segments: 30 });
    expect(await claimOutbox(test.database, 10, LEASE_MS, { aheadS: 2 })).toHaveLength(1);
    expect(await claimOutbox(test.database, 10, LEASE_MS, { aheadS: 2 })).toHaveLength(0);
    await pass(organization, 30);
    expect(await claimOutbox(test.database, 10, LEASE_MS, { aheadS: 2 })).toHaveLength(1);
  });

  it('When one number is full, then the other numbers of the organization go on', async () => {
    const organization = await newOrganization(test.database);
    await queue(organization, 20, { from: '+16045550101' });
    await queue(organization, 20, { from: '+16045550102' });
    expect(await claimOutbox(test.database, 40, LEASE_MS, { aheadS: 5 })).toHaveLength(10);
  });

  it('When a number is full, then what became of a broken-off send is looked up all the same', async () => {
    const organization = await newOrganization(test.database);
    await queue(organization, 20);
    const claimed = await claimOutbox(test.database, 20, LEASE_MS, { aheadS: 5 });
    await test.database.orm.execute(
      sql`update outbox set state = 'unknown', lease_until = null, due_at = clock_timestamp() where state = 'sending'`,
    );
    const again = await claimOutbox(test.database, 20, LEASE_MS, { aheadS: 5 });
    expect(again.filter(({ task }) => task === 'find')).toHaveLength(claimed.length);
  });

  it('When a number of the same digits belongs to another organization’s account, then each has its own speed', async () => {
    const [one, two] = [await newOrganization(test.database), await newOrganization(test.database)];
    await queue(one, 20, { from: '+16045550103' });
    await queue(two, 20, { from: '+16045550103' });
    expect(byOrganization(await claimOutbox(test.database, 40, LEASE_MS, { aheadS: 5 }))).toEqual({
      [one.id]: 5,
      [two.id]: 5,
    });
  });

  it('When a later part is due while the one before waits for its hour, then it goes; while that is tried again, it waits', async () => {
    const at = await deliveryStage(test.database);
    await at.say('One.');
    await at.say('Two.');
    const later = (attempts: number) =>
      test.database.orm.execute(
        sql`update outbox set attempts = ${attempts}, due_at = clock_timestamp() + interval '1 hour' where seq = 2`,
      );
    await later(1);
    expect(await at.claim()).toEqual([]);
    await later(0);
    expect((await at.claim()).map(({ text }) => text.body)).toEqual(['Two.']);
  });

  /** As if the carrier had had so many seconds more. */
  const pass = (organization: TestOrganization, seconds: number) =>
    test.database.orm.execute(
      sql`update senders set busy_until = busy_until - make_interval(secs => ${seconds}::float8)
        where organization_id = ${organization.id}`,
    );

  it('When ten thousand texts wait, then a claim does not read them all', async () => {
    const organizations: TestOrganization[] = [];
    for (let n = 0; n < 50; n += 1) organizations.push(await newOrganization(test.database));
    for (const [n, organization] of organizations.entries()) await queue(organization, n === 0 ? 7_550 : 50);
    await test.database.orm.execute(sql`analyze`);
    await claimOutbox(test.database, 50, LEASE_MS, { aheadS: 30 });
    const times: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const startedAt = performance.now();
      const claims = await claimOutbox(test.database, 50, LEASE_MS, { aheadS: 30 });
      times.push(performance.now() - startedAt);
      expect(Object.keys(byOrganization(claims)).length).toBe(50);
    }
    // Some tens of milliseconds on an idle machine; a bound that a busy one keeps too.
    expect(Math.min(...times)).toBeLessThan(1_000);
  });
});
