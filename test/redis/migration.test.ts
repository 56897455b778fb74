import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { StateDoor } from '../../redis-migration.js';
import type { E164, OrganizationId } from '../../services/types.js';
import { legacyHistory, type MigrationStage, openMigrationStage } from '../support/migrationStage.js';
import { conversationOf, newOrganization, newPhone } from '../support/records.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { openTestDatabase, type TestDatabase } from '../support/testDatabase.js';
import { until } from '../support/until.js';

describeWithRedis('What was moved in, in Redis', () => {
  let server: RedisServer;
  let test: TestDatabase;
  let stage: MigrationStage;
  let state: StateDoor;
  let organizationId: OrganizationId;
  beforeAll(async () => {
    server = await startRedis();
    test = await openTestDatabase('pglite');
    stage = await openMigrationStage(test.database, { REDIS_URL: `redis://127.0.0.1:${server.port}` });
    state = stage.tower.state;
    organizationId = (await newOrganization(test.database)).id;
    await until(() => state.mode() === 'redis', { what: 'Redis to be used' });
  });
  afterAll(async () => {
    await stage.tower.stop();
    await test.close();
    await server.stop();
  });

  const kinds = async () => {
    const names = (await server.command('KEYS', '*')).split('\n');
    return new Set(names.map((name) => /^jack:test:(\w+):/.exec(name)?.[1]));
  };
  const snapshotOf = async (phone: E164) => {
    const { id, baseRev } = await conversationOf(test.database, organizationId, phone);
    return await state.getConversationSnapshot(organizationId, {
      conversationId: id,
      baseRev: baseRev as never,
    });
  };

  it('Conversations of the last days are ready, old ones are not, and FLUSHALL loses nothing', async () => {
    const [recent, old] = [newPhone(), newPhone()];
    const result = await state.migrateExistingMaps({
      conversationHistory: new Map([
        [`${organizationId}:${recent}`, legacyHistory(4, Date.now())],
        [`${organizationId}:${old}`, legacyHistory(4, Date.now() - 30 * 86_400_000)],
      ]),
      conversationSummaries: new Map([[`${organizationId}:${recent}`, 'Wants a Civic.']]),
    });
    expect(result.warmed).toBe(1);
    expect(await kinds()).toContain('snapshot');
    const ready = await snapshotOf(recent);
    expect(ready).toMatchObject({ source: 'cache', snapshot: { summary: 'Wants a Civic.', lastSeq: 4 } });
    expect(await snapshotOf(old)).toMatchObject({ source: 'record', snapshot: { lastSeq: 4 } });

    await server.command('FLUSHALL');
    expect((await snapshotOf(recent)).snapshot?.messages).toEqual(ready.snapshot?.messages);
  });

  it('Chats are there as transcripts for 30 days, keys only sealed, and neither is lost by FLUSHALL', async () => {
    const key = 'sk-test-0123456789abcdef';
    const chat = {
      id: 'Sam +16045550123',
      userName: 'Sam',
      messages: [{ id: 'm', content: 'Hi', type: 'text' }],
    };
    await state.migrateFrom(
      {
        kinds: ['conversations', 'keys'],
        entries: async function* (kind) {
          yield { kind, key: '#0', value: kind === 'keys' ? { key } : chat };
        },
      },
      { organizationId },
    );
    const names = async (kind: string) =>
      (await server.command('KEYS', `jack:test:${kind}:*`)).split('\n').filter(Boolean);
    const [transcript] = await names('transcript');
    expect(transcript).toBeDefined();
    expect(transcript).not.toContain('0123');
    const days = Number(await server.command('PTTL', transcript!)) / 86_400_000;
    expect(days).toBeGreaterThan(26);
    expect(days).toBeLessThanOrEqual(30);

    expect(await state.getProviderKeys(organizationId)).toHaveLength(1);
    const [list] = await names('providerKey');
    expect(await server.command('GET', list!)).not.toContain('sk-test');

    await server.command('FLUSHALL');
    expect(await state.getTranscript(organizationId, chat.id)).toMatchObject(chat);
    const [stored] = await state.getProviderKeys(organizationId);
    expect(stage.secrets.unseal(organizationId, stored?.keySealed ?? '')).toBe(key);
  });

  it('Moving goes on while Redis is away', async () => {
    const phone = newPhone();
    server.pause();
    try {
      const startedAtMs = performance.now();
      const result = await state.migrateExistingMaps({
        conversationHistory: new Map([[`${organizationId}:${phone}`, legacyHistory(2, Date.now())]]),
      });
      expect(result.kinds.conversationHistory?.written).toBe(1);
      expect(performance.now() - startedAtMs).toBeLessThan(3_000);
      expect((await snapshotOf(phone)).snapshot?.lastSeq).toBe(2);
    } finally {
      server.resume();
    }
  });
});
