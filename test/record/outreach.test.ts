import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { OutboundDoor } from '../../services/outbound/door.js';
import { claimFollowUps } from '../../services/record/followUps.js';
import type { OrganizationSettings } from '../../services/types.js';
import { describeEachEngine, openTestDatabase, type TestDatabase } from '../support/testDatabase.js';
import { until } from '../support/until.js';
import { leadStage } from './_leadStage.js';

const CADENCE: OrganizationSettings = {
  assistantName: 'Joan',
  followUps: [
    { afterHours: 24, text: 'Hi {name}, is the {vehicle} still on your list?' },
    { afterHours: 72, text: 'A last word about the {vehicle}.' },
  ],
};

describeEachEngine('Greetings and follow-ups', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  /** Runs until nothing that is due is left. */
  async function runOut(stage: Awaited<ReturnType<typeof leadStage>>): Promise<void> {
    const outreach = stage.outreach();
    outreach.start();
    try {
      await until(
        async () =>
          (
            await test.database.query(
              sql`select 1 from follow_ups where organization_id = ${stage.organization.id} and state = 'waiting'
                and due_at <= clock_timestamp()`,
            )
          ).length === 0,
        { what: 'nothing to be due', timeoutMs: 20_000 },
      );
    } finally {
      await outreach.stop();
    }
  }

  async function inquired(settings = CADENCE) {
    const stage = await leadStage(test.database, settings);
    const stored = await stage.inquire({ phone: stage.phone });
    const conversation = await stage.conversation(stored.leadId);
    if (!conversation) throw new Error('the test expects a conversation');
    const change = (assignment: ReturnType<typeof sql>) =>
      test.database.orm.execute(sql`update conversations set ${assignment} where id = ${conversation.id}`);
    return { ...stage, stored, conversationId: conversation.id, change, run: () => runOut(stage) };
  }

  it('greets once: who writes, as an AI, about what, and how to stop', async () => {
    const { organization, phone, run, texts, followUps } = await inquired();
    await run();
    await run();
    expect(await texts(phone)).toEqual([
      {
        seq: 1,
        direction: 'outbound',
        sender: 'system',
        status: 'queued',
        body:
          `Hi Dana, this is Joan, the AI assistant at Dealership ${organization.id}. Thanks for asking about the ` +
          '2021 Honda Civic. What would you like to know about it? Reply STOP to opt out.',
      },
    ]);
    expect(await followUps()).toEqual([
      { step: 0, state: 'sent', reason: null },
      { step: 1, state: 'waiting', reason: null },
      { step: 2, state: 'waiting', reason: null },
    ]);
  });

  it('stores a decision of the door for the greeting', async () => {
    const { conversationId, run } = await inquired();
    await run();
    expect(
      await test.database.query(
        sql`select origin, allowed, reason from gate_decisions where conversation_id = ${conversationId}`,
      ),
    ).toEqual([{ origin: 'system', allowed: true, reason: 'first_touch' }]);
  });

  it('follows up at its times, with who writes and how to stop', async () => {
    const { organization, phone, run, makeDue, texts } = await inquired();
    await run();
    await makeDue();
    await run();
    expect((await texts(phone)).slice(1).map(({ body }) => body)).toEqual([
      `Dealership ${organization.id}: Hi Dana, is the 2021 Honda Civic still on your list? Reply STOP to opt out.`,
      `Dealership ${organization.id}: A last word about the 2021 Honda Civic. Reply STOP to opt out.`,
    ]);
  });

  it('after a long outage the texts keep their distance', async () => {
    const { organization, phone, run, texts } = await inquired();
    await run();
    await test.database.orm.execute(
      sql`update follow_ups set due_at = due_at - interval '100 hours' where organization_id = ${organization.id}
        and state = 'waiting'`,
    );
    await run();
    expect(await texts(phone)).toHaveLength(2);
    const [next] = await test.database.query<{ hours: number }>(
      sql`select extract(epoch from due_at - clock_timestamp())::float8 / 3600 as hours from follow_ups
        where organization_id = ${organization.id} and state = 'waiting'`,
    );
    expect(next?.hours).toBeGreaterThan(47);
    expect(next?.hours).toBeLessThan(49);
  });

  it('in quiet hours a greeting is scheduled for the morning', async () => {
    const { phone, run, texts, followUps, at } = await inquired();
    at(Date.parse('2026-11-19T07:30:00Z'));
    await run();
    expect(await texts(phone)).toHaveLength(1);
    expect(await followUps()).toContainEqual({ step: 0, state: 'sent', reason: 'scheduled' });
    const [row] = await test.database.query<{ dueAt: string }>(
      sql`select to_jsonb(o.due_at at time zone 'UTC') #>> '{}' as "dueAt" from outbox o where o.to_number = ${phone}`,
    );
    // After eight in the morning wherever the person may be, on the same day.
    expect(row?.dueAt).toMatch(/^2026-11-19T1[3-7]:/);
  });

  describe('Ends by itself', () => {
    const stopped = (reason: string) => [
      { step: 0, state: 'sent', reason: null },
      { step: 1, state: 'stopped', reason },
      { step: 2, state: 'stopped', reason },
    ];

    it.each<readonly [string, (on: Awaited<ReturnType<typeof inquired>>) => Promise<unknown>]>([
      ['reply', ({ say, phone }) => say(phone, 'Yes please')],
      ['opt_out', ({ say, phone }) => say(phone, 'STOP')],
      ['takeover', ({ change }) => change(sql`owner = 'human', owner_name = 'Pat'`)],
      ['appointment', ({ change }) => change(sql`slots = slots || '{"visitAt":"2026-11-21T10:00"}'`)],
    ])('with a %s', async (reason, happen) => {
      const on = await inquired();
      await on.run();
      await happen(on);
      await on.makeDue();
      await on.run();
      const sent = (await on.texts(on.phone)).filter(({ direction }) => direction === 'outbound');
      expect(sent).toHaveLength(1);
      expect(await on.followUps()).toEqual(stopped(reason));
    });

    it('with a text that comes before the greeting', async () => {
      const { phone, run, say, texts, followUps } = await inquired();
      await say(phone, 'Hello?');
      await run();
      expect((await texts(phone)).map(({ direction }) => direction)).toEqual(['inbound']);
      expect((await followUps()).map(({ state, reason }) => [state, reason])).toEqual([
        ['stopped', 'reply'],
        ['stopped', 'reply'],
        ['stopped', 'reply'],
      ]);
    });

    it('with a newer inquiry, which has its own', async () => {
      const { phone, run, inquire, followUps } = await inquired();
      await run();
      await inquire({ phone });
      expect(await followUps()).toEqual([
        ...stopped('newer_inquiry'),
        { step: 1, state: 'waiting', reason: null },
        { step: 2, state: 'waiting', reason: null },
      ]);
    });

    it('with its step in the settings', async () => {
      const { organization, run, makeDue, followUps } = await inquired();
      await run();
      await test.database.orm.execute(
        sql`update organizations set settings = settings - 'followUps' where id = ${organization.id}`,
      );
      await makeDue();
      await run();
      expect((await followUps()).slice(1)).toEqual([
        { step: 1, state: 'skipped', reason: 'no_longer_in_the_settings' },
        { step: 2, state: 'skipped', reason: 'no_longer_in_the_settings' },
      ]);
    });

    it('six months after the inquiry of somebody in Canada', async () => {
      const stage = await leadStage(test.database, CADENCE);
      const address = { region: 'BC', country: 'CA' };
      await stage.inquire({ phone: stage.phone, prospect: { contact: { address } } });
      await runOut(stage);
      await test.database.orm.execute(
        sql`update inquiries set requested_at = requested_at - interval '190 days'
          where organization_id = ${stage.organization.id}`,
      );
      await stage.makeDue();
      await runOut(stage);
      expect(await stage.followUps()).toEqual(stopped('consent_expired'));
    });
  });

  describe('Exactly once', () => {
    it('over two processes that look at the same moment', async () => {
      const stages = await Promise.all(Array.from({ length: 12 }, () => inquired()));
      const [first] = stages;
      if (!first) throw new Error('no stage');
      const two = [first.outreach(), first.outreach()];
      for (const outreach of two) outreach.start();
      await until(
        async () =>
          (await Promise.all(stages.map(({ phone, texts }) => texts(phone)))).every(
            ({ length }) => length > 0,
          ),
        { what: 'all greetings', timeoutMs: 20_000 },
      );
      await Promise.all(two.map((outreach) => outreach.stop()));
      for (const { phone, texts } of stages) expect(await texts(phone)).toHaveLength(1);
    });

    it('when a process dies after the commit and before it could say so', async () => {
      const { door, phone, run, outreach, texts, followUps } = await inquired();
      let left = 0;
      const dying: Pick<OutboundDoor, 'submit'> = {
        submit: async (request) => {
          await door.submit(request);
          left += 1;
          throw new Error('the process is gone');
        },
      };
      const first = outreach({ leaseMs: 1 }, dying);
      first.start();
      await until(() => left > 0, { what: 'the commit' });
      await first.stop();
      await run();
      expect(await texts(phone)).toHaveLength(1);
      expect((await followUps())[0]).toEqual({ step: 0, state: 'sent', reason: null });
    });

    it('when a process that was taken for dead goes on', async () => {
      const { organization, conversationId, door, phone, run, texts } = await inquired();
      const claims = await claimFollowUps(test.database, { limit: 100, leaseMs: 1 });
      const claim = claims.find(({ organizationId }) => organizationId === organization.id);
      if (!claim) throw new Error('the test expects a claim');
      await run();
      const late = door.submit({
        organizationId: organization.id,
        conversationId: claim.conversationId,
        origin: 'system',
        purpose: 'first_touch',
        body: 'Hello again',
        messageId: claim.id,
      });
      await expect(late).rejects.toThrow();
      expect(claim.conversationId).toBe(conversationId);
      expect(await texts(phone)).toHaveLength(1);
    });

    it('what the shopper does in the last moment counts: the door refuses, and it ends', async () => {
      const { door, phone, say, outreach, texts, followUps } = await inquired();
      let asked = 0;
      const raced: Pick<OutboundDoor, 'submit'> = {
        submit: async (request) => {
          asked += 1;
          if (asked === 1) await say(phone, 'Is it still there?');
          return await door.submit(request);
        },
      };
      const racing = outreach({ busyMs: 1 }, raced);
      racing.start();
      await until(async () => (await followUps())[0]?.state === 'stopped', {
        what: 'the end of the cadence',
        timeoutMs: 20_000,
      });
      await racing.stop();
      expect((await texts(phone)).map(({ direction }) => direction)).toEqual(['inbound']);
      expect((await followUps())[0]?.reason).toBe('reply');
    });
  });

  it('a refusal that time may lift is tried again, up to a bound', async () => {
    const { phone, outreach, texts, followUps } = await inquired({ ...CADENCE, sending: 'off' });
    const trying = outreach({ retryMs: 1, maxAttempts: 3 });
    trying.start();
    await until(async () => (await followUps())[0]?.state === 'skipped', {
      what: 'the end',
      timeoutMs: 20_000,
    });
    await trying.stop();
    expect(await texts(phone)).toEqual([]);
    const [row] = await test.database.query<{ attempts: number }>(
      sql`select attempts from follow_ups f join conversations c on c.id = f.conversation_id
        join leads l on l.id = c.lead_id where l.phone = ${phone} and f.step = 0`,
    );
    expect(row?.attempts).toBe(3);
  });
});
