/** What each of the carrier's error codes makes us do, refused at once or reported later (DOMAIN.md 4.3). */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { REACTIONS } from '../../services/outbound/reactions.js';
import { liftHolds, listHolds } from '../../services/record/sendingHolds.js';
import { newPhone } from '../support/records.js';
import { describeEachEngine, openTestDatabase, type TestDatabase } from '../support/testDatabase.js';
import { type DeliveryStage, deliveryStage } from './_deliveryStage.js';

/** What staff are told: of this text, of the organization. */
const lost = (code: number, kind = 'delivery_failed') => [{ kind, code }];
const stopped = (code: number) => [
  { kind: 'sending_stopped', code },
  { kind: 'delivery_failed', code },
];

interface Expected {
  readonly state?: string;
  readonly alerts?: readonly object[];
  readonly holds?: readonly object[];
  readonly untextable?: true;
  readonly optedOut?: true;
}

/** Codes with which the carrier refuses a text at once. */
const REFUSALS: readonly [code: number, expected: Expected][] = [
  [
    20003,
    {
      state: 'queued',
      alerts: [{ kind: 'sending_stopped', code: 20003 }],
      holds: [{ kind: 'credentials', scope: 'all' }],
    },
  ],
  [20404, { alerts: stopped(20404) }],
  [20429, { state: 'queued', alerts: [] }],
  [21211, { alerts: lost(21211, 'not_textable'), untextable: true }],
  [21212, { alerts: stopped(21212) }],
  [21408, { alerts: lost(21408) }],
  [21606, { alerts: stopped(21606) }],
  [21610, { alerts: [], optedOut: true }],
  [21611, { state: 'queued', alerts: [], holds: [{ kind: 'slow', scope: 'all' }] }],
  [21612, { alerts: lost(21612, 'not_textable'), untextable: true }],
  [21614, { alerts: lost(21614, 'not_textable'), untextable: true }],
  [21617, { alerts: lost(21617) }],
  [21635, { alerts: lost(21635, 'not_textable'), untextable: true }],
  [21658, { alerts: lost(21658) }],
  [14103, { alerts: lost(14103) }],
  [99999, { alerts: lost(99999) }],
];

/** Codes that come with a report on a text that was taken. */
const REPORTS: readonly [code: number, expected: Expected][] = [
  [14107, { alerts: lost(14107, 'loop_detected') }],
  [21610, { alerts: [], optedOut: true }],
  [30001, { alerts: lost(30001), holds: [{ kind: 'slow', scope: 'all' }] }],
  [30003, { state: 'queued', alerts: [] }],
  [30004, { alerts: lost(30004) }],
  [30005, { alerts: lost(30005, 'not_textable'), untextable: true }],
  [30006, { alerts: lost(30006, 'not_textable'), untextable: true }],
  [30007, { alerts: lost(30007) }],
  [30008, { state: 'queued', alerts: [] }],
  [30022, { alerts: lost(30022), holds: [{ kind: 'slow', scope: 'us' }] }],
  [30023, { alerts: stopped(30023), holds: [{ kind: 'daily_cap', scope: 'us' }] }],
  [30034, { alerts: stopped(30034), holds: [{ kind: 'registration', scope: 'us' }] }],
  [30999, { alerts: lost(30999) }],
];

describeEachEngine('Reactions to the carrier’s errors', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  const stage = () => deliveryStage(test.database);

  async function expectState(
    at: DeliveryStage,
    code: number,
    state: string,
    expected: Expected,
  ): Promise<void> {
    expect(await at.texts()).toMatchObject([{ state }]);
    expect(await at.alerts()).toMatchObject(expected.alerts ?? []);
    expect(await at.holds()).toMatchObject((expected.holds ?? []).map((hold) => ({ ...hold, code })));
    expect(await at.lead()).toEqual({
      untextableCode: expected.untextable ? code : null,
      optedOut: expected.optedOut ?? false,
    });
  }

  it('has a case here for every code of the table', () => {
    const tested = new Set([...REFUSALS, ...REPORTS].map(([code]) => code));
    expect(
      Object.keys(REACTIONS)
        .map(Number)
        .filter((code) => !tested.has(code)),
    ).toEqual([]);
  });

  it.each(REFUSALS)(
    'When a text is refused with %i, then the reaction is in the record with it',
    async (code, expected) => {
      const at = await stage();
      await at.say();
      const [claimed] = await at.claim();
      const state = expected.state ?? 'refused';
      const isFinal = state === 'refused';
      await at.store(claimed!, {
        state: isFinal ? 'refused' : 'queued',
        code,
        reason: 'refused',
        ...(isFinal ? { messageStatus: 'failed' } : {}),
      });
      await expectState(at, code, state, expected);
    },
  );

  it.each(REPORTS)(
    'When a text is reported with %i, then the reaction is in the record with it',
    async (code, expected) => {
      const at = await stage();
      const text = await at.sent();
      await at.told('undelivered', text, { code });
      await at.told('undelivered', text, { code });
      await expectState(at, code, expected.state ?? 'accepted', expected);
      expect(await at.texts()).toMatchObject([{ status: 'undelivered', code }]);
    },
  );

  it('When a text is refused at once with what is otherwise tried again (20429), and is lost, then staff are told', async () => {
    const at = await stage();
    await at.say();
    const [claimed] = await at.claim();
    await at.store(claimed!, { state: 'refused', code: 20429, messageStatus: 'failed' });
    expect(await at.alerts()).toMatchObject(lost(20429));
  });

  it('When a text is refused without a code, then staff are told', async () => {
    const at = await stage();
    await at.say();
    const [claimed] = await at.claim();
    await at.store(claimed!, { state: 'refused', reason: 'not connected', messageStatus: 'failed' });
    expect(await at.alerts()).toMatchObject([{ kind: 'delivery_failed', code: null }]);
  });

  it('When a phone is not textable, then the gate refuses with a code of its own, and a text of theirs takes the mark away', async () => {
    const at = await stage();
    const text = await at.sent();
    await at.told('undelivered', text, { code: 30006 });
    expect(await at.say()).toMatchObject({ allowed: false, code: 'E_NOT_TEXTABLE' });
    await at.hear('This is a mobile phone!');
    expect(await at.lead()).toMatchObject({ untextableCode: null });
    expect(await at.say()).toMatchObject({ allowed: true });
  });

  it('When several texts are filtered as spam, then that is news of the organization, told once', async () => {
    const first = await stage();
    for (let n = 0; n < 4; n += 1) {
      const at = n === 0 ? first : await deliveryStage(test.database, { organization: first.organization });
      await at.told('undelivered', await at.sent(), { code: 30007 });
    }
    const alerts = await first.alerts();
    expect(alerts.filter(({ conversationId }) => conversationId === null)).toHaveLength(1);
    expect(alerts).toHaveLength(5);
  });

  it('When an alert of the same kind is not seen to, then it is not raised again', async () => {
    const at = await stage();
    for (const body of ['One.', 'Two.']) await at.told('undelivered', await at.sent(body), { code: 30004 });
    expect(await at.alerts()).toHaveLength(1);
  });

  it('When a text was on its way at an opt-out and the carrier wants it again later, then it is canceled, with the decision', async () => {
    const at = await stage();
    await at.say('Too late.');
    const [claimed] = await at.claim();
    await at.hear('STOP');
    await at.store(claimed!, { state: 'queued', code: 20429 });
    expect(await at.texts()).toMatchObject([{ state: 'canceled', status: 'canceled' }]);
    expect(await at.claim()).toEqual([]);
    const decisions = await test.database.query(
      sql`select stage, allowed, reason from gate_decisions where message_id = ${claimed!.text.id} order by id`,
    );
    expect(decisions).toMatchObject([
      { stage: 'commit', allowed: true },
      { stage: 'send', allowed: false, reason: 'opted_out' },
    ]);
  });

  it('When the confirmation of an opt-out is to go again, then it stays', async () => {
    const at = await stage();
    await at.hear('Please stop texting me');
    const [claimed] = await at.claim();
    expect(claimed?.text.body).toMatch(/no more|unsubscribed|opted out|not text/i);
    await at.store(claimed!, { state: 'queued', code: 20429 });
    expect(await at.texts()).toMatchObject([{ state: 'queued' }]);
  });

  it('When a handset is not reachable (30003), then the text goes once more hours later, and no third time', async () => {
    const at = await stage();
    const text = await at.sent();
    await at.told('undelivered', text, { code: 30003 });
    const [again] = await at.texts();
    expect(again).toMatchObject({
      state: 'queued',
      status: 'undelivered',
      code: 30003,
      sid: null,
      failedSid: text.sid,
    });
    expect(again!.dueInS).toBeGreaterThan(3.9 * 3600);
    expect(await at.claim()).toEqual([]);

    await openNow(at);
    const [claimed] = await at.claim();
    const second = `SM${'d'.repeat(31)}1`;
    await at.accept(claimed!, second);
    expect(await at.texts()).toMatchObject([
      { state: 'accepted', status: 'queued', code: 30003, sid: second },
    ]);
    expect(await at.told('delivered', text)).toBe('kept');
    await at.told('undelivered', { id: text.id, sid: second }, { code: 30003 });
    expect(await at.texts()).toMatchObject([{ state: 'accepted', status: 'undelivered', resends: 1 }]);
    expect(await at.alerts()).toMatchObject(lost(30003));
  });

  it('When a second attempt is reported before it is stored, then its climb begins there', async () => {
    const at = await stage();
    const text = await at.sent();
    await at.told('undelivered', text, { code: 30008 });
    await openNow(at);
    const [claimed] = await at.claim();
    const second = { id: text.id, sid: `SM${'d'.repeat(31)}2` };
    await at.told('sent', second);
    await at.accept(claimed!, second.sid);
    expect(await at.texts()).toMatchObject([{ state: 'accepted', status: 'sent', sid: second.sid }]);
  });

  it('When the conversation went on, then a failed text does not go once more, and staff are told', async () => {
    const at = await stage();
    const text = await at.sent();
    await at.hear('Never mind.');
    await at.told('undelivered', text, { code: 30008 });
    expect(await at.texts()).toMatchObject([{ state: 'accepted', resends: 0 }]);
    expect(await at.alerts()).toMatchObject(lost(30008));
  });

  it('When a text waits for its second attempt, then one that is said after it does not wait, and takes its place', async () => {
    const at = await stage();
    const text = await at.sent();
    await at.told('undelivered', text, { code: 30003 });
    await at.say('Something newer.');
    expect((await at.claim()).map(({ text: { body } }) => body)).toEqual(['Something newer.']);
    await openNow(at);
    expect(await at.claim()).toEqual([]);
  });

  it('When holds are in force, then they stop what they are about and nothing else', async () => {
    const united = await deliveryStage(test.database, { phone: `+1206${newPhone().slice(5)}` as never });
    const canadian = await deliveryStage(test.database, {
      organization: united.organization,
      phone: `+1604${newPhone().slice(5)}` as never,
    });
    await united.told('undelivered', await united.sent(), { code: 30034 });
    await united.say('To the United States.');
    await canadian.say('To Canada.');
    expect((await united.claim()).map(({ text }) => text.body)).toEqual(['To Canada.']);

    expect(await listHolds(test.database, united.organization.id)).toMatchObject([
      { kind: 'registration', scope: 'us', code: 30034, heldUntil: null },
    ]);
    expect(await liftHolds(test.database, united.organization.id, 'administrator')).toEqual(['registration']);
    expect((await united.claim()).map(({ text }) => text.body)).toEqual(['To the United States.']);
  });

  it('When an organization is slowed down again and again, then each time is longer, up to half an hour', async () => {
    const at = await stage();
    const lengths: number[] = [];
    for (let n = 0; n < 7; n += 1) {
      await at.say();
      const [claimed] = await at.claim();
      await at.store(claimed!, { state: 'queued', code: 21611 });
      await at.store(claimed!, { state: 'queued', code: 21611 });
      lengths.push(Math.round((await at.holds())[0]!.forS! / 60));
      expect(await at.claim()).toEqual([]);
      await test.database.orm.execute(
        sql`update sending_holds set held_until = clock_timestamp() where organization_id = ${at.organization.id}`,
      );
    }
    expect(lengths).toEqual([1, 2, 4, 8, 16, 30, 30]);
  });

  it('When the limit of a day is reached (30023), then it ends at midnight in Pacific time', async () => {
    const at = await stage();
    await at.told('undelivered', await at.sent(), { code: 30023 });
    const [row] = await test.database.query<{ hour: number; forS: number }>(
      sql`select extract(hour from held_until at time zone 'America/Los_Angeles')::int as hour,
          extract(epoch from held_until - clock_timestamp())::float8 as "forS"
        from sending_holds where organization_id = ${at.organization.id}`,
    );
    expect(row!.hour).toBe(0);
    expect(row!.forS).toBeGreaterThan(0);
    expect(row!.forS).toBeLessThanOrEqual(25 * 3600);
  });

  /** As if the hour of second attempts had come, in whatever zone it is open now. */
  async function openNow(at: DeliveryStage): Promise<void> {
    await test.database.orm.execute(
      sql`update outbox set due_at = clock_timestamp() where conversation_id = ${at.conversationId} and resends > 0
        and state = 'queued'`,
    );
  }
});
