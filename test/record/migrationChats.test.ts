import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { StateDoor } from '../../redis-migration.js';
import { createChatExpiry } from '../../services/migration/chatExpiry.js';
import type { EntrySource } from '../../services/migration/sources.js';
import { deleteExpiredChats } from '../../services/record/imports/chats.js';
import { type MigrationStage, openMigrationStage } from '../support/migrationStage.js';
import { newOrganization } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';

const API_KEY = 'sk-test-0123456789abcdef';

function chatSource(lists: { conversations?: readonly unknown[]; keys?: readonly unknown[] }): EntrySource {
  return {
    kinds: ['conversations', 'keys'],
    entries: async function* (kind, skip) {
      const list = (kind === 'keys' ? lists.keys : lists.conversations) ?? [];
      for (const [index, value] of list.entries()) if (index >= skip) yield { kind, key: `#${index}`, value };
    },
  };
}

const chat = (id: string, count: number, change: object = {}) => ({
  id,
  userName: 'Sam',
  messages: Array.from({ length: count }, (_, index) => ({
    id: `m${index}`,
    content: `words ${index}`,
    type: index % 2,
    date: Date.UTC(2026, 2, 1, 0, index),
  })),
  ...change,
});

describeEachEngine('Chats of a chat library', (engine) => {
  let test: TestDatabase;
  let stage: MigrationStage;
  let state: StateDoor;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
    stage = await openMigrationStage(test.database);
    state = stage.tower.state;
  });
  afterAll(async () => {
    await stage.tower.stop();
    await test.close();
  });

  it('are kept in the record, served through the tower, and never replaced by something older', async () => {
    const { id: organizationId } = await newOrganization(test.database);
    const move = (...conversations: unknown[]) =>
      state.migrateFrom(chatSource({ conversations }), { organizationId });
    expect((await move(chat('a', 3), chat('b', 2), { id: 'c' })).kinds.conversations).toMatchObject({
      read: 3,
      written: 2,
      invalid: 1,
    });
    const reads = () => ({ ...state.report().reads.transcript });
    const before = reads();
    expect(await state.getTranscript(organizationId, 'a')).toMatchObject({ ...chat('a', 3) });
    expect(reads()).toEqual({ cache: (before.cache ?? 0) + 1, record: before.record ?? 0 });

    expect((await move(chat('a', 5))).kinds.conversations).toMatchObject({ written: 1 });
    expect((await move(chat('a', 4))).kinds.conversations).toMatchObject({ written: 0, skipped: 1 });
    expect((await state.getTranscript(organizationId, 'a'))?.messages).toHaveLength(5);

    await state.clearOrganization(organizationId);
    expect((await state.getTranscript(organizationId, 'a'))?.messages).toHaveLength(5);
  });

  it("are nobody else's", async () => {
    const [{ id: one }, { id: other }] = [
      await newOrganization(test.database),
      await newOrganization(test.database),
    ];
    await state.migrateFrom(chatSource({ conversations: [chat('a', 1)] }), { organizationId: one });
    expect(await state.getTranscript(other, 'a')).toBeUndefined();
    expect(await state.getTranscript(one, 'a')).toBeDefined();
  });

  it('live for 30 days, and what is over is swept', async () => {
    const { id: organizationId } = await newOrganization(test.database);
    await state.migrateFrom(chatSource({ conversations: [chat('a', 1), chat('b', 1)] }), { organizationId });
    const [row] = await test.database.query<{ days: number }>(
      sql`select extract(epoch from expires_at - imported_at)::float8 / 86400 as days from imported_chats
        where organization_id = ${organizationId} and chat_id = 'a'`,
    );
    expect(row?.days).toBeCloseTo(30, 3);
    await test.database.orm.execute(
      sql`update imported_chats set expires_at = clock_timestamp() - interval '1 second'
        where organization_id = ${organizationId} and chat_id = 'a'`,
    );
    // A cached copy does not outlive the record's.
    expect(await state.getTranscript(organizationId, 'a')).toBeUndefined();
    const expiry = createChatExpiry({
      logger: silentLogger,
      deleteExpired: (limit) => deleteExpiredChats(test.database, limit),
    });
    expect(await expiry.sweep()).toBe(1);
    expect(await state.getTranscript(organizationId, 'b')).toBeDefined();
  });

  it('bring sealed keys that stand nowhere in clear, and use only grows', async () => {
    const { id: organizationId } = await newOrganization(test.database);
    const move = (...keys: unknown[]) => state.migrateFrom(chatSource({ keys }), { organizationId });
    const key = (queries: number, tokens: number) => ({ key: API_KEY, queries, tokens, balance: 1.5 });
    const first = await move(key(3, 100), { key: '' });
    expect(first.kinds.keys).toMatchObject({ written: 1, invalid: 1 });
    expect(JSON.stringify(first)).not.toContain('sk-test');
    expect((await move(key(2, 90))).kinds.keys).toMatchObject({ skipped: 1 });
    expect((await move(key(5, 200))).kinds.keys).toMatchObject({ written: 1 });
    const [stored] = await state.getProviderKeys(organizationId);
    expect(stored).toMatchObject({ queries: 5, tokens: 200, balance: 1.5 });
    expect(stored?.keySealed).not.toContain(API_KEY);
    expect(stage.secrets.unseal(organizationId, stored?.keySealed ?? '')).toBe(API_KEY);
    expect(await state.getProviderKeys(organizationId)).toHaveLength(1);
    const rows = await test.database.query(sql`select * from provider_keys`);
    expect(JSON.stringify(rows)).not.toContain('sk-test');
  });
});
