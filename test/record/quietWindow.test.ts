import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { createSecrets } from '../../services/secrets.js';
import type { OrganizationSettings } from '../../services/types.js';
import { inboundText, newOrganization, newPhone } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';

describeEachEngine('When the reply is due', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  async function stage(replyWindow?: OrganizationSettings['replyWindow'], maxWaitMs = 20_000) {
    const { database } = test;
    const organization = await newOrganization(database);
    if (replyWindow !== undefined)
      await database.orm.execute(
        sql`update organizations set settings = ${JSON.stringify({ replyWindow })}::jsonb where id = ${organization.id}`,
      );
    const phone = newPhone();
    const told: number[] = [];
    const stored: number[] = [];
    const receiver = createInboundReceiver({
      database,
      secrets: createSecrets('a test secret that is long'),
      events: createLiveEvents(),
      logger: silentLogger,
      defaultAccountSid: undefined,
      reply: { windowMs: 3_000, maxWaitMs },
      onReplyDue: (delayMs) => told.push(delayMs),
      onStored: (_conversationId, seq) => stored.push(seq),
    });
    /** @returns milliseconds from the last text to the moment that the row says. */
    const dueIn = async () => {
      const [row] = await database.query<{ ms: number | null }>(
        sql`select (extract(epoch from reply_due_at - last_message_at) * 1000)::float8 as ms from conversations
          where organization_id = ${organization.id}`,
      );
      return row?.ms ?? undefined;
    };
    const say = async (...bodies: string[]) => {
      await Promise.all(
        bodies.map((body) => receiver.receive(inboundText(organization.number, phone, { body }))),
      );
      return await dueIn();
    };
    return { say, told, stored };
  }

  /** Columns keep whole milliseconds, and one statement reads its clock more than once. */
  const about = (ms: number) => ({
    asymmetricMatch: (value: unknown) => typeof value === 'number' && Math.abs(value - ms) <= 100,
    toString: () => `about ${ms}`,
  });

  it.each([
    ['hey', 6_000],
    ['my name is dana', 3_000],
    ['Is the Civic still there?', 1_000],
  ])('%j waits %i ms', async (body, ms) => {
    const { say, told, stored } = await stage();
    expect(await say(body)).toEqual(about(ms));
    expect(told).toHaveLength(1);
    expect(told[0]).toEqual(about(ms));
    expect(stored).toEqual([1]);
  });

  it('the last text decides, also of those that are stored together', async () => {
    const { say, told } = await stage();
    expect(await say('Is the Civic still there?')).toEqual(about(1_000));
    expect(await say('and')).toEqual(about(6_000));
    expect(await say('hey', 'so', 'Can I see it today?')).toEqual(about(1_000));
    expect(told).toHaveLength(5);
  });

  it('a HELP among them leaves it as it is', async () => {
    const { say, told } = await stage();
    expect(await say('hey', 'HELP')).toEqual(about(6_000));
    expect(told).toHaveLength(1);
  });

  it('whoever goes on writing waits no longer than the deployment allows', async () => {
    const { say, told } = await stage(undefined, 2_000);
    expect(await say('hey')).toEqual(about(2_000));
    await test.database.orm.execute(
      sql`update conversations set reply_waiting_since = reply_waiting_since - interval '1500 ms'`,
    );
    expect(await say('so')).toBeLessThanOrEqual(501);
    expect(told[1]).toBeLessThanOrEqual(501);
  });

  it('an organization has its own windows, or none', async () => {
    const own = await stage({ shortestMs: 200, normalMs: 4_000, longestMs: 9_000 });
    expect(await own.say('hey')).toEqual(about(9_000));
    expect(await own.say('my name is dana')).toEqual(about(4_000));
    expect(await own.say('Is it there?')).toEqual(about(200));
    const none = await stage('off');
    expect(await none.say('hey')).toEqual(about(0));
  });
});
