import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { StateDoor } from '../../redis-migration.js';
import type { Assistant, AssistantReply, AssistantRequest } from '../../services/assistant/types.js';
import { systemClock } from '../../services/clock.js';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { createOutboundDoor } from '../../services/outbound/door.js';
import { createStateRecord } from '../../services/record/state.js';
import { createSecrets } from '../../services/secrets.js';
import { TurnRunner } from '../../services/turns/turnRunner.js';
import type { TurnLimits } from '../../services/turns/types.js';
import type { E164 } from '../../services/types.js';
import { conversationOf, inboundText, newOrganization, newPhone, textsOf } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';
import { until } from '../support/until.js';

/** An assistant under the test's control: records what it was shown, and answers when it is let. */
function scriptedBy(answer: (request: AssistantRequest) => Promise<string> | string) {
  const requests: AssistantRequest[] = [];
  const assistant: Assistant = {
    name: 'test',
    reply: async (request): Promise<AssistantReply> => {
      requests.push(request);
      const body = await answer(request);
      return { body, slots: { name: 'Dana' }, summary: `Heard ${request.conversation.lastSeq} texts.` };
    },
  };
  return { assistant, requests };
}

describeEachEngine('Turns', (engine) => {
  let test: TestDatabase;
  let runners: TurnRunner[] = [];
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterEach(async () => {
    await Promise.all(runners.map((runner) => runner.stop()));
    runners = [];
  });
  afterAll(() => test.close());

  /** State straight from the record: what the cache adds is tested with the tower. */
  function stateOfRecord(): StateDoor {
    const record = createStateRecord(test.database);
    const door: Pick<
      StateDoor,
      'getConversationSnapshot' | 'storeConversationSnapshot' | 'getAgentConfiguration'
    > = {
      getConversationSnapshot: async (organizationId, { conversationId }) => ({
        snapshot: await record.readSnapshot(organizationId, conversationId),
        source: 'record',
      }),
      storeConversationSnapshot: async () => undefined,
      getAgentConfiguration: (organizationId) => record.readAgentConfiguration(organizationId),
    };
    return door as StateDoor;
  }

  async function stage(assistant: Assistant, limits: Partial<TurnLimits> = {}, windowMs = 0) {
    const { database } = test;
    const organization = await newOrganization(database);
    const phone = newPhone();
    const events = createLiveEvents();
    const door = createOutboundDoor({ database, events, onQueued: () => undefined });
    const newRunner = (holder: string, own: Partial<TurnLimits> = {}) => {
      const runner = TurnRunner.create({
        database,
        state: stateOfRecord(),
        assistant,
        door,
        clock: systemClock,
        logger: silentLogger,
        holder,
        limits: { sweepMs: 50, ...limits, ...own },
      });
      runners.push(runner);
      return runner;
    };
    const runner = newRunner('a');
    const receiver = createInboundReceiver({
      database,
      secrets: createSecrets('a test secret that is long'),
      events,
      logger: silentLogger,
      defaultAccountSid: undefined,
      reply: { windowMs, maxWaitMs: 5_000 },
      onReplyDue: (delayMs) => runner.wakeIn(delayMs),
      onStored: (conversationId, seq) => {
        if (hears) runner.textStored(conversationId, seq);
      },
    });
    let hears = true;
    await runner.start();
    const sayAs = (from: E164, body: string) =>
      receiver.receive(inboundText(organization.number, from, { body }));
    const say = (body: string) => sayAs(phone, body);
    /** As a text that another process stores: no turn here is told of it. */
    const sayElsewhere = async (body: string) => {
      hears = false;
      await say(body);
      hears = true;
    };
    const alerts = () =>
      database.query<{ kind: string; conversationId: string; details: unknown }>(
        sql`select kind, conversation_id as "conversationId", details from staff_alerts
          where organization_id = ${organization.id}`,
      );
    const texts = () => textsOf(database, organization.id, phone);
    const replies = async () => (await texts()).filter(({ direction }) => direction === 'outbound');
    const state = () => conversationOf(database, organization.id, phone);
    return {
      organization,
      phone,
      say,
      sayAs,
      sayElsewhere,
      texts,
      replies,
      state,
      alerts,
      runner,
      newRunner,
    };
  }

  it('answers a burst once, knowing all of it', async () => {
    const { assistant, requests } = scriptedBy(() => 'One answer.');
    const { say, replies } = await stage(assistant, {}, 150);
    await say('Hi');
    await say('is the Civic there?');
    await say('the blue one');
    await until(async () => (await replies()).length > 0, { what: 'a reply' });
    expect(requests).toHaveLength(1);
    expect(requests[0]?.conversation.messages.map(({ body }) => body)).toEqual([
      'Hi',
      'is the Civic there?',
      'the blue one',
    ]);
  });

  it('answers what came while it was thinking with one reply that knows it', async () => {
    let release: () => void = () => undefined;
    const first = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { assistant, requests } = scriptedBy(async ({ conversation }) => {
      if (conversation.lastSeq === 1) await first;
      return `Knows ${conversation.lastSeq}.`;
    });
    const { say, replies } = await stage(assistant);
    await say('Hi');
    await until(() => requests.length === 1, { what: 'the first turn' });
    await say('and one more');
    release();
    await until(async () => (await replies()).length > 0, { what: 'a reply' });
    expect(await replies()).toMatchObject([{ body: 'Knows 2.', seq: 3 }]);
  });

  /** Thinks until it is told that it does so in vain, as a call to a model does. */
  const untilAborted = ({ signal }: AssistantRequest) =>
    new Promise<string>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('the call was ended')), { once: true });
    });

  it.each(['here', 'in another process'])(
    'ends a call that thinks in vain when a newer text is stored %s, and answers both at once',
    async (where) => {
      const { assistant, requests } = scriptedBy((request) =>
        request.conversation.lastSeq === 1 ? untilAborted(request) : `Knows ${request.conversation.lastSeq}.`,
      );
      // Were the call not ended, its failures would be counted and the fallback sent.
      const { say, sayElsewhere, replies, state } = await stage(assistant, { maxAttempts: 1 });
      await say('Hi');
      await until(() => requests.length === 1, { what: 'the first turn' });
      await (where === 'here' ? say('and one more') : sayElsewhere('and one more'));
      await until(async () => (await replies()).length > 0, { what: 'a reply' });
      await until(async () => !(await state()).isLeased, { what: 'the end of the turn' });
      expect(await replies()).toMatchObject([{ body: 'Knows 2.', seq: 3 }]);
      expect(requests.map(({ signal }) => signal.aborted)).toEqual([true, false]);
      expect(requests[1]?.conversation.messages.map(({ body }) => body)).toEqual(['Hi', 'and one more']);
    },
  );

  it('ends a call when a person takes over, and says nothing', async () => {
    const { assistant, requests } = scriptedBy(untilAborted);
    const { say, replies, state } = await stage(assistant, { maxAttempts: 1 });
    await say('Hi');
    await until(() => requests.length === 1, { what: 'the turn' });
    await test.database.orm.execute(
      sql`update conversations set owner = 'human', reply_due_at = null where id = ${(await state()).id}`,
    );
    await until(async () => !(await state()).isLeased, { what: 'the turn to end' });
    expect(requests[0]?.signal.aborted).toBe(true);
    expect(await replies()).toEqual([]);
  });

  it('hands over what is not finished when it stops, and another process need not wait for the lease', async () => {
    let asked = 0;
    const { assistant, requests } = scriptedBy((request) => {
      asked += 1;
      return asked === 1 ? untilAborted(request) : 'From the other one.';
    });
    const { say, replies, state, runner, newRunner } = await stage(assistant, {
      leaseMs: 600_000,
      stopGraceMs: 50,
      maxAttempts: 1,
    });
    await say('Hi');
    await until(() => asked === 1, { what: 'the turn' });
    await runner.stop();
    expect(await state()).toMatchObject({ isDue: true, isLeased: false });
    await newRunner('b').start();
    await until(async () => (await replies()).length > 0, { what: 'the reply' });
    expect(await replies()).toMatchObject([{ body: 'From the other one.' }]);
    expect(requests[0]?.signal.aborted).toBe(true);
  });

  it('keeps the lease of what it finishes while it stops', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let asked = 0;
    const { assistant } = scriptedBy(async () => {
      asked += 1;
      await held;
      return 'Finished.';
    });
    const { say, replies, runner, state } = await stage(assistant, {
      leaseMs: 1_500,
      stopGraceMs: 60_000,
    });
    await say('Hi');
    await until(() => asked === 1, { what: 'the turn' });
    const stopped = runner.stop();
    const leasedUntil = async () => {
      const [row] = await test.database.query<{ at: string }>(
        sql`select lease_until::text as at from conversations where id = ${(await state()).id}`,
      );
      return row?.at;
    };
    const first = await leasedUntil();
    await until(async () => (await leasedUntil()) !== first, { what: 'a renewal' });
    release();
    await stopped;
    expect(await replies()).toMatchObject([{ body: 'Finished.' }]);
    expect(asked).toBe(1);
  });

  it('lets another process answer when the lease of a hanging one runs out, and refuses the late reply', async () => {
    let release: () => void = () => undefined;
    const stuck = new Promise<void>((resolve) => {
      release = resolve;
    });
    let asked = 0;
    const { assistant } = scriptedBy(async () => {
      asked += 1;
      if (asked === 1) {
        await stuck;
        return 'Too late.';
      }
      return 'In time.';
    });
    // Sweeps so rare that the hanging process does not renew its lease, as a frozen one does not.
    const { say, replies, newRunner, state } = await stage(assistant, { leaseMs: 150, sweepMs: 60_000 });
    await say('Hi');
    await until(() => asked === 1, { what: 'the first turn' });
    const other = newRunner('b');
    await other.start();
    const isAnswered = async () => {
      other.wake();
      return !(await state()).isDue;
    };
    await until(isAnswered, { what: 'the other process to answer', timeoutMs: 8_000 });
    release();
    await until(async () => (await replies()).length > 0, { what: 'the reply' });
    await Promise.all(runners.map((runner) => runner.stop()));
    expect((await replies()).map(({ body }) => body)).toEqual(['In time.']);
  });

  it('keeps the lease of a slow assistant by renewing it', async () => {
    let asked = 0;
    const { assistant } = scriptedBy(async () => {
      asked += 1;
      const until_ = Date.now() + 2_500;
      await until(() => Date.now() > until_, { what: 'slow thought' });
      return 'Slow.';
    });
    const { say, replies, newRunner } = await stage(assistant, { leaseMs: 1_000, sweepMs: 100 });
    await newRunner('b').start();
    await say('Hi');
    await until(async () => (await replies()).length > 0, { what: 'the reply' });
    expect(asked).toBe(1);
  });

  it('tries again when the assistant fails, then tells the shopper that a person will answer', async () => {
    let asked = 0;
    const { assistant } = scriptedBy(() => {
      asked += 1;
      throw new Error('no answer today');
    });
    const { say, replies, state, alerts } = await stage(assistant, { maxAttempts: 2 });
    await say('Hi');
    await until(async () => (await replies()).length > 0, { what: 'the fallback', timeoutMs: 8_000 });
    expect(asked).toBe(2);
    expect((await replies())[0]?.body).toContain('will get back to you');
    expect(await state()).toMatchObject({ owner: 'human', isDue: false });
    const ofFailure = (await alerts()).filter(({ kind }) => kind === 'assistant_failed');
    expect(ofFailure).toEqual([
      { kind: 'assistant_failed', conversationId: (await state()).id, details: { attempts: 2 } },
    ]);
  });

  it('tells staff nothing of a failure when the fallback was not let through', async () => {
    let fail: () => void = () => undefined;
    const held = new Promise<void>((_resolve, reject) => {
      fail = () => reject(new Error('no answer today'));
    });
    const { assistant, requests } = scriptedBy(async () => {
      await held;
      return '';
    });
    // No sweep: the takeover shows at the commit.
    const { say, replies, state, alerts } = await stage(assistant, { maxAttempts: 1, sweepMs: 60_000 });
    await say('Hi');
    await until(() => requests.length === 1, { what: 'the turn' });
    await test.database.orm.execute(
      sql`update conversations set owner = 'human' where id = ${(await state()).id}`,
    );
    fail();
    await until(async () => !(await state()).isLeased, { what: 'the turn to end' });
    expect(await replies()).toEqual([]);
    expect(await alerts()).toEqual([]);
  });

  it('does not wait for an assistant that never answers', async () => {
    const { assistant } = scriptedBy(() => new Promise<string>(() => undefined));
    const { say, replies } = await stage(assistant, { maxAttempts: 1, assistantDeadlineMs: 100 });
    await say('Hi');
    await until(async () => (await replies()).length > 0, { what: 'the fallback' });
    expect((await replies())[0]?.body).toContain('will get back to you');
  });

  it('says nothing when a person takes over while it was thinking', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { assistant, requests } = scriptedBy(async () => {
      await held;
      return 'Me too.';
    });
    const { say, replies, state } = await stage(assistant);
    await say('Hi');
    await until(() => requests.length === 1, { what: 'the turn' });
    await test.database.orm.execute(
      sql`update conversations set owner = 'human' where id = ${(await state()).id}`,
    );
    release();
    await until(async () => !(await state()).isLeased, { what: 'the turn to end' });
    expect(await replies()).toEqual([]);
  });

  it('takes up at its start what a dead process left due', async () => {
    const { assistant } = scriptedBy(() => 'Here I am.');
    const { say, replies, newRunner, state } = await stage(assistant, { leaseMs: 200 }, 0);
    await Promise.all(runners.map((runner) => runner.stop()));
    await say('Hi');
    await test.database.orm.execute(
      sql`update conversations set fence = fence + 1, lease_holder = 'dead', lease_until = clock_timestamp() + interval '300 ms'
        where id = ${(await state()).id}`,
    );
    await newRunner('b').start();
    await until(async () => (await replies()).length === 1, { what: 'the reply' });
  });

  it('begins no more turns than it has places, the oldest first, and answers everybody once in the end', async () => {
    let thinking = 0;
    let most = 0;
    const order: string[] = [];
    const { assistant } = scriptedBy(async ({ conversation }) => {
      thinking += 1;
      most = Math.max(most, thinking);
      order.push(conversation.messages[0]?.body ?? '');
      await new Promise((resolve) => setTimeout(resolve, 20));
      thinking -= 1;
      return 'An answer.';
    });
    const { organization, sayAs, runner } = await stage(assistant, { maxConcurrentTurns: 3 });
    await runner.stop();
    const phones = Array.from({ length: 20 }, newPhone);
    for (const [n, from] of phones.entries()) await sayAs(from, `${n}`);
    for (const from of phones.slice(0, 5)) await sayAs(from, 'and what about the colors?');
    await runner.start();
    const replied = () =>
      test.database.query<{ replies: number }>(
        sql`select count(*)::int as replies from messages where organization_id = ${organization.id}
          and direction = 'outbound' group by conversation_id`,
      );
    await until(async () => (await replied()).length === phones.length, {
      what: 'all replies',
      timeoutMs: 15_000,
    });
    expect((await replied()).map(({ replies }) => replies)).toEqual(phones.map(() => 1));
    expect(most).toBe(3);
    // Three at a time may pass each other. Who texts again while waiting keeps the place.
    expect(order.slice(0, 7)).toEqual(expect.arrayContaining(['0', '1', '2', '3', '4']));
    expect(order.slice(-5)).toContain('19');
  });

  it('shows the assistant of a conversation that grew long the last fifty messages', async () => {
    const { assistant, requests } = scriptedBy(() => 'Yes.');
    const { say } = await stage(assistant);
    await Promise.all(runners.map((runner) => runner.stop()));
    for (let n = 1; n <= 60; n += 1) await say(`text ${n}`);
    await runners[0]?.start();
    await until(() => requests.length > 0, { what: 'the turn' });
    const { messages, lastSeq } = requests[0]!.conversation;
    expect([messages.length, messages[0]?.seq, messages.at(-1)?.seq, lastSeq]).toEqual([50, 11, 60, 60]);
  });
});
