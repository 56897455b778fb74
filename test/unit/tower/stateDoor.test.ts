import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { StateDoor, type StateRecord } from '../../../redis-migration.js';
import { encode } from '../../../services/cache/codec.js';
import { createMemoryDriver, type MemoryDriver } from '../../../services/cache/memoryDriver.js';
import { Cache } from '../../../services/cache.js';
import { createKeys, type Keys } from '../../../services/cacheAdapter/keys.js';
import { createSnapshotCodec } from '../../../services/cacheAdapter/snapshotCodec.js';
import { CacheAdapter } from '../../../services/cacheAdapter.js';
import type {
  ConversationId,
  ConversationSnapshot,
  E164,
  LeadId,
  Message,
  Organization,
  OrganizationId,
  Rev,
} from '../../../services/types.js';
import { createFakeClock, type FakeClock, newOrganizationId } from '../../support/cacheSubjects.js';
import { silentLogger } from '../../support/testDatabase.js';

const phone = '+16045550123' as E164;
const newId = <T extends string>(): T => randomUUID() as T;

/** Asks what the test has put there since. */
const asOfNow = (record: () => StateRecord): StateRecord =>
  Object.fromEntries(
    Object.keys(record()).map((name) => [
      name,
      (...args: unknown[]) =>
        (record()[name as keyof StateRecord] as (...args: unknown[]) => unknown)(...args),
    ]),
  ) as unknown as StateRecord;

function snapshotOf(
  organizationId: OrganizationId,
  change: Partial<ConversationSnapshot> = {},
): ConversationSnapshot {
  return {
    organizationId,
    conversationId: newId<ConversationId>(),
    leadId: newId<LeadId>(),
    rev: newId<Rev>(),
    lastSeq: 2,
    owner: 'assistant',
    optedOut: false,
    summary: 'Wants a Civic.',
    slots: { vehicle: 'Honda Civic' },
    messages: [],
    ...change,
  };
}

describe('The state door', () => {
  let clock: FakeClock;
  let keys: Keys;
  let cache: Cache;
  let memory: MemoryDriver;
  let door: StateDoor;
  let record: { [Name in keyof StateRecord]: StateRecord[Name] };
  let asked: string[];
  let org: OrganizationId;

  beforeEach(() => {
    clock = createFakeClock();
    keys = createKeys({ prefix: 'test:', phoneHashKey: Buffer.from('key') });
    memory = createMemoryDriver({ clock, maxBytes: 1_000_000 });
    cache = Cache.create({
      memory,
      isFallbackEnabled: true,
      clock,
      random: () => 0,
      logger: silentLogger,
    });
    asked = [];
    const absent = (name: string) => async () => {
      asked.push(name);
      return undefined;
    };
    record = {
      readSnapshot: absent('readSnapshot'),
      readHistoryRev: absent('readHistoryRev'),
      readHistory: absent('readHistory'),
      findLeadIdByPhone: absent('findLeadIdByPhone'),
      findPhoneByLeadId: absent('findPhoneByLeadId'),
      findOrganizationIdByNumber: absent('findOrganizationIdByNumber'),
      readOrganization: absent('readOrganization'),
      readAgentConfiguration: absent('readAgentConfiguration'),
      readLiveView: absent('readLiveView'),
      readSession: absent('readSession'),
    };
    door = StateDoor.create({ adapter: CacheAdapter.create({ cache, keys }), record: asOfNow(() => record) });
    org = newOrganizationId();
  });

  const sourceOf = async ({ organizationId, conversationId, rev }: ConversationSnapshot) =>
    (await door.getConversationSnapshot(organizationId, { conversationId, baseRev: rev })).source;

  it('A snapshot of the wanted rev is used, and the record is not asked', async () => {
    const snapshot = snapshotOf(org);
    await door.storeConversationSnapshot(org, snapshot);
    const { conversationId, rev } = snapshot;
    const at = { conversationId, baseRev: rev };
    const answer = await door.getConversationSnapshot(org, at);
    expect(answer).toEqual({ source: 'cache', snapshot: expect.objectContaining(snapshot) });
    expect(await door.getConversationContext(org, at)).toEqual({ vehicle: 'Honda Civic' });
    expect(await door.getConversationSummary(org, at)).toBe('Wants a Civic.');
    expect(asked).toEqual([]);
    expect(door.report().reads.snapshot).toEqual({ cache: 3, record: 0 });
  });

  const codec = createSnapshotCodec();
  it.each<[string, (snapshot: ConversationSnapshot) => Buffer]>([
    ['another rev', (snapshot) => codec.encode({ ...snapshot, rev: newId() })],
    ['another conversation', (snapshot) => codec.encode({ ...snapshot, conversationId: newId() })],
    [
      'another organization',
      (snapshot) => codec.encode({ ...snapshot, organizationId: newOrganizationId() }),
    ],
    ['another version of the shape', (snapshot) => Buffer.concat([Buffer.of(99), codec.encode(snapshot)])],
    ['a plain value', (snapshot) => encode(snapshot)],
    ['no snapshot at all', () => encode('text')],
    ['half of the bytes', (snapshot) => codec.encode(snapshot).subarray(0, 100)],
    ['null', () => encode(null)],
  ])('A cached value of %s is a miss, whatever name it lies under', async (_name, bytesOf) => {
    const snapshot = snapshotOf(org);
    const { name, tags } = keys.snapshot(org, snapshot.conversationId);
    const plant = (value: Buffer) => memory.put([{ name, value, ttlMs: 60_000, tags }]);
    plant(bytesOf(snapshot));
    expect(await sourceOf(snapshot)).toBe('record');
    plant(codec.encode(snapshot));
    expect(await sourceOf(snapshot)).toBe('cache');
  });

  it('On a miss the record answers as it is, and its answer is not stored by the door', async () => {
    const wanted = snapshotOf(org);
    const newer = { ...wanted, rev: newId<Rev>() };
    record.readSnapshot = async (organizationId, conversationId) => {
      asked.push(`${organizationId} ${conversationId}`);
      return newer;
    };
    const at = { conversationId: wanted.conversationId, baseRev: wanted.rev };
    expect(await door.getConversationSnapshot(org, at)).toEqual({ source: 'record', snapshot: newer });
    expect(await sourceOf(newer)).toBe('record');
    expect(asked).toEqual(Array(2).fill(`${org} ${wanted.conversationId}`));
    expect(door.report().memory.entries).toBe(0);
  });

  it('A snapshot is kept for two hours from its last write', async () => {
    const snapshot = snapshotOf(org);
    await door.storeConversationSnapshot(org, snapshot);
    clock.advance(7_000_000);
    await door.storeConversationSnapshot(org, snapshot);
    clock.advance(7_199_000);
    expect(await sourceOf(snapshot)).toBe('cache');
    clock.advance(1_001);
    expect(await sourceOf(snapshot)).toBe('record');
  });

  it('History is read once a rev, and again when the conversation has moved on', async () => {
    const leadId = newId<LeadId>();
    let rev = newId<Rev>();
    let seq = 1;
    record.readHistoryRev = async () => rev;
    record.readHistory = async () => {
      asked.push('readHistory');
      return { rev, messages: [{ seq } as Message] };
    };
    const last = async () => (await door.getConversationHistory(org, leadId))?.at(-1)?.seq;
    expect([await last(), await last(), asked.length]).toEqual([1, 1, 1]);
    rev = newId<Rev>();
    seq = 2;
    expect([await last(), await last(), asked.length]).toEqual([2, 2, 2]);
    expect(door.report().reads.history).toEqual({ cache: 2, record: 2 });
  });

  it('A lead unknown to the organization has no history, whatever is cached', async () => {
    expect(await door.getConversationHistory(org, newId<LeadId>())).toBeUndefined();
    expect(asked).toEqual(['readHistoryRev']);
  });

  it('The same phone is another lead in another organization', async () => {
    const leads = new Map<OrganizationId, LeadId>();
    record.findLeadIdByPhone = async (organizationId) => {
      asked.push(organizationId);
      return leads.get(organizationId);
    };
    const other = newOrganizationId();
    for (const id of [org, other]) leads.set(id, newId<LeadId>());
    for (const id of [org, other, org, other]) {
      expect(await door.getLeadIdByPhone(id, phone)).toBe(leads.get(id));
    }
    expect(asked).toEqual([org, other]);
  });

  it('After a lead was dropped the record is asked again, both ways', async () => {
    const leadId = newId<LeadId>();
    record.findLeadIdByPhone = async () => leadId;
    record.findPhoneByLeadId = async () => phone;
    const ask = async () => [
      await door.getLeadIdByPhone(org, phone),
      await door.getPhoneByLeadId(org, leadId),
    ];
    expect(await ask()).toEqual([leadId, phone]);
    record.findLeadIdByPhone = async () => undefined;
    record.findPhoneByLeadId = async () => undefined;
    expect(await ask()).toEqual([leadId, phone]);
    await door.dropLead(org, leadId, phone);
    expect(await ask()).toEqual([undefined, undefined]);
  });

  it('What the record does not have is asked for again, so that a new number works at once', async () => {
    expect(await door.getOrganizationIdByNumber('default', phone)).toBeUndefined();
    record.findOrganizationIdByNumber = async () => org;
    expect(await door.getOrganizationIdByNumber('default', phone)).toBe(org);
    record.findOrganizationIdByNumber = async () => undefined;
    expect(await door.getOrganizationIdByNumber('default', phone)).toBe(org);
    await door.dropNumber('default', phone);
    expect(await door.getOrganizationIdByNumber('default', phone)).toBeUndefined();
  });

  it('Settings are read once a rev; a new rev reads them anew, without any invalidation', async () => {
    let name = 'Old Motors';
    record.readOrganization = async (id) => {
      asked.push(name);
      return { id, name } as Organization;
    };
    const [first, second] = [newId<Rev>(), newId<Rev>()];
    await Promise.all(Array.from({ length: 10 }, () => door.getOrganization(org, first)));
    name = 'New Motors';
    expect((await door.getOrganization(org, second))?.name).toBe('New Motors');
    expect(asked).toEqual(['Old Motors', 'New Motors']);
  });

  it('Clearing an organization makes its state misses and leaves the other organization alone', async () => {
    const [mine, other] = [snapshotOf(org), snapshotOf(newOrganizationId())];
    await door.storeConversationSnapshot(mine.organizationId, mine);
    await door.storeConversationSnapshot(other.organizationId, other);
    expect(await door.clearOrganization(org)).toBe(1);
    expect([await sourceOf(mine), await sourceOf(other)]).toEqual(['record', 'cache']);
  });

  it('An id that could reach beyond its own names is refused before anything is read', async () => {
    const at = { conversationId: 'a}:{b' as ConversationId, baseRev: newId<Rev>() };
    await expect(door.getConversationSnapshot(org, at)).rejects.toMatchObject({ code: 'E_INPUT_INVALID' });
    await expect(door.getLeadIdByPhone('*' as OrganizationId, phone)).rejects.toMatchObject({
      code: 'E_INPUT_INVALID',
    });
    expect(asked).toEqual([]);
  });
});
