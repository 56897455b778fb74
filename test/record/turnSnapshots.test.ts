/** What a turn leaves in the cache is what the record holds, also when the record changed while the assistant thought. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { AssistantRequest } from '../../services/assistant/types.js';
import type { ConversationId, OrganizationId } from '../../services/types.js';
import { buildApp, type TestApp } from '../support/buildApp.js';
import { conversationOf, inboundText, newOrganization, newPhone, textsOf } from '../support/records.js';
import { describeEachEngine } from '../support/testDatabase.js';
import { until } from '../support/until.js';

describeEachEngine('The snapshot that a turn stores', (engine) => {
  let app: TestApp;
  const requests: AssistantRequest[] = [];
  let think: (request: AssistantRequest) => Promise<void> = async () => undefined;
  beforeAll(async () => {
    app = await buildApp({
      engine,
      demo: false,
      assistant: {
        name: 'test',
        reply: async (request) => {
          requests.push(request);
          await think(request);
          return { body: `Reply to ${request.conversation.lastSeq}.`, slots: {}, summary: '' };
        },
      },
    });
  });
  afterAll(() => app.close());

  async function newShopper() {
    const { database, receiver } = app.ctx;
    const organization = await newOrganization(database);
    const phone = newPhone();
    const texts = () => textsOf(database, organization.id, phone);
    const say = (body: string) => receiver.receive(inboundText(organization.number, phone, { body }));
    const replied = (body: string) =>
      until(async () => (await texts()).some((text) => text.body === body), { what: body });
    const row = () => conversationOf(database, organization.id, phone);
    const shownLast = () =>
      requests.filter(({ conversation }) => conversation.organizationId === organization.id).at(-1)
        ?.conversation.messages ?? [];
    return { organization, say, texts, replied, row, shownLast };
  }

  it.each([
    ['the text that is being answered', 3],
    ['one from before', 1],
  ])('does not bring back %s when that was redacted meanwhile', async (_what, seq) => {
    const { database } = app.ctx;
    const { say, replied, row, shownLast } = await newShopper();
    think = async () => undefined;
    await say('My card is 4111');
    await replied('Reply to 1.');
    think = async ({ conversation }) => {
      await database.orm.execute(
        sql`update messages set body = 'removed' where conversation_id = ${conversation.conversationId} and seq = ${seq}`,
      );
    };
    await say('Did you get the number 4111?');
    await replied('Reply to 3.');
    think = async () => undefined;
    await say('And now?');
    await replied('Reply to 5.');
    expect(shownLast().find((message) => message.seq === seq)?.body).toBe('removed');
    expect((await row()).lastSeq).toBe(6);
  });

  it('is not taken for the whole when staff wrote in the same moment, and the next text is answered', async () => {
    const { door } = app.ctx;
    const [one, other] = [await newShopper(), await newShopper()];
    think = async () => undefined;
    await other.say('Hi');
    await other.replied('Reply to 1.');
    const { id: busyWith } = await other.row();
    const staffSays = (organizationId: OrganizationId, conversationId: ConversationId, body: string) =>
      void writing.push(
        door.submit({ organizationId, conversationId, origin: 'staff', staffName: 'Robin', body }),
      );
    const writing: Promise<unknown>[] = [];
    think = async ({ conversation }) => {
      // The door is busy with another conversation, so the reply and the staff's text wait for it and go together.
      const { organizationId, conversationId } = conversation;
      staffSays(other.organization.id, busyWith, 'busy');
      setImmediate(() => staffSays(organizationId, conversationId, 'me too'));
    };
    await one.say('Hi');
    await one.replied('me too');
    await Promise.all(writing);
    expect((await one.texts()).map(({ body }) => body)).toEqual(['Hi', 'Reply to 1.', 'me too']);
    think = async () => undefined;
    await one.say('Are you there?');
    await one.replied('Reply to 4.');
    expect(one.shownLast().map(({ body }) => body)).toEqual([
      'Hi',
      'Reply to 1.',
      'me too',
      'Are you there?',
    ]);
  });
});
