import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { claimOutbox } from '../../services/outbound/claimOutbox.js';
import { createOutboundDoor } from '../../services/outbound/door.js';
import { createSecrets } from '../../services/secrets.js';
import type { KeywordAnswers } from '../../services/sms/keywords.js';
import type { InboundSms } from '../../services/twilio/webhook.js';
import { conversationOf, inboundText, newOrganization, newPhone, textsOf } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';

const secrets = createSecrets('a test secret that is long');

describeEachEngine('Who wants no texts', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  async function stage(answers: KeywordAnswers = 'carrier') {
    const { database } = test;
    const organization = await newOrganization(database);
    const { id } = organization;
    await database.orm.execute(
      sql`update phone_numbers set keyword_answers = ${answers} where organization_id = ${id}`,
    );
    const phone = newPhone();
    const answered: string[] = [];
    const receiver = createInboundReceiver({
      database,
      secrets,
      events: createLiveEvents(),
      logger: silentLogger,
      defaultAccountSid: undefined,
      reply: { windowMs: 0, maxWaitMs: 0 },
      onReplyDue: () => undefined,
      onAnswered: (conversationId) => answered.push(conversationId),
    });
    const door = createOutboundDoor({ database, events: createLiveEvents(), onQueued: () => undefined });
    return {
      database,
      organization,
      phone,
      door,
      answered,
      say: (body: string, change: Partial<InboundSms> = {}) =>
        receiver.receive(inboundText(organization.number, phone, { body, ...change })),
      state: () => conversationOf(database, id, phone),
      texts: () => textsOf(database, id, phone),
      sent: async () =>
        (await textsOf(database, id, phone)).filter(({ direction }) => direction === 'outbound'),
      decisions: () =>
        database.query<{ allowed: boolean; reason: string; origin: string }>(
          sql`select allowed, reason, origin from gate_decisions where organization_id = ${id} order by id`,
        ),
      events: () =>
        database.query<{ kind: string; method: string; words: string; basis: string | null }>(
          sql`select kind, method, words, basis from consent_events where organization_id = ${id} order by id`,
        ),
      optOuts: () =>
        database.query<{ phoneHash: string; scope: string; method: string; words: string; inForce: boolean }>(
          sql`select phone_hash as "phoneHash", scope, method, words, lifted_at is null as "inForce" from opt_outs
            where organization_id = ${id} order by id`,
        ),
      alerts: () =>
        database.query<{ kind: string; details: Record<string, unknown> }>(
          sql`select kind, details from staff_alerts where organization_id = ${id} order by created_at, kind`,
        ),
      leadStatus: async () =>
        (
          await database.query<{ status: string }>(
            sql`select status from leads where organization_id = ${id} and phone = ${phone}`,
          )
        )[0]?.status,
      claim: async () =>
        (await claimOutbox(database, 200, 60_000)).filter(({ text }) => text.organizationId === id),
    };
  }

  it('When somebody says it in words, then that is an opt-out, confirmed once, and a person is told', async () => {
    const { say, state, sent, decisions, optOuts, alerts, answered, events, claim, phone, organization } =
      await stage();
    await say('Is the Civic there?');
    await say('please stop texting me');

    expect(await state()).toMatchObject({ optedOut: true, isDue: false });
    expect(await sent()).toEqual([
      {
        seq: 3,
        direction: 'outbound',
        sender: 'system',
        status: 'queued',
        body: `You are unsubscribed from Dealership ${organization.id} and will get no more texts. Reply START to get them again.`,
      },
    ]);
    expect(await decisions()).toEqual([{ allowed: true, reason: 'opt_out_confirmation', origin: 'system' }]);
    expect(answered).toHaveLength(1);
    expect(await optOuts()).toEqual([
      {
        phoneHash: secrets.hashPhone(organization.id, phone),
        scope: 'organization',
        method: 'words',
        words: 'please stop texting me',
        inForce: true,
      },
    ]);
    expect(await alerts()).toEqual([{ kind: 'revoked_in_words', details: { rule: 'en.stop_texting' } }]);
    expect((await events())[1]).toMatchObject({ kind: 'opt_out', method: 'words' });
    // The confirmation leaves although the person has opted out.
    expect((await claim()).map(({ seq }) => seq)).toEqual([3]);

    await say('I said stop texting me');
    await say('stop');
    expect(await sent()).toHaveLength(1);
    expect(await alerts()).toHaveLength(1);
  });

  it('When it is said in French or Spanish, then so is the confirmation', async () => {
    for (const [body, words] of [
      ["arrêtez de m'écrire svp", /^Désabonnement de .* START/],
      ['ya no me escriban', /^Su baja de .* START/],
      ['ARRET', /^Désabonnement/],
    ] as const) {
      const { say, sent, state } = await stage();
      await say(body);
      expect(await state()).toMatchObject({ optedOut: true });
      expect(await sent()).toEqual([expect.objectContaining({ body: expect.stringMatching(words) })]);
    }
  });

  it('When nothing may leave after an opt-out, then nothing but its confirmation does', async () => {
    const { say, door, organization, state, decisions, sent } = await stage();
    await say('no more texts please');
    const { id: conversationId } = await state();
    const result = await door.submit({
      organizationId: organization.id,
      conversationId,
      origin: 'staff',
      staffName: 'Dana',
      body: 'Sorry!',
    });
    expect(result).toMatchObject({ allowed: false, code: 'E_OPTED_OUT' });
    expect(await sent()).toHaveLength(1);
    expect((await decisions()).map(({ reason }) => reason)).toEqual(['opt_out_confirmation', 'opted_out']);
  });

  it('When the number is somebody else’s, then the thread stops and the lead is marked, until START', async () => {
    const { say, state, leadStatus, optOuts, alerts, sent } = await stage();
    await say('Sorry, wrong number');
    expect(await state()).toMatchObject({ optedOut: true, isDue: false });
    expect(await leadStatus()).toBe('wrong_number');
    expect(await optOuts()).toMatchObject([{ scope: 'wrong_number', inForce: true }]);
    expect((await alerts()).map(({ kind }) => kind)).toEqual(['wrong_number']);
    expect(await sent()).toHaveLength(1);
    await say('START');
    expect(await state()).toMatchObject({ optedOut: false });
    expect(await leadStatus()).toBe('new');
    expect(await optOuts()).toMatchObject([{ inForce: false }]);
  });

  it('When the carrier answers a keyword, then we do not', async () => {
    const { say, sent } = await stage('carrier');
    for (const word of ['HELP', 'STOP', 'START', 'CANCEL', 'UNSTOP']) await say(word);
    await say('no more offers', { optOutType: 'STOP' });
    expect(await sent()).toEqual([]);
  });

  it('When nobody else answers the keywords of a number, then we do, and HELP takes no turn away', async () => {
    const { say, sent, state } = await stage('us');
    await say('Is the Civic there?');
    await say('HELP');
    expect(await state()).toMatchObject({ isDue: true });
    await say('STOP');
    await say('HELP');
    await say('START');
    expect(
      (await sent()).map(({ body, status }) => [body.replace(/Dealership org-\w+/, 'D'), status]),
    ).toEqual([
      [
        expect.stringMatching(/^D: text your question/),
        // What was not yet sent is taken back by the opt-out.
        'canceled',
      ],
      [expect.stringMatching(/^You are unsubscribed from D/), 'queued'],
      [expect.stringMatching(/^You get texts from D again/), 'queued'],
    ]);
  });

  it('When a toll-free number is texted, then the network answers STOP and we the other words', async () => {
    const { say, sent, state } = await stage('toll_free');
    await say('STOP');
    expect(await sent()).toEqual([]);
    await say('YES');
    expect(await state()).toMatchObject({ optedOut: true });
    await say('START');
    expect(await state()).toMatchObject({ optedOut: false });
    await say('CANCEL');
    expect(await state()).toMatchObject({ optedOut: true });
    expect(await sent()).toHaveLength(1);
  });

  it('When a keyword answers a question of ours, then it is honoured and a person is told', async () => {
    for (const [question, word, kinds] of [
      ['Does Saturday at 10 am still suit you?', 'cancel', ['keyword_collision']],
      ['Reply 1 to confirm, 2 to change.', 'Info', ['keyword_collision']],
      ['Does Saturday at 10 am still suit you?', 'STOP', []],
      ['See you on Saturday.', 'cancel', []],
    ] as const) {
      const { say, door, organization, state, alerts } = await stage();
      await say('Is the Civic there?');
      const { id: conversationId } = await state();
      const at = { organizationId: organization.id, conversationId };
      await door.submit({ ...at, origin: 'staff', staffName: 'Dana', body: question });
      await say(word);
      expect((await alerts()).map(({ kind }) => kind)).toEqual(kinds);
      expect((await state()).optedOut).toBe(word !== 'Info');
    }
  });

  it('When a phone is new, then the ledger says that its own text is why we may answer', async () => {
    const { say, events } = await stage();
    await say('Is the Civic there?');
    await say('And the Corolla?');
    expect(await events()).toEqual([{ kind: 'consent', method: 'text', words: '', basis: 'inbound_text' }]);
  });

  it('When a lead is made anew, then the opt-out of its phone is still in force', async () => {
    const { say, state, database, organization, phone, sent } = await stage();
    await say('STOP');
    await database.orm.execute(
      sql`delete from leads where organization_id = ${organization.id} and phone = ${phone}`,
    );
    await say('Hello?');
    expect(await state()).toMatchObject({ optedOut: true, isDue: false });
    expect(await sent()).toEqual([]);
    await say('START');
    await say('Hello?');
    expect(await state()).toMatchObject({ optedOut: false, isDue: true });
  });

  it('When two dealerships have the same shopper, then an opt-out of one is none of the other', async () => {
    const [a, b] = [await stage(), await stage()];
    await a.say('stop texting me');
    await b.say('Hello', { from: a.phone, fromPhone: a.phone });
    expect(await conversationOf(test.database, b.organization.id, a.phone)).toMatchObject({
      optedOut: false,
    });
    expect(await b.optOuts()).toEqual([]);
  });

  it('When identifiers are texted, then they are masked before they are stored, and a person is told', async () => {
    const { say, texts, alerts, database, organization } = await stage();
    await say('my card is 4111 1111 1111 1111 and my ssn 123-45-6789');
    expect(await texts()).toMatchObject([
      { body: 'my card is [card number removed] and my ssn [social number removed]' },
    ]);
    const rows = await database.query<{ masked: string[] }>(
      sql`select masked from messages where organization_id = ${organization.id}`,
    );
    expect(rows).toEqual([{ masked: ['card', 'social_number'] }]);
    expect(await alerts()).toEqual([
      { kind: 'identifiers_masked', details: { kinds: 'card social_number' } },
    ]);
  });

  it('When a text with identifiers is for nobody, then what waits in quarantine is masked as well', async () => {
    const { say, database } = await stage();
    const nobody = newPhone();
    await say('card 4111111111111111', { to: nobody });
    const rows = await database.query(sql`select body from quarantine where to_address = ${nobody}`);
    expect(rows).toEqual([{ body: 'card [card number removed]' }]);
  });
});
