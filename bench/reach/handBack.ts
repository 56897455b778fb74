/** Many conversations handed back after an outage, while texts keep coming. */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { startRedis } from '../../scripts/lib/redisServer.js';
import type { ConversationSnapshot, OrganizationId } from '../../services/types.js';
import { createConversationMaker } from '../conversations.js';
import { median, quantile } from '../statistics.js';
import { figure, printTable, say } from '../table.js';
import { openTowerStage, type TowerStage } from '../towerStage.js';
import { longestCommandMs, watchCommands } from './slowLog.js';

const ORGANIZATIONS = 200;
/** Turns that go on meanwhile: evenly, more than 200 dealerships have, and as many as go. */
const RATE_PER_S = 1_000;
const BEFORE_MS = 4_000;

export interface HandBackOptions {
  readonly conversations: number;
  readonly runs: number;
}

interface HandedBack {
  readonly label: string;
  readonly perS: number;
  readonly before: Times;
  readonly during: Times;
  readonly longestCommandMs: number;
}

interface Times {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perS: number;
}

type Load = (turn: () => Promise<void>, isOver: () => boolean) => Promise<Times>;

export async function handBack({ conversations, runs }: HandBackOptions): Promise<void> {
  const results: HandedBack[][] = [];
  const loads: [string, Load][] = [
    [`${figure(RATE_PER_S)} turns/s`, atRate],
    ['32 in flight, as fast as they go', saturated],
  ];
  for (const [label, load] of loads) {
    const own: HandedBack[] = [];
    for (let run = 1; run <= runs; run += 1) {
      say(`hand-back of ${figure(conversations)} conversations, ${label}, run ${run} of ${runs}`);
      own.push(await measure(label, load, conversations));
    }
    results.push(own);
  }
  printTable(
    `Hand-back of ${figure(conversations)} conversations of 20 messages while turns go on; medians of ${runs} runs`,
    [
      'turns meanwhile',
      'conversations/s',
      'turns/s before',
      'p50 ms',
      'p99 ms',
      'turns/s during',
      'p50 ms',
      'p99 ms',
      'p99 during / before',
      'longest command ms',
    ],
    results.map((own) => {
      const of = (pick: (result: HandedBack) => number, digits = 0) => figure(median(own.map(pick)), digits);
      return [
        own[0]?.label ?? '',
        of(({ perS }) => perS),
        of(({ before }) => before.perS),
        of(({ before }) => before.p50Ms, 2),
        of(({ before }) => before.p99Ms, 2),
        of(({ during }) => during.perS),
        of(({ during }) => during.p50Ms, 2),
        of(({ during }) => during.p99Ms, 2),
        of(({ before, during }) => during.p99Ms / before.p99Ms, 2),
        of(({ longestCommandMs: longestMs }) => longestMs, 2),
      ];
    }),
  );
}

async function measure(label: string, load: Load, conversations: number): Promise<HandedBack> {
  const server = await startRedis();
  const redis = new Redis(server.url);
  const stage = await openTowerStage({ url: server.url, isOutageExpected: true });
  try {
    const turn = await createTurn(stage);
    const overAfter = (ms: number) => {
      const untilMs = performance.now() + ms;
      return () => performance.now() > untilMs;
    };
    await load(turn, overAfter(1_500));
    await stage.cache.setForced(true);
    await fill(stage, conversations);
    await stage.cache.setForced(false);
    // Once without texts, so that what is compared has the same heap; then the same again with them.
    await isHandedBack(stage);
    const before = await load(turn, overAfter(BEFORE_MS));
    await stage.cache.setForced(true);
    await fill(stage, conversations);
    await watchCommands(redis);
    const movedBefore = stage.cache.report().handBack.moved;
    const startedAtMs = performance.now();
    await stage.cache.setForced(false);
    const during = await load(turn, watchPending(stage));
    const seconds = (performance.now() - startedAtMs) / 1_000;
    const perS = ((await isHandedBack(stage)).moved - movedBefore) / seconds;
    return { label, perS, before, during, longestCommandMs: await longestCommandMs(redis) };
  } finally {
    await stage.close();
    redis.disconnect();
    await server.stop();
  }
}

/** Looks now and then: a report for every turn would cost more than the turn. */
function watchPending({ cache }: TowerStage): () => boolean {
  let isOver = false;
  const timer = setInterval(() => {
    isOver = cache.report().handBack.pending === 0;
    if (isOver) clearInterval(timer);
  }, 20);
  return () => isOver;
}

async function isHandedBack({ cache, memory }: TowerStage) {
  while (cache.report().handBack.pending > 0 || !memory.isEmpty()) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return cache.report().handBack;
}

async function fill({ adapter }: TowerStage, conversations: number): Promise<void> {
  const maker = createConversationMaker();
  for (let n = 0; n < conversations; n += 1) {
    const organizationId = `org-${n % ORGANIZATIONS}` as OrganizationId;
    await adapter.storeSnapshot(organizationId, maker.snapshot(organizationId, 20));
    // The connections are still there and want to be heard.
    if (n % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Reads a snapshot and stores the next one. */
async function createTurn({ adapter }: TowerStage): Promise<() => Promise<void>> {
  const maker = createConversationMaker();
  const snapshots: ConversationSnapshot[] = [];
  for (let n = 0; n < ORGANIZATIONS; n += 1) {
    const snapshot = maker.snapshot(`texting-${n}` as OrganizationId, 20);
    await adapter.storeSnapshot(snapshot.organizationId, snapshot);
    snapshots.push(snapshot);
  }
  let turns = 0;
  return async () => {
    const at = turns++ % snapshots.length;
    const known = snapshots[at] as ConversationSnapshot;
    const found = await adapter.getSnapshot(known.organizationId, known.conversationId, known.rev);
    snapshots[at] = maker.next(found ?? known);
    await adapter.storeSnapshot(known.organizationId, snapshots[at]);
  };
}

/**
 * Each timed from when it was due, so that a stall counts for all that it held up. Waiting is by a timer, which is up to a
 * millisecond late: waiting in a loop made so much garbage that full collections of 50 to 100 ms were what was measured.
 */
async function atRate(turn: () => Promise<void>, isOver: () => boolean): Promise<Times> {
  const times: number[] = [];
  const pending = new Set<Promise<void>>();
  const startedAtMs = performance.now();
  for (let n = 0; !isOver(); n += 1) {
    const dueAtMs = startedAtMs + (n * 1_000) / RATE_PER_S;
    while (performance.now() < dueAtMs) await pause(1);
    const own = turn().then(() => {
      times.push(performance.now() - dueAtMs);
      pending.delete(own);
    });
    pending.add(own);
  }
  await Promise.all(pending);
  return timesOf(times, startedAtMs);
}

async function saturated(turn: () => Promise<void>, isOver: () => boolean): Promise<Times> {
  const times: number[] = [];
  const startedAtMs = performance.now();
  const worker = async () => {
    while (!isOver()) {
      const beganAtMs = performance.now();
      await turn();
      times.push(performance.now() - beganAtMs);
    }
  };
  await Promise.all(Array.from({ length: 32 }, worker));
  return timesOf(times, startedAtMs);
}

function timesOf(times: readonly number[], startedAtMs: number): Times {
  const perS = times.length / ((performance.now() - startedAtMs) / 1_000);
  const sorted = Float64Array.from(times).sort();
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99), perS };
}
