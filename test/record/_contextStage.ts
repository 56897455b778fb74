/** One conversation with real turns over the record and a state door with memory, and an assistant that repeats itself. */
import { StateDoor } from '../../redis-migration.js';
import type { Assistant, AssistantRequest } from '../../services/assistant/types.js';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import { Cache } from '../../services/cache.js';
import { createKeys } from '../../services/cacheAdapter/keys.js';
import { CacheAdapter } from '../../services/cacheAdapter.js';
import { systemClock } from '../../services/clock.js';
import type { Database } from '../../services/db/client.js';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { createOutboundDoor } from '../../services/outbound/door.js';
import { createContextEdits } from '../../services/record/contextEdits.js';
import { createStateRecord } from '../../services/record/state.js';
import { createSecrets } from '../../services/secrets.js';
import { TurnRunner } from '../../services/turns/turnRunner.js';
import type { InboundSms } from '../../services/twilio/webhook.js';
import { conversationOf, inboundText, newOrganization, newPhone, textsOf } from '../support/records.js';
import { silentLogger } from '../support/testDatabase.js';
import { until } from '../support/until.js';

export type ContextStage = Awaited<ReturnType<typeof contextStage>>;

/**
 * The assistant learns every text it answers, word for word, into a slot and the summary: whatever it may no longer know
 * shows there. @param answer when it may answer, and with what.
 */
export async function contextStage(
  database: Database,
  answer: (request: AssistantRequest) => Promise<string> | string = ({ conversation }) =>
    `reply to ${conversation.lastSeq}`,
) {
  const organization = await newOrganization(database);
  const phone = newPhone();
  const requests: AssistantRequest[] = [];
  const assistant: Assistant = {
    name: 'test',
    reply: async (request) => {
      requests.push(request);
      const body = await answer(request);
      const { messages, slots } = request.conversation;
      const lastReply = messages.findLastIndex(({ direction }) => direction === 'outbound');
      const heard = messages.slice(lastReply + 1).map((message) => message.body);
      const vehicle = [slots.vehicle, ...heard].filter((part) => part !== undefined).join(' ');
      return { body, slots: { vehicle }, summary: `Heard: ${vehicle}` };
    },
  };
  const keys = createKeys({ prefix: 'test:', phoneHashKey: Buffer.from('key') });
  const cache = Cache.create({
    memory: createMemoryDriver({ clock: systemClock, maxBytes: 10_000_000 }),
    isFallbackEnabled: true,
    clock: systemClock,
    random: () => 0,
    logger: silentLogger,
  });
  const state = StateDoor.create({
    adapter: CacheAdapter.create({ cache, keys }),
    record: createStateRecord(database),
    edits: createContextEdits(database),
  });
  const events = createLiveEvents();
  const runner = TurnRunner.create({
    database,
    state,
    assistant,
    door: createOutboundDoor({ database, events, onQueued: () => undefined }),
    clock: systemClock,
    logger: silentLogger,
    holder: 'a',
    limits: { sweepMs: 50 },
  });
  const receiver = createInboundReceiver({
    database,
    secrets: createSecrets('a test secret that is long'),
    events,
    logger: silentLogger,
    defaultAccountSid: undefined,
    reply: { windowMs: 0, maxWaitMs: 0 },
    onReplyDue: (delayMs) => runner.wakeIn(delayMs),
  });
  const texts = () => textsOf(database, organization.id, phone);
  const conversation = () => conversationOf(database, organization.id, phone);
  /** Stored, and not answered unless the runner runs. */
  const say = (body: string, change: Partial<InboundSms> = {}) =>
    receiver.receive(inboundText(organization.number, phone, { body, ...change }));
  return {
    organization,
    organizationId: organization.id,
    phone,
    state,
    runner,
    requests,
    texts,
    conversation,
    say,
    /** Says it and waits for the answer. */
    talk: async (body: string) => {
      const before = (await texts()).filter(({ direction }) => direction === 'outbound').length;
      await say(body);
      await until(
        async () => (await texts()).filter(({ direction }) => direction === 'outbound').length > before,
        { what: `the answer to ${body}` },
      );
    },
    by: async () => ({ leadId: (await conversation()).leadId, actor: 'key:test' }),
    close: async () => {
      await runner.stop();
      await cache.stop();
    },
  };
}
