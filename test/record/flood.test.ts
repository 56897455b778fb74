/** One phone, or one organization, that texts without end: what it costs itself, and what it must not cost the others. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { Assistant } from '../../services/assistant/types.js';
import { claimDue } from '../../services/turns/claims.js';
import type { E164, OrganizationId } from '../../services/types.js';
import { buildApp, type TestApp } from '../support/buildApp.js';
import { conversationOf, inboundText, newPhone, textsOf } from '../support/records.js';
import { describeEachEngine } from '../support/testDatabase.js';
import { until } from '../support/until.js';

/** A model that takes its time, and says something new each time. */
function slowAssistant(thinksMs: number) {
  const running = new Map<string, number>();
  const most = new Map<string, number>();
  let answers = 0;
  const assistant: Assistant = {
    name: 'slow',
    reply: async ({ conversation }) => {
      const { organizationId } = conversation;
      const now = (running.get(organizationId) ?? 0) + 1;
      running.set(organizationId, now);
      most.set(organizationId, Math.max(now, most.get(organizationId) ?? 0));
      await new Promise((resolve) => setTimeout(resolve, thinksMs));
      running.set(organizationId, (running.get(organizationId) ?? 0) - 1);
      answers += 1;
      return { body: `Answer ${answers}.`, slots: conversation.slots, summary: conversation.summary };
    },
  };
  return { assistant, most, answers: () => answers };
}

describeEachEngine('A flood', (engine) => {
  const THINKS_MS = 150;
  const slow = slowAssistant(THINKS_MS);
  let jack: TestApp;
  beforeAll(async () => {
    jack = await buildApp({
      engine,
      assistant: slow.assistant,
      turnLimits: { maxConcurrentTurns: 8, maxTurnsPerOrganization: 5 },
    });
  });
  afterAll(() => jack.close());

  async function newPlace() {
    const { organization } = await jack.createOrganization();
    return { id: organization.id as OrganizationId, number: organization.phoneNumbers[0] as E164 };
  }
  const say = (number: E164, phone: E164, body: string) =>
    jack.ctx.receiver.receive(inboundText(number, phone, { body }));
  const repliesTo = async (id: OrganizationId, phone: E164) =>
    (await textsOf(jack.ctx.database, id, phone)).filter(({ direction }) => direction === 'outbound');

  /** @returns milliseconds until the reply to a text is committed. */
  async function replyTimeMs(at: { id: OrganizationId; number: E164 }): Promise<number> {
    const phone = newPhone();
    const startedAt = performance.now();
    await say(at.number, phone, 'Is the Civic still there?');
    await until(async () => (await repliesTo(at.id, phone)).length > 0, {
      what: 'the reply to somebody else',
      timeoutMs: 20_000,
    });
    return performance.now() - startedAt;
  }

  it('of 1,000 texts of one phone is stored whole, gets few turns, and delays nobody', async () => {
    const at = await newPlace();
    const other = await newPlace();
    const phone = newPhone();
    const answersBefore = slow.answers();
    let isOver = false;
    const flood = (async () => {
      for (let n = 0; n < 1_000; n += 20) {
        await Promise.all(
          Array.from({ length: 20 }, (_, k) => say(at.number, phone, `text ${n + k} with words of its own`)),
        );
      }
      isOver = true;
    })();
    const times: number[] = [];
    while (!isOver) times.push(await replyTimeMs(at), await replyTimeMs(other));
    await flood;
    await until(async () => (await conversationOf(jack.ctx.database, at.id, phone)).isDue === false, {
      what: 'the last turn of the flood',
      timeoutMs: 20_000,
    });

    const texts = await textsOf(jack.ctx.database, at.id, phone);
    expect(texts.filter(({ direction }) => direction === 'inbound')).toHaveLength(1_000);
    expect(texts.map(({ seq }) => seq)).toEqual(texts.map((_text, index) => index + 1));
    // One turn at a time, and one for all that came meanwhile.
    const replies = texts.filter(({ direction }) => direction === 'outbound').length;
    expect(replies).toBeGreaterThanOrEqual(1);
    expect(slow.answers() - answersBefore - times.length).toBeLessThan(100);
    // An answer takes 150 ms here; the bound leaves room for a machine that is busy with other things.
    expect(Math.max(...times)).toBeLessThan(5_000);
    expect(times.length).toBeGreaterThanOrEqual(2);
  });

  it('of all shoppers of one organization leaves places to the others, and all are answered', async () => {
    const busy = await newPlace();
    const quiet = await newPlace();
    const phones = Array.from({ length: 60 }, newPhone);
    await Promise.all(phones.map((phone) => say(busy.number, phone, 'Hello')));

    const quietMs = await replyTimeMs(quiet);

    const waiting = await jack.ctx.database.query(
      sql`select 1 from conversations where organization_id = ${busy.id} and reply_due_at is not null`,
    );
    // Somebody of the flood still waits while the other has been answered.
    expect([quietMs < 5_000, waiting.length > 0]).toEqual([true, true]);
    await until(
      async () =>
        (await Promise.all(phones.map((phone) => repliesTo(busy.id, phone)))).every((r) => r.length === 1),
      { what: 'everybody to be answered once', timeoutMs: 30_000, everyMs: 200 },
    );
    expect(slow.most.get(busy.id)).toBe(5);
  });

  it('is claimed up to the ceiling and no further, whatever runs already', async () => {
    // No turns of the application take what is claimed here.
    await jack.ctx.turns.stop();
    const [one, two] = [await newPlace(), await newPlace()];
    for (const { number } of [one, two]) {
      for (let n = 0; n < 6; n += 1) await say(number, newPhone(), 'Hello');
    }
    const claim = async (limit: number, running: [OrganizationId, number][]) => {
      const claims = await claimDue(jack.ctx.database, {
        limit,
        leaseMs: 1,
        holder: 'test',
        mostOfOne: 4,
        running: new Map(running),
      });
      await until(
        async () =>
          (
            await jack.ctx.database.query(
              sql`select 1 from conversations where lease_until > clock_timestamp()`,
            )
          ).length === 0,
        { what: 'the leases to run out' },
      );
      const of = ({ id }: typeof one) => claims.filter(({ organizationId }) => organizationId === id).length;
      return [of(one), of(two)];
    };
    expect(await claim(100, [])).toEqual([4, 4]);
    expect(await claim(100, [[one.id, 3]])).toEqual([1, 4]);
    expect(await claim(100, [[one.id, 4]])).toEqual([0, 4]);
    expect(
      await claim(100, [
        [one.id, 9],
        [two.id, 9],
      ]),
    ).toEqual([0, 0]);
    expect(await claim(3, [[one.id, 2]])).toEqual([1, 2]);
  });
});
