/** Clearing one organization, with few and with many keys of others, and how long any command kept the server. */
import { Redis } from 'ioredis';
import { startRedis } from '../../scripts/lib/redisServer.js';
import type { ConversationSnapshot, E164, OrganizationId } from '../../services/types.js';
import { createConversationMaker, phoneOf } from '../conversations.js';
import { median } from '../statistics.js';
import { figure, printTable, say } from '../table.js';
import { openTowerStage, type TowerStage } from '../towerStage.js';
import { longestCommandMs, watchCommands } from './slowLog.js';

const CONVERSATIONS = 40;
const CLEARS = 15;
const FEW = 20_000;
const MANY = 1_000_000;
const LARGE = 20_000;
const ORGANIZATION = 'cleared' as OrganizationId;

interface Cleared {
  readonly foreign: number;
  readonly medianMs: number;
  readonly keys: number;
  readonly longestMs: number;
}

export async function clearing(): Promise<void> {
  const server = await startRedis({ args: ['--enable-debug-command', 'local'] });
  const redis = new Redis(server.url);
  const stage = await openTowerStage({ url: server.url });
  try {
    const results: Cleared[] = [];
    for (const foreign of [FEW, MANY]) {
      say(`clearing one organization beside ${figure(foreign)} foreign keys`);
      await redis.call('DEBUG', 'POPULATE', String(foreign), 'foreign', '100');
      results.push(await measure(stage, redis, foreign));
    }
    const large = await clearLarge(stage, redis);
    printTable(
      `Clearing one organization of ${CONVERSATIONS} conversations (snapshot, phone and lead of each); medians of ${CLEARS}`,
      ['foreign keys', 'keys cleared', 'ms', 'longest command ms'],
      results.map(({ foreign, keys, medianMs, longestMs }) => [
        figure(foreign),
        keys,
        figure(medianMs, 2),
        figure(longestMs, 2),
      ]),
    );
    const [few, many] = results.map(({ medianMs }) => medianMs) as [number, number];
    console.log(`\nWith ${figure(MANY)} foreign keys it takes ${figure(many / few, 2)} times as long.`);
    console.log(
      `One organization of ${figure(LARGE)} conversations: ${figure(large.ms)} ms, longest command ${figure(large.longestMs, 2)} ms.`,
    );
  } finally {
    await stage.close();
    redis.disconnect();
    await server.stop();
  }
}

async function measure(stage: TowerStage, redis: Redis, foreign: number): Promise<Cleared> {
  const maker = createConversationMaker();
  const snapshots = Array.from({ length: CONVERSATIONS }, () => maker.snapshot(ORGANIZATION, 20));
  const times: number[] = [];
  let keys = 0;
  await watchCommands(redis);
  for (let n = 0; n < CLEARS; n += 1) {
    await Promise.all(snapshots.map((snapshot, at) => store(stage, snapshot, phoneOf(at))));
    const startedAtMs = performance.now();
    keys = await stage.adapter.clearOrganization(ORGANIZATION);
    times.push(performance.now() - startedAtMs);
  }
  return { foreign, keys, medianMs: median(times), longestMs: await longestCommandMs(redis) };
}

async function store({ adapter }: TowerStage, snapshot: ConversationSnapshot, phone: E164): Promise<void> {
  await Promise.all([
    adapter.storeSnapshot(ORGANIZATION, snapshot),
    adapter.leadIdByPhone(ORGANIZATION, phone, async () => snapshot.leadId),
    adapter.phoneByLeadId(ORGANIZATION, snapshot.leadId, async () => phone),
  ]);
}

async function clearLarge({ adapter }: TowerStage, redis: Redis): Promise<{ ms: number; longestMs: number }> {
  say(`clearing one organization of ${figure(LARGE)} conversations`);
  const maker = createConversationMaker();
  for (let n = 0; n < LARGE; n += 200) {
    const batch = Array.from({ length: 200 }, () => maker.snapshot(ORGANIZATION, 20));
    await Promise.all(batch.map((snapshot) => adapter.storeSnapshot(ORGANIZATION, snapshot)));
  }
  await watchCommands(redis);
  const startedAtMs = performance.now();
  await adapter.clearOrganization(ORGANIZATION);
  const ms = performance.now() - startedAtMs;
  return { ms, longestMs: await longestCommandMs(redis) };
}
