import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { createRandom } from '../../bench/random.js';
import { systemClock } from '../../services/clock.js';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { claimOutbox } from '../../services/outbound/claimOutbox.js';
import { createOutboundDoor } from '../../services/outbound/door.js';
import { storeOutcomes } from '../../services/outbound/outboxRows.js';
import type { OutboundResult } from '../../services/outbound/types.js';
import { createOwnerReturns } from '../../services/ownership/returns.js';
import { listAlerts } from '../../services/record/alerts.js';
import { release, returnSilent, takeOver } from '../../services/record/ownership.js';
import { createStateRecord } from '../../services/record/state.js';
import { createSecrets } from '../../services/secrets.js';
import { type Claim, claimDue } from '../../services/turns/claims.js';
import type { E164 } from '../../services/types.js';
import { conversationOf, inboundText, newOrganization, newPhone, textsOf } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';

describeEachEngine('Who owns a conversation', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  async function stage(settings: object = {}) {
    const { database } = test;
    const events = createLiveEvents();
    const organization = await newOrganization(database);
    await database.orm.execute(
      sql`update organizations set settings = ${JSON.stringify(settings)}::jsonb where id = ${organization.id}`,
    );
    const receiver = createInboundReceiver({
      database,
      secrets: createSecrets('a test secret that is long'),
      events,
      logger: silentLogger,
      defaultAccountSid: undefined,
      reply: { windowMs: 0, maxWaitMs: 0 },
      onReplyDue: () => undefined,
    });
    const door = createOutboundDoor({ database, events, onQueued: () => undefined });
    const at = { organizationId: organization.id, actor: 'test' };
    const shopper = async (body = 'Is the Civic still there?') => {
      const phone = newPhone();
      await receiver.receive(inboundText(organization.number, phone, { body }));
      const { id, leadId } = await conversationOf(database, organization.id, phone);
      return { phone, id, leadId };
    };
    const say = (phone: E164, body: string) =>
      receiver.receive(inboundText(organization.number, phone, { body }));
    const reply = (claim: Claim, body = 'Yes, it is.'): Promise<OutboundResult> =>
      door.submit({
        organizationId: claim.organizationId,
        conversationId: claim.conversationId,
        origin: 'assistant',
        body,
        turn: {
          fence: claim.fence,
          seenSeq: claim.lastSeq,
          slots: { name: 'Dana' },
          summary: 'They talked.',
        },
      });
    const claimOf = async (conversationId: string): Promise<Claim> => {
      const claims = await claimDue(database, { limit: 500, leaseMs: 60_000, holder: 'test' });
      const claim = claims.find((one) => one.conversationId === conversationId);
      if (!claim) throw new Error('the turn is not due');
      return claim;
    };
    const staffSay = (conversationId: Awaited<ReturnType<typeof shopper>>['id'], body: string) =>
      door.submit({ ...at, conversationId, origin: 'staff', staffName: 'Pat', body });
    const minutesAgo = (conversationId: string) =>
      database.orm.execute(
        sql`update conversations set owner_until = owner_until - interval '31 minutes' where id = ${conversationId}`,
      );
    const head = async (conversationId: string) => {
      const [row] = await database.query<{
        owner: string;
        ownerName: string | null;
        minutesLeft: number | null;
        isDue: boolean;
        isLeased: boolean;
        lastInboundSeq: number;
        lastOutboundSeq: number;
        summary: string;
      }>(
        sql`select owner, owner_name as "ownerName", reply_due_at is not null as "isDue", summary,
            (extract(epoch from owner_until - clock_timestamp()) / 60)::float8 as "minutesLeft",
            lease_until is not null as "isLeased", last_inbound_seq as "lastInboundSeq",
            last_outbound_seq as "lastOutboundSeq"
          from conversations where id = ${conversationId}`,
      );
      if (!row) throw new Error('no conversation');
      return row;
    };
    return { organization, at, door, shopper, say, reply, claimOf, staffSay, minutesAgo, head, events };
  }

  describe('Taking over', () => {
    it('When replies, takeovers and sends meet in any order, then no reply is committed after a takeover, and what was not handed out never leaves', async () => {
      const { database } = test;
      const { at, shopper, reply, head } = await stage();
      const seed = Date.now();
      const random = createRandom(seed);
      const rounds = 20;
      const perRound = 12;
      let replied = 0;
      let refused = 0;
      let takenBack = 0;
      for (let round = 0; round < rounds; round += 1) {
        const shoppers = await Promise.all(Array.from({ length: perRound }, () => shopper()));
        const claims = await claimDue(database, { limit: 500, leaseMs: 60_000, holder: 'test' });
        const some = async <T>(work: () => Promise<T>): Promise<T> => {
          for (let turns = Math.floor(random() * 4); turns > 0; turns -= 1) await pause(0);
          if (random() < 0.5) await pause(random() * 6);
          return await work();
        };
        const claimed = new Set<string>();
        const send = async () => {
          for (const { text } of await claimOutbox(database, 5, 60_000)) claimed.add(text.id);
        };
        const outcomes = await Promise.all([
          ...shoppers.map(async ({ leadId, id }) => {
            const claim = claims.find(({ conversationId }) => conversationId === id);
            if (!claim) throw new Error('the turn is not due');
            const [result, steered] = await Promise.all([
              some(() => reply(claim)),
              some(() => takeOver(database, { ...at, leadId, ownerName: 'Pat' })),
            ]);
            return { id, result, steered };
          }),
          ...Array.from({ length: 3 }, () => some(send).then(() => undefined)),
        ]);
        await send();
        for (const outcome of outcomes) {
          if (!outcome) continue;
          const { id, result, steered } = outcome;
          const lastSeq = steered?.head.lastSeq ?? -1;
          const [message] = await database.query<{
            id: string;
            seq: number;
            status: string;
            retracted: boolean;
          }>(
            sql`select id, seq, status, retracted from messages where conversation_id = ${id} and sender = 'assistant'`,
          );
          const story = JSON.stringify({ seed, round, id, lastSeq, result, message });
          if (!result.allowed) {
            refused += 1;
            expect([story, result.code, message]).toEqual([
              story,
              expect.stringMatching(/^E_(NOT_OWNER|SUPERSEDED)$/),
              undefined,
            ]);
          } else {
            replied += 1;
            // Committed before the takeover, or not at all.
            expect([story, (message?.seq ?? 99) <= lastSeq]).toEqual([story, true]);
            const wasHandedOut = claimed.has(message?.id ?? '');
            if (!wasHandedOut) takenBack += 1;
            expect([story, message?.status === 'canceled', message?.retracted]).toEqual([
              story,
              !wasHandedOut,
              !wasHandedOut,
            ]);
          }
          expect([story, await head(id)]).toEqual([
            story,
            expect.objectContaining({ owner: 'human', ownerName: 'Pat', isDue: false, isLeased: false }),
          ]);
        }
      }
      // The interleavings were of all kinds, or the test has looked at nothing.
      expect(replied + refused).toBe(rounds * perRound);
      expect(Math.min(replied, refused, takenBack, replied - takenBack)).toBeGreaterThan(0);
    }, 120_000);

    it('When it is given back while an old reply is still being written, then that reply is refused and a new turn is due', async () => {
      const { at, shopper, claimOf, reply, head } = await stage();
      const { id, leadId } = await shopper();
      const claim = await claimOf(id);
      await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      await release(test.database, { ...at, leadId });
      expect(await reply(claim)).toMatchObject({
        allowed: false,
        code: 'E_SUPERSEDED',
        reason: 'claim_lost',
      });
      expect(await head(id)).toMatchObject({ owner: 'assistant', isDue: true, isLeased: false });
      expect(await reply(await claimOf(id))).toMatchObject({ allowed: true });
    });

    it('When a reply is taken back, then nobody takes it for said: it leaves the context, the shopper waits, and a release makes it due', async () => {
      const { database } = test;
      const { organization, at, shopper, claimOf, reply, head } = await stage();
      const { id, leadId, phone } = await shopper();
      const result = await reply(await claimOf(id));
      expect(result.allowed).toBe(true);
      await takeOver(database, { ...at, leadId, ownerName: 'Pat' });
      expect(await textsOf(database, organization.id, phone)).toMatchObject([
        { seq: 1, status: 'received' },
        { seq: 2, status: 'canceled', sender: 'assistant' },
      ]);
      const snapshot = await createStateRecord(database).readSnapshot(organization.id, id);
      expect(snapshot).toMatchObject({
        slots: {},
        summary: '',
        messages: [{ seq: 1, direction: 'inbound' }],
      });
      expect(await head(id)).toMatchObject({ lastInboundSeq: 1, lastOutboundSeq: 0 });
      const decisions = await database.query(
        sql`select stage, allowed, reason, origin from gate_decisions where conversation_id = ${id} order by id`,
      );
      expect(decisions).toMatchObject([
        { stage: 'commit', allowed: true },
        { stage: 'send', allowed: false, reason: 'taken_over', origin: 'assistant' },
      ]);
      await release(database, { ...at, leadId });
      expect(await head(id)).toMatchObject({ isDue: true });
      const claim = await claimOf(id);
      expect(await reply(claim, 'Again.')).toMatchObject({ allowed: true, message: { seq: 3 } });
    });

    it('When a reply was on its way and the carrier wants it again later, then it is taken back instead', async () => {
      const { database } = test;
      const { at, shopper, claimOf, reply, head } = await stage();
      const { id, leadId } = await shopper();
      const result = await reply(await claimOf(id));
      if (!result.allowed) throw new Error(result.reason);
      const claims = await claimOutbox(database, 500, 60_000);
      const { fence } = claims.find(({ text }) => text.id === result.message.id)!;
      await takeOver(database, { ...at, leadId, ownerName: 'Pat' });
      expect(await head(id)).toMatchObject({ lastOutboundSeq: 2 });
      const deps = {
        database,
        secrets: createSecrets('a test secret that is long'),
        clock: systemClock,
        logger: silentLogger,
      };
      await storeOutcomes(deps, [
        {
          messageId: result.message.id,
          fence,
          state: 'queued',
          delayMs: 0,
          code: 20429,
          reason: 'too many requests',
          accountSid: null,
          providerSid: null,
          messageStatus: null,
        },
      ]);
      const snapshot = await createStateRecord(database).readSnapshot(at.organizationId, id);
      expect(snapshot).toMatchObject({ slots: {}, messages: [{ seq: 1 }] });
      expect(await head(id)).toMatchObject({ lastOutboundSeq: 0 });
      const later = await claimOutbox(database, 500, 60_000);
      expect(later.map(({ text }) => text.id)).not.toContain(result.message.id);
    });

    it('When staff wrote a text that has not left, then it leaves all the same', async () => {
      const { at, shopper, staffSay } = await stage();
      const { id, leadId } = await shopper();
      const sent = await staffSay(id, 'Pat here.');
      if (!sent.allowed) throw new Error(sent.reason);
      await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      const claims = await claimOutbox(test.database, 500, 60_000);
      expect(claims.map(({ text }) => text.id)).toContain(sent.message.id);
    });

    it('When a text that we start waits for its hour, then it is taken back', async () => {
      const { organization, at, shopper, claimOf, reply, door } = await stage();
      const { id, leadId, phone } = await shopper();
      await reply(await claimOf(id));
      await claimOutbox(test.database, 500, 60_000);
      const request = { ...at, conversationId: id, body: 'Still looking?' } as const;
      const started = await door.submit({ ...request, origin: 'system', purpose: 'follow_up' });
      expect(started).toMatchObject({ allowed: true });
      await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      const texts = await textsOf(test.database, organization.id, phone);
      expect(texts.map(({ sender, status }) => [sender, status === 'canceled'])).toEqual([
        ['lead', false],
        ['assistant', false],
        ['system', true],
      ]);
    });

    it('When the same person takes over twice, then it is theirs since the first time; another name begins anew', async () => {
      const { at, shopper } = await stage();
      const { leadId } = await shopper();
      const first = await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      expect(first?.head.ownerSince).toMatch(/^\d{4}-.*Z$/);
      await pause(5);
      const again = await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      expect(again?.head.ownerSince).toBe(first?.head.ownerSince);
      const other = await takeOver(test.database, { ...at, leadId, ownerName: 'Kim' });
      expect(other?.head).toMatchObject({ ownerName: 'Kim', ownerUntil: null });
      expect(Date.parse(other?.head.ownerSince ?? '')).toBeGreaterThan(
        Date.parse(first?.head.ownerSince ?? ''),
      );
    });

    it('When the assistant had asked for a person, then the alert is seen to by whoever takes over', async () => {
      const { organization, at, shopper, claimOf, door } = await stage();
      const { id, leadId } = await shopper('Can I talk to a person?');
      const claim = await claimOf(id);
      await door.submit({
        organizationId: organization.id,
        conversationId: id,
        origin: 'assistant',
        body: 'Of course.',
        turn: {
          fence: claim.fence,
          seenSeq: claim.lastSeq,
          slots: {},
          summary: '',
          handoff: { reason: 'asked for a person', trigger: 'person' },
        },
      });
      const alerts = () => listAlerts(test.database, organization.id, { limit: 10, after: undefined });
      expect((await alerts()).items).toMatchObject([
        {
          kind: 'handoff_requested',
          reason: 'asked for a person',
          details: { trigger: 'person' },
          leadId,
          resolvedAt: null,
          webhook: null,
        },
      ]);
      await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      expect((await alerts()).items).toMatchObject([
        { resolvedBy: 'test', resolvedAt: expect.stringMatching(/Z$/) },
      ]);
    });

    it('When a hand-over is refused at the door, then it raises no alert', async () => {
      const { organization, at, shopper, claimOf, door } = await stage();
      const { id, leadId } = await shopper();
      const claim = await claimOf(id);
      await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      const turn = { fence: claim.fence, seenSeq: 1, slots: {}, summary: '', handoff: { reason: 'x' } };
      const refused = await door.submit({
        organizationId: organization.id,
        conversationId: id,
        origin: 'assistant',
        body: 'Of course.',
        turn,
      });
      expect(refused.allowed).toBe(false);
      const { items } = await listAlerts(test.database, organization.id, { limit: 10, after: undefined });
      expect(items).toEqual([]);
    });
  });

  describe('Going back by itself', () => {
    const wanted = { takeover: { returnAfterMinutes: 30 } };

    it('When staff are silent for as long as the organization allows, then the assistant answers what waits, once, with an event and an audit entry', async () => {
      const { organization, at, shopper, say, minutesAgo, head, events } = await stage(wanted);
      const { id, leadId, phone } = await shopper();
      const told: string[] = [];
      events.subscribe(organization.id, ({ type, leadId: of }) => told.push(`${type} ${of}`));
      const taken = await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      expect(taken?.head.ownerUntil).toMatch(/Z$/);
      expect((await head(id)).minutesLeft).toBeGreaterThan(28);
      await say(phone, 'Anybody there?');
      const returns = createOwnerReturns({
        database: test.database,
        events,
        onReturned: () => told.push('look for due replies'),
        logger: silentLogger,
        random: () => 0.5,
      });
      expect(await returns.run()).toBe(0);
      await minutesAgo(id);
      told.length = 0;
      expect(await returns.run()).toBe(1);
      expect(told).toEqual([`conversation.changed ${leadId}`, 'look for due replies']);
      expect(await head(id)).toMatchObject({
        owner: 'assistant',
        ownerName: null,
        minutesLeft: null,
        isDue: true,
      });
      const trail = await test.database.query(
        sql`select actor, action from audit where subject = ${leadId} order by id desc limit 1`,
      );
      expect(trail).toEqual([{ actor: 'system', action: 'conversation.return' }]);
      expect(await returns.run()).toBe(0);
    });

    it('When staff text, then the time begins anew, and nothing is due when they have answered', async () => {
      const { at, shopper, staffSay, minutesAgo, head } = await stage(wanted);
      const { id, leadId } = await shopper();
      await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      await minutesAgo(id);
      await staffSay(id, 'It is here.');
      expect((await head(id)).minutesLeft).toBeGreaterThan(28);
      expect((await returnSilent(test.database, 100)).returned).toEqual([]);
      await minutesAgo(id);
      expect((await returnSilent(test.database, 100)).returned).toMatchObject([{ leadId }]);
      expect(await head(id)).toMatchObject({ owner: 'assistant', isDue: false });
    });

    it('When the organization does not want it, or no longer, then the person keeps the conversation', async () => {
      const off = await stage();
      const never = await off.shopper();
      await takeOver(test.database, { ...off.at, leadId: never.leadId, ownerName: 'Pat' });
      await off.staffSay(never.id, 'It is here.');
      expect((await off.head(never.id)).minutesLeft).toBeNull();
      const on = await stage(wanted);
      const { id, leadId } = await on.shopper();
      await takeOver(test.database, { ...on.at, leadId, ownerName: 'Pat' });
      await on.minutesAgo(id);
      await test.database.orm.execute(
        sql`update organizations set settings = '{}' where id = ${on.organization.id}`,
      );
      expect(await returnSilent(test.database, 100)).toEqual({ returned: [], seen: 1 });
      expect(await on.head(id)).toMatchObject({ owner: 'human', ownerName: 'Pat', minutesLeft: null });
    });

    it('When a hand-over waits for a person whom nobody sent, then no time gives it back', async () => {
      const { organization, shopper, claimOf, door, head } = await stage(wanted);
      const { id } = await shopper();
      const claim = await claimOf(id);
      const turn = { fence: claim.fence, seenSeq: 1, slots: {}, summary: '', handoff: { reason: 'x' } };
      await door.submit({
        organizationId: organization.id,
        conversationId: id,
        origin: 'assistant',
        body: 'A person will answer.',
        turn,
      });
      expect(await head(id)).toMatchObject({ owner: 'human', ownerName: null, minutesLeft: null });
    });

    it('When only HELP waits, which the carrier answers, then nothing is due; with another text it is', async () => {
      const { at, shopper, say, claimOf, reply, minutesAgo, head } = await stage(wanted);
      const { id, leadId, phone } = await shopper();
      await reply(await claimOf(id));
      await claimOutbox(test.database, 500, 60_000);
      await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      await say(phone, 'HELP');
      await release(test.database, { ...at, leadId });
      expect(await head(id)).toMatchObject({ owner: 'assistant', isDue: false });
      await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      await minutesAgo(id);
      expect((await returnSilent(test.database, 100)).returned).toHaveLength(1);
      expect(await head(id)).toMatchObject({ owner: 'assistant', isDue: false });
      await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      await say(phone, 'Help me choose');
      await release(test.database, { ...at, leadId });
      expect(await head(id)).toMatchObject({ isDue: true });
    });

    it('When the shopper has opted out meanwhile, then the owner changes and nobody speaks', async () => {
      const { at, shopper, say, minutesAgo, head } = await stage(wanted);
      const { id, leadId, phone } = await shopper();
      await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
      await say(phone, 'STOP');
      await minutesAgo(id);
      expect((await returnSilent(test.database, 100)).returned).toHaveLength(1);
      expect(await head(id)).toMatchObject({ owner: 'assistant', isDue: false });
    });

    it('When several processes look at the same moment, then each conversation goes back once', async () => {
      const { at, shopper, minutesAgo } = await stage(wanted);
      const shoppers = await Promise.all(Array.from({ length: 30 }, () => shopper()));
      for (const { id, leadId } of shoppers) {
        await takeOver(test.database, { ...at, leadId, ownerName: 'Pat' });
        await minutesAgo(id);
      }
      const runs = await Promise.all(Array.from({ length: 6 }, () => returnSilent(test.database, 7)));
      for (;;) {
        const run = await returnSilent(test.database, 7);
        if (run.seen === 0) break;
        runs.push(run);
      }
      const returned = runs.flatMap((run) => run.returned.map(({ leadId }) => leadId));
      expect(returned.sort()).toEqual(shoppers.map(({ leadId }) => leadId).sort());
      const entries = await test.database.query(
        sql`select subject from audit where organization_id = ${at.organizationId} and action = 'conversation.return'`,
      );
      expect(entries).toHaveLength(30);
    });
  });
});
