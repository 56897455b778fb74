/** Two Jacks, or a Jack and a phone that answers by itself: through receiver, turns and door. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { E164, OrganizationId } from '../../services/types.js';
import { buildApp, type TestApp } from '../support/buildApp.js';
import { conversationOf, inboundText, newPhone, textsOf } from '../support/records.js';
import { describeEachEngine } from '../support/testDatabase.js';
import { until } from '../support/until.js';

describeEachEngine('A talk between machines', (engine) => {
  let jack: TestApp;
  beforeAll(async () => {
    jack = await buildApp({ engine });
  });
  afterAll(() => jack.close());

  async function newTalk() {
    const { organization } = await jack.createOrganization();
    const at = { id: organization.id as OrganizationId, number: organization.phoneNumbers[0] as E164 };
    const phone = newPhone();
    const texts = () => textsOf(jack.ctx.database, at.id, phone);
    const state = () => conversationOf(jack.ctx.database, at.id, phone);
    const replies = async () => (await texts()).filter(({ direction }) => direction === 'outbound').length;
    const say = (body: string) => jack.ctx.receiver.receive(inboundText(at.number, phone, { body }));
    /** @returns how many texts were answered until none was any more. */
    async function answerAll(bodyOf: (n: number) => string, most = 30): Promise<number> {
      for (let n = 0; n < most; n += 1) {
        const before = await replies();
        await say(bodyOf(n));
        await until(async () => (await replies()) > before || (await state()).owner === 'human', {
          what: 'a reply, or the end',
          timeoutMs: 15_000,
        });
        if ((await replies()) === before) return n;
      }
      return most;
    }
    const alerts = () =>
      jack.ctx.database.query<{ kind: string; details: { finding: string } }>(
        sql`select kind, details from staff_alerts where organization_id = ${at.id} and kind = 'loop_detected'`,
      );
    return { at, phone, texts, state, replies, say, answerAll, alerts };
  }

  it('When a phone answers by itself, then it gets one answer, a person is told, and the conversation is theirs', async () => {
    const { answerAll, alerts, state, say, replies } = await newTalk();
    const driving = "I'm driving with Do Not Disturb While Driving turned on. I'll reply when I get there.";

    expect(await answerAll(() => driving)).toBe(1);

    expect(await alerts()).toEqual([{ kind: 'loop_detected', details: { finding: 'automatic_replies' } }]);
    expect(await state()).toMatchObject({ owner: 'human', isDue: false, isLeased: false });
    await say(driving);
    expect(await replies()).toBe(1);
    expect(await alerts()).toHaveLength(1);
  });

  it('When the other one always says the same, then it ends well before thirty replies', async () => {
    const { answerAll, alerts, state } = await newTalk();
    const answered = await answerAll(() => 'Please choose one of our departments: sales, service, parts');
    // The assistant's own hand-off may come first; either way somebody is there.
    expect(answered).toBeLessThanOrEqual(5);
    expect((await state()).owner).toBe('human');
    expect((await alerts()).length).toBeLessThanOrEqual(1);
  });

  it('When a person writes several times in a row, then they are answered', async () => {
    const { answerAll, alerts } = await newTalk();
    const bodies = ['Hi there', 'Do you have any trucks?', 'What about a Corolla', 'ok thanks'];
    expect(await answerAll((n) => bodies[n] as string, bodies.length)).toBe(bodies.length);
    expect(await alerts()).toEqual([]);
  });
});
