import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { createOutboundDoor } from '../../services/outbound/door.js';
import type { OutboundRequest } from '../../services/outbound/types.js';
import { createSecrets } from '../../services/secrets.js';
import { type Claim, claimDue } from '../../services/turns/claims.js';
import type { OrganizationId } from '../../services/types.js';
import { conversationOf, inboundText, newOrganization, newPhone, textsOf } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';

describeEachEngine('The outbound door', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  async function claimed() {
    const { database } = test;
    const organization = await newOrganization(database);
    const phone = newPhone();
    const events = createLiveEvents();
    const receiver = createInboundReceiver({
      database,
      secrets: createSecrets('a test secret that is long'),
      events,
      logger: silentLogger,
      defaultAccountSid: undefined,
      reply: { windowMs: 0, maxWaitMs: 0 },
      onReplyDue: () => undefined,
    });
    let queued = 0;
    const door = createOutboundDoor({ database, events, onQueued: () => (queued += 1) });
    const say = (body: string) => receiver.receive(inboundText(organization.number, phone, { body }));
    await say('Is the Civic there?');
    const claims = await claimDue(database, { limit: 50, leaseMs: 5_000, holder: 'test' });
    const claim = claims.find(({ organizationId }) => organizationId === organization.id);
    if (!claim) throw new Error('the test expects a claim');
    const state = () => conversationOf(database, organization.id, phone);
    const texts = () => textsOf(database, organization.id, phone);
    const outbox = () =>
      database.query<{ state: string; to: string; from: string }>(
        sql`select state, to_number as to, from_number as "from" from outbox where organization_id = ${organization.id} order by seq`,
      );
    const decisions = () =>
      database.query<{ allowed: boolean; reason: string; stage: string }>(
        sql`select allowed, reason, stage from gate_decisions where organization_id = ${organization.id} order by id`,
      );
    return {
      database,
      organization,
      phone,
      door,
      say,
      claim,
      state,
      texts,
      outbox,
      decisions,
      queued: () => queued,
    };
  }

  const reply = (
    claim: Claim,
    change: Partial<Extract<OutboundRequest, { origin: 'assistant' }>> = {},
  ): OutboundRequest => ({
    organizationId: claim.organizationId,
    conversationId: claim.conversationId,
    origin: 'assistant',
    body: 'Yes, it is \u2014 come by!',
    turn: {
      fence: claim.fence,
      seenSeq: claim.lastSeq,
      slots: { vehicle: 'Civic' },
      summary: 'Wants a Civic.',
    },
    ...change,
  });

  it('commits a reply with its decision, message and outbox row, and settles the turn', async () => {
    const { door, claim, state, texts, outbox, decisions, organization, phone, queued } = await claimed();
    const result = await door.submit(reply(claim));
    expect(result).toMatchObject({
      allowed: true,
      message: { seq: 2, body: 'Yes, it is - come by!', segments: 1 },
    });
    expect(await state()).toMatchObject({ isDue: false, isLeased: false, lastSeq: 2, baseSeq: 2 });
    expect(result).toMatchObject({ rev: (await state()).baseRev });
    expect(await texts()).toMatchObject([
      { direction: 'inbound' },
      { direction: 'outbound', sender: 'assistant', status: 'queued' },
    ]);
    expect(await outbox()).toEqual([{ state: 'queued', to: phone, from: organization.number }]);
    expect(await decisions()).toEqual([{ allowed: true, reason: 'reply_to_own_text', stage: 'commit' }]);
    expect(queued()).toBe(1);
  });

  it('commits one of two replies of the same claim', async () => {
    const { door, claim, texts } = await claimed();
    const results = await Promise.all([door.submit(reply(claim)), door.submit(reply(claim))]);
    expect(results.map(({ allowed }) => allowed)).toEqual([true, false]);
    expect(await texts()).toHaveLength(2);
  });

  it('refuses a reply whose claim was taken over', async () => {
    const { database, door, claim, decisions, texts } = await claimed();
    await database.orm.execute(
      sql`update conversations set lease_until = clock_timestamp() - interval '1 second' where id = ${claim.conversationId}`,
    );
    const [second] = (await claimDue(database, { limit: 50, leaseMs: 5_000, holder: 'other' })).filter(
      ({ conversationId }) => conversationId === claim.conversationId,
    );
    expect(await door.submit(reply(claim))).toMatchObject({
      allowed: false,
      code: 'E_SUPERSEDED',
      reason: 'claim_lost',
    });
    expect(await door.submit(reply(second!))).toMatchObject({ allowed: true });
    expect(await texts()).toHaveLength(2);
    expect(await decisions()).toMatchObject([{ allowed: false, reason: 'claim_lost' }, { allowed: true }]);
  });

  it('refuses a reply when a newer text has come, and the turn is due again', async () => {
    const { door, claim, say, state } = await claimed();
    await say('And does it have winter tires?');
    expect(await door.submit(reply(claim))).toMatchObject({ allowed: false, reason: 'newer_text' });
    expect(await state()).toMatchObject({ isDue: true, isLeased: false });
  });

  it('refuses a reply after an opt-out, and nothing is due any more', async () => {
    const { door, claim, say, state, outbox } = await claimed();
    await say('STOP');
    expect(await door.submit(reply(claim))).toMatchObject({ allowed: false, code: 'E_OPTED_OUT' });
    expect(await state()).toMatchObject({ isDue: false, isLeased: false });
    expect(await outbox()).toEqual([]);
  });

  it('takes a committed reply back when the opt-out comes before it was sent', async () => {
    const { door, claim, say, outbox, texts, decisions } = await claimed();
    await door.submit(reply(claim));
    await say('STOP');
    expect(await outbox()).toMatchObject([{ state: 'canceled' }]);
    expect((await texts())[1]).toMatchObject({ status: 'canceled' });
    expect((await decisions())[1]).toEqual({ allowed: false, reason: 'opted_out', stage: 'send' });
  });

  it('refuses the assistant and allows staff while a person owns the conversation', async () => {
    const { database, door, claim, texts } = await claimed();
    await database.orm.execute(
      sql`update conversations set owner = 'human' where id = ${claim.conversationId}`,
    );
    expect(await door.submit(reply(claim))).toMatchObject({ allowed: false, code: 'E_NOT_OWNER' });
    const staff = await door.submit({
      organizationId: claim.organizationId,
      conversationId: claim.conversationId,
      origin: 'staff',
      staffName: 'Alex',
      body: 'Hi, Alex here.',
    });
    expect(staff).toMatchObject({ allowed: true, message: { sender: 'staff', seq: 2 } });
    expect(await texts()).toHaveLength(2);
  });

  it('answers a pending text once when staff were faster than the assistant', async () => {
    const { door, claim, state, texts } = await claimed();
    const staff: OutboundRequest = {
      organizationId: claim.organizationId,
      conversationId: claim.conversationId,
      origin: 'staff',
      staffName: 'Alex',
      body: 'It is!',
    };
    await door.submit(staff);
    expect(await door.submit(reply(claim))).toMatchObject({ allowed: false });
    expect(await state()).toMatchObject({ isDue: false, isLeased: false });
    expect(await texts()).toHaveLength(2);
  });

  it('makes a person the owner when the reply hands over', async () => {
    const { door, claim, state } = await claimed();
    const turn = {
      fence: claim.fence,
      seenSeq: claim.lastSeq,
      slots: {},
      summary: '',
      handoff: { reason: 'asked' },
    };
    await door.submit(reply(claim, { turn }));
    expect(await state()).toMatchObject({ owner: 'human', isDue: false });
  });

  it('does not know the conversation of another organization', async () => {
    const { door, claim, texts } = await claimed();
    const foreign = { ...reply(claim), organizationId: 'another' as OrganizationId };
    await expect(door.submit(foreign)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    expect(await texts()).toHaveLength(1);
  });

  it.each([
    ['nothing', '  '],
    ['too much', 'x'.repeat(1601)],
  ])('refuses %s as a text', async (_name, body) => {
    const { door, claim } = await claimed();
    await expect(door.submit({ ...reply(claim), body })).rejects.toMatchObject({ code: 'E_INPUT_INVALID' });
  });
});
