import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { describeEachEngine, openTestDatabase, type TestDatabase } from '../support/testDatabase.js';
import { allowed, HOUR_MS, morningAfter, nextHour, setDoorStage } from './_doorStage.js';

describeEachEngine('The rules of the outbound door', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  const atNoon = (options: Omit<Parameters<typeof setDoorStage>[1], 'atMs'> = {}) =>
    setDoorStage(test, { atMs: nextHour(12), ...options });
  const atNight = (options: Omit<Parameters<typeof setDoorStage>[1], 'atMs'> = {}) =>
    setDoorStage(test, { atMs: nextHour(22), ...options });

  it('sends a text that we start at once within the recipient’s hours, and keeps what it was decided on', async () => {
    const { start, send, sent, rows, decisions } = await atNoon();
    const result = allowed(await start('first_touch'));
    expect(result.scheduledFor).toBeUndefined();
    await send();
    expect(sent).toHaveLength(1);
    expect(await rows()).toMatchObject([{ state: 'accepted', isInContext: true, sender: 'system' }]);
    const details = {
      purpose: 'first_touch',
      placesFrom: ['area_code'],
      places: ['US-WA America/Los_Angeles'],
    };
    expect(await decisions()).toMatchObject([
      { stage: 'commit', allowed: true, reason: 'first_touch', details },
      { stage: 'send', allowed: true, reason: 'first_touch', details },
    ]);
  });

  it('schedules in quiet hours, unseen by the assistant until it has left in the morning', async () => {
    const { clock, start, send, sent, rows, decisions, conversation } = await atNight();
    const morning = morningAfter(clock.ms);
    const result = allowed(await start());
    expect(result).toMatchObject({ scheduledFor: new Date(morning).toISOString(), follows: null });
    expect(await rows()).toMatchObject([
      { state: 'queued', status: 'queued', dueAtMs: morning, isInContext: false },
    ]);
    expect(await decisions()).toMatchObject([
      { allowed: true, reason: 'scheduled_after_quiet_hours', details: { until: result.scheduledFor } },
    ]);
    expect((await conversation()).lastSeq).toBe(1);

    clock.ms = morning;
    await send();
    expect(sent).toHaveLength(1);
    expect(await rows()).toMatchObject([{ state: 'accepted', isInContext: true }]);
    expect((await decisions())[1]).toMatchObject({ stage: 'send', allowed: true, reason: 'follow_up' });
  });

  it('does not hold an answer back behind a text that waits for the morning', async () => {
    const { start, hear, reply, send, sent, rows } = await atNight();
    await start();
    allowed(await reply(await hear()));
    await send({ isHourCome: false });
    expect(sent.map(({ body }) => body)).toEqual(['Yes, it is here.']);
    expect(await rows()).toMatchObject([{ state: 'queued' }, { state: 'accepted' }]);
  });

  it.each<[string, (stage: Awaited<ReturnType<typeof atNight>>) => Promise<unknown>, string, string]>([
    ['the shopper wrote', ({ hear }) => hear(), 'canceled', 'newer_text'],
    [
      'a person took over',
      ({ change }) => change(sql`owner = 'human'`),
      'canceled',
      'human_owns_conversation',
    ],
    [
      'sending was switched off',
      ({ setSettings }) => setSettings({ sending: 'off' }),
      'canceled',
      'sending_switched_off',
    ],
    [
      'the phone turned out to be a landline',
      ({ changeLead }) => changeLead(sql`untextable_code = 30006`),
      'canceled',
      'phone_not_textable',
    ],
    [
      'the organization wants fewer',
      ({ setSettings }) => setSettings({ limits: { startedPerPersonAndDay: 0 } }),
      'canceled',
      'texted_often_enough',
    ],
    ['the number lost its registration', ({ register }) => register('pending'), 'canceled', 'number_pending'],
    [
      'it could not leave for two days',
      async ({ clock, database, conversationId }) => {
        clock.ms = morningAfter(clock.ms + 24 * HOUR_MS);
        await database.orm.execute(
          sql`update messages set created_at = created_at - interval '2 days' where conversation_id = ${conversationId}`,
        );
      },
      'canceled',
      'too_late',
    ],
  ])('does not send a scheduled text when %s', async (_name, happen, state, reason) => {
    const stage = await atNight();
    const { clock, start, send, sent, rows, decisions } = stage;
    await start();
    clock.ms = morningAfter(clock.ms);
    await happen(stage);
    await send();
    expect(sent).toEqual([]);
    expect(await rows()).toMatchObject([{ state, status: 'canceled', reason, isInContext: false }]);
    expect((await decisions()).at(-1)).toMatchObject({ stage: 'send', allowed: false, reason });
  });

  it('waits for another morning when the person turns out to live where it is still night', async () => {
    const { clock, start, send, sent, rows, changeLead } = await atNight();
    await start();
    clock.ms = morningAfter(clock.ms);
    await changeLead(sql`attributes = '{"address": {"postalCode": "96813"}}'`);
    await send();
    expect(sent).toEqual([]);
    const [row] = await rows();
    expect(row).toMatchObject({ state: 'queued', status: 'queued', isInContext: false });
    // Eight in Honolulu is ten, or eleven, in Seattle.
    expect([2, 3]).toContain(((row?.dueAtMs ?? 0) - clock.ms) / HOUR_MS);
    clock.ms = row?.dueAtMs ?? 0;
    await send();
    expect(sent).toHaveLength(1);
  });

  it('does not start a text while the shopper waits for an answer, which stays due', async () => {
    const { start, hear, conversation } = await atNoon();
    await hear();
    expect(await start()).toMatchObject({
      allowed: false,
      code: 'E_SUPERSEDED',
      reason: 'shopper_waits_for_reply',
    });
    expect((await conversation()).dueAtMs).not.toBeNull();
  });

  it('refuses what staff start in quiet hours, unless they answer for it or the shopper wrote lately', async () => {
    const stage = await atNight();
    const until = new Date(morningAfter(stage.clock.ms)).toISOString();
    expect(await stage.staff()).toMatchObject({ allowed: false, code: 'E_QUIET_HOURS', retryAt: until });
    expect(await stage.staff({ ignoresQuietHours: true })).toMatchObject({ allowed: true });
    expect(
      (await stage.decisions()).map(({ reason, details }) => [reason, details?.ignoresQuietHours]),
    ).toEqual([
      ['quiet_hours', undefined],
      ['staff', true],
    ]);
    const answering = await atNight();
    answering.clock.ms -= 11 * HOUR_MS;
    await answering.hear();
    answering.clock.ms += 11 * HOUR_MS;
    expect(await answering.staff()).toMatchObject({ allowed: true });
    answering.clock.ms += HOUR_MS;
    expect(await answering.staff()).toMatchObject({ allowed: false, code: 'E_QUIET_HOURS' });
  });

  it('answers a shopper’s text at night, or holds the turn until the morning if the organization wants it', async () => {
    const open = await atNight();
    expect(await open.reply(await open.hear())).toMatchObject({ allowed: true });

    const held = await atNight({ settings: { quietHours: { holdReplies: true } } });
    const morning = morningAfter(held.clock.ms);
    expect(await held.reply(await held.hear())).toMatchObject({
      allowed: false,
      code: 'E_QUIET_HOURS',
      reason: 'held_until_morning',
      retryAt: new Date(morning).toISOString(),
    });
    expect(await held.conversation()).toMatchObject({ dueAtMs: morning, isLeased: false });
    expect(await held.rows()).toEqual([]);
    // In the morning the turn is claimed anew, and its reply leaves.
    held.clock.ms = morning;
    await held.change(sql`reply_due_at = clock_timestamp()`);
    expect(await held.reply(await held.claim())).toMatchObject({ allowed: true });
    expect(await held.conversation()).toMatchObject({ dueAtMs: null });
  });

  it('starts three texts to one person within a day and no fourth, whatever the number of processes', async () => {
    const { newDoor, organization, conversationId, rows } = await atNoon();
    const doors = [newDoor(), newDoor(), newDoor(), newDoor()];
    const results = await Promise.all(
      doors.flatMap((door, process) =>
        [1, 2].map((n) =>
          door.submit({
            organizationId: organization.id,
            conversationId,
            origin: 'system',
            purpose: 'follow_up',
            body: `Follow-up ${n} of ${process}`,
          }),
        ),
      ),
    );
    expect(results.filter((result) => result.allowed)).toHaveLength(3);
    expect(
      results.filter((result) => !result.allowed).map((result) => !result.allowed && result.code),
    ).toEqual(Array.from({ length: 5 }, () => 'E_FREQUENCY_CAP'));
    expect(await rows()).toHaveLength(3);
  });

  it('counts texts that wait for the morning, and none that were canceled', async () => {
    const { start, database, conversationId, setSettings } = await atNight();
    await setSettings({ limits: { startedPerPersonAndDay: 1 } });
    allowed(await start());
    expect(await start()).toMatchObject({ allowed: false, code: 'E_FREQUENCY_CAP' });
    await database.orm.execute(
      sql`update outbox set state = 'canceled' where conversation_id = ${conversationId}`,
    );
    allowed(await start());
  });

  it('tells the dealership’s own staff at any hour and as often as needed', async () => {
    const { start } = await atNight();
    for (let n = 0; n < 5; n++) expect(allowed(await start('staff_alert')).scheduledFor).toBeUndefined();
  });

  it.each([
    [null, false, true],
    [null, true, false],
    ['unregistered', false, false],
    ['pending', true, false],
    ['approved', true, true],
    ['not_needed', true, true],
  ] as const)(
    'with registration %s and a real carrier %s, allows a text to the United States: %s',
    async (...row) => {
      const [registration, isRealCarrier, isAllowed] = row;
      const { hear, reply, register, alerts, database, organization, phone } = await atNoon({
        isRealCarrier,
      });
      await database.orm.execute(
        sql`update phone_numbers set phone_number = ${`+1425${phone.slice(5)}`} where organization_id = ${organization.id}`,
      );
      await register(registration);
      const result = await reply(await hear());
      expect(result.allowed).toBe(isAllowed);
      expect(await alerts()).toEqual(
        isAllowed ? [] : [{ kind: 'sending_stopped', code: 'E_NOT_REGISTERED' }],
      );
    },
  );

  it('keeps an organization’s budget of a day exactly, with several processes', async () => {
    const { newDoor, organization, conversationId, staff, database } = await atNoon({
      settings: { limits: { textsPerDay: 2, startedPerPersonAndDay: 3 } },
    });
    const results = await Promise.all(
      [newDoor(), newDoor(), newDoor(), newDoor()].map((door) =>
        door.submit({
          organizationId: organization.id,
          conversationId,
          origin: 'system',
          purpose: 'staff_alert',
          body: 'Somebody waits.',
        }),
      ),
    );
    expect(results.filter((result) => result.allowed)).toHaveLength(2);
    expect(results.find((result) => !result.allowed)).toMatchObject({ code: 'E_BUDGET_SPENT' });
    // Staff are not held back, and what they send is counted.
    expect(await staff()).toMatchObject({ allowed: true });
    const [day] = await database.query<{ texts: number }>(
      sql`select texts from outbound_days where organization_id = ${organization.id}`,
    );
    expect(day).toEqual({ texts: 3 });
  });

  it('lets nothing leave while sending is off, says so once, and takes back what was on its way', async () => {
    const { hear, reply, staff, start, send, sent, setSettings, alerts, rows } = await atNoon();
    allowed(await reply(await hear()));
    await setSettings({ sending: 'off' });
    expect(await staff()).toMatchObject({ allowed: false, code: 'E_SENDING_OFF' });
    expect(await start()).toMatchObject({ allowed: false, code: 'E_SENDING_OFF' });
    expect(await reply(await hear())).toMatchObject({ allowed: false, code: 'E_SENDING_OFF' });
    expect(await reply(await hear())).toMatchObject({ allowed: false, code: 'E_SENDING_OFF' });
    expect(await alerts()).toEqual([{ kind: 'sending_stopped', code: 'E_SENDING_OFF' }]);
    await send();
    expect(sent).toEqual([]);
    expect(await rows()).toMatchObject([
      { state: 'canceled', status: 'canceled', reason: 'sending_switched_off' },
    ]);
  });

  it('signs the first text to a person when staff write it, and no later one', async () => {
    const { staff, send, sent } = await atNoon();
    allowed(await staff());
    allowed(await staff());
    await send();
    const [first, second] = sent.map(({ body }) => body);
    expect(first).toMatch(/^.+: Alex here\. Reply STOP to opt out\.$/);
    expect(second).toBe('Alex here.');

    const other = await atNoon();
    allowed(await other.start());
    allowed(await other.staff());
    await other.send();
    expect(other.sent.at(-1)?.body).toBe('Alex here.');
  });

  it('lets a second attempt wait for the hours of the person it is for, not of the dealership', async () => {
    const { hear, reply, send, sent, rows, clock, database, conversationId } = await atNoon();
    allowed(await reply(await hear()));
    clock.ms = nextHour(23);
    await database.orm.execute(sql`update outbox set resends = 1 where conversation_id = ${conversationId}`);
    await send();
    expect(sent).toEqual([]);
    const [waiting] = await rows();
    expect(waiting).toMatchObject({ state: 'queued', reason: 'scheduled_after_quiet_hours' });
    clock.ms = morningAfter(clock.ms);
    await send();
    expect(sent).toHaveLength(1);
  });

  it('asks the record nothing more for an answer to a shopper’s text', async () => {
    const { database, hear, reply, start } = await atNoon();
    const turn = await hear();
    const asked = jest.spyOn(database, 'query');
    try {
      allowed(await reply(turn));
      // The conversation locked, and changed.
      expect(asked).toHaveBeenCalledTimes(2);
      asked.mockClear();
      allowed(await start());
      expect(asked).toHaveBeenCalledTimes(3);
    } finally {
      asked.mockRestore();
    }
  });

  it('refuses a text with more segments than the organization wants', async () => {
    const { hear, reply, setSettings } = await atNoon();
    await setSettings({ limits: { segmentsPerText: 2 } });
    const turn = await hear();
    expect(await reply(turn, 'x'.repeat(307))).toMatchObject({ allowed: false, code: 'E_TEXT_TOO_LONG' });
    allowed(await reply(await hear(), 'x'.repeat(306)));
  });
});
