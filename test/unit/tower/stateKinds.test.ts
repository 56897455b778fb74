/** Model answers, model contexts and the live view, through the door. */
import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { StateDoor, type StateRecord } from '../../../redis-migration.js';
import { createMemoryDriver } from '../../../services/cache/memoryDriver.js';
import { Cache } from '../../../services/cache.js';
import { createKeys, type Keys } from '../../../services/cacheAdapter/keys.js';
import { normalisePrompt } from '../../../services/cacheAdapter/prompt.js';
import { CacheAdapter } from '../../../services/cacheAdapter.js';
import type {
  ConversationId,
  LeadId,
  LiveView,
  ModelContext,
  OrganizationId,
  Rev,
} from '../../../services/types.js';
import { createFakeClock, type FakeClock, newOrganizationId } from '../../support/cacheSubjects.js';
import { silentLogger } from '../../support/testDatabase.js';

const newId = <T extends string>(): T => randomUUID() as T;

describe('State kinds of the door', () => {
  let clock: FakeClock;
  let keys: Keys;
  let cache: Cache;
  let door: StateDoor;
  let org: OrganizationId;
  let views: number;

  beforeEach(() => {
    clock = createFakeClock();
    keys = createKeys({ prefix: 'test:', phoneHashKey: Buffer.from('key') });
    cache = Cache.create({
      memory: createMemoryDriver({ clock, maxBytes: 1_000_000 }),
      isFallbackEnabled: true,
      clock,
      random: () => 0,
      logger: silentLogger,
    });
    views = 0;
    const readLiveView = async (): Promise<LiveView> => {
      views += 1;
      return {
        asOf: new Date(clock.now()).toISOString(),
        open: views,
        waitingForPerson: 0,
        waitingForAssistant: 0,
        optedOut: 0,
        newestAt: null,
        newest: [],
      };
    };
    door = StateDoor.create({
      adapter: CacheAdapter.create({ cache, keys }),
      record: { readLiveView } as unknown as StateRecord,
    });
    org = newOrganizationId();
  });

  describe('A model answer', () => {
    const question = { rev: 'r1' as Rev, model: 'small', prompt: 'Are you open today?' };

    it('is found by the same question in another spelling, for a day', async () => {
      await door.storeModelAnswer(org, question, 'Until six.');
      const ask = (prompt: string) => door.getModelAnswer(org, { ...question, prompt });
      expect(await ask('  are you  OPEN\n today? ')).toBe('Until six.');
      expect(await ask('Are you open tomorrow?')).toBeUndefined();
      clock.advance(24 * 3_600_000 - 1);
      expect(await ask(question.prompt)).toBe('Until six.');
      clock.advance(1);
      expect(await ask(question.prompt)).toBeUndefined();
    });

    it.each<[string, (org: OrganizationId) => [OrganizationId, Partial<typeof question>]]>([
      ['another organization', () => [newOrganizationId(), {}]],
      ['another model', (own) => [own, { model: 'large' }]],
      ['changed settings', (own) => [own, { rev: 'r2' as Rev }]],
      [
        'a question that ends as the model is called',
        (own) => [own, { model: 'sma', prompt: `ll ${question.prompt}` }],
      ],
    ])('is not for %s', async (_name, of) => {
      await door.storeModelAnswer(org, question, 'Until six.');
      const [organizationId, change] = of(org);
      expect(await door.getModelAnswer(organizationId, { ...question, ...change })).toBeUndefined();
    });

    it('goes with everything of its organization', async () => {
      await door.storeModelAnswer(org, question, 'Until six.');
      expect(await door.clearOrganization(org)).toBe(1);
      expect(await door.getModelAnswer(org, question)).toBeUndefined();
    });

    it('is not kept for an overlong or empty question, or when it is overlong itself', async () => {
      for (const prompt of ['x'.repeat(2_001), '', ' \n']) {
        await door.storeModelAnswer(org, { ...question, prompt }, 'No.');
        expect(await door.getModelAnswer(org, { ...question, prompt })).toBeUndefined();
      }
      await door.storeModelAnswer(org, question, 'x'.repeat(8_001));
      expect(await door.getModelAnswer(org, question)).toBeUndefined();
    });

    it('has a name that shows nothing of the question', () => {
      const { name } = keys.answer(org, 'r1' as Rev, 'gpt:4/turbo {x}', 'my phone is +16045550123');
      expect(name).toMatch(/^test:answer:\{[^}]+\}:r1:[0-9a-f]{32}$/);
    });

    it('is found whichever way accents are written', () => {
      expect(normalisePrompt('CAFÉ')).toBe(normalisePrompt('cafe\u0301'));
      expect(normalisePrompt('a\u00a0b')).toBe('a b');
    });
  });

  describe('A model context', () => {
    const contextOf = (change: Partial<ModelContext> = {}): ModelContext => ({
      organizationId: org,
      conversationId: newId<ConversationId>(),
      rev: newId<Rev>(),
      messages: [{ role: 'user', content: 'Hello' }],
      ...change,
    });

    it('is used at its own rev, for two minutes', async () => {
      const context = contextOf();
      await door.storeModelContext(org, context);
      const at = { conversationId: context.conversationId, baseRev: context.rev };
      expect(await door.getModelContext(org, at)).toEqual(context);
      expect(await door.getModelContext(org, { ...at, baseRev: newId<Rev>() })).toBeUndefined();
      expect(await door.getModelContext(newOrganizationId(), at)).toBeUndefined();
      clock.advance(120_000);
      expect(await door.getModelContext(org, at)).toBeUndefined();
    });

    it('is dropped with the conversation, as are snapshot and history', async () => {
      const { conversationId, rev } = contextOf();
      const leadId = newId<LeadId>();
      await door.storeModelContext(org, contextOf({ conversationId, rev }));
      await door.storeConversationSnapshot(org, {
        organizationId: org,
        conversationId,
        leadId,
        rev,
        lastSeq: 0,
        owner: 'assistant',
        optedOut: false,
        summary: '',
        slots: {},
        messages: [],
      });
      const at = { conversationId, baseRev: rev };
      expect(await door.hasConversationSnapshot(org, at)).toBe(true);
      await door.dropConversation(org, { conversationId, leadId });
      expect(await door.hasConversationSnapshot(org, at)).toBe(false);
      expect(await door.getModelContext(org, at)).toBeUndefined();
    });
  });

  describe('The live view', () => {
    it('is read once by all who ask at once, and once in ten seconds', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, () => door.getLiveView(org)));
      expect(new Set(all.map((view) => view?.open))).toEqual(new Set([1]));
      clock.advance(9_999);
      expect((await door.getLiveView(org))?.open).toBe(1);
      clock.advance(1);
      expect((await door.getLiveView(org))?.open).toBe(2);
    });

    it('is one for each organization', async () => {
      await door.getLiveView(org);
      expect((await door.getLiveView(newOrganizationId()))?.open).toBe(2);
    });
  });
});
