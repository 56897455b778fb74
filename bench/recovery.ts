/**
 * What shoppers notice of `kill -9`: texts come steadily to two processes, one of them is killed in the middle, and the
 * other one answers what the dead one had begun; or there is only one, and it is started again.
 */
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { type JackProcess, slowJack } from '../test/support/jackProcess.js';
import { createCrowd, type Exchange, timesMs } from './crowd.js';
import { createPoster, type Deliver, openLoop, type Poster } from './openLoop.js';
import { insistOnOneReply, type Settled, settle } from './settle.js';
import { type BenchStage, openBenchStage } from './stage.js';
import { median } from './statistics.js';
import { figure, printTable, say } from './table.js';

const RATE_PER_S = 20;
/** So that a process that dies has turns under way: ten at this rate. */
const THINKS_MS = 500;
const DEALERSHIPS = 20;
/** More than there are texts: each comes from somebody new. */
const SHOPPERS = 100_000;
const BEFORE_S = 4;
/** A lease, a sweep and a turn pass, and then some time without anything. */
const AFTER_S = 8;
/** The time that the carrier has for a text, all attempts together, and a wait that is short in it. */
const TRY_FOR_MS = 15_000;
const TRY_EVERY_MS = 100;

export interface RecoveryOptions {
  readonly kills: number;
}

interface Kill extends Settled {
  readonly texts: number;
  readonly failed: number;
  /** Webhooks that were posted once more. */
  readonly retries: number;
  /** From the kill to the reply, for each turn that the dead process held; seconds, ascending. */
  readonly orphansS: readonly number[];
  /** Replies that were on their way to the carrier then. */
  readonly cutSends: number;
  /** As `orphansS`, for those of them that the carrier had not taken. */
  readonly cutSendsS: readonly number[];
  /** From the kill until another process listens in its place; null when none was needed. */
  readonly upAgainS: number | null;
  readonly longestWaitS: number;
}

export async function recovery({ kills }: RecoveryOptions): Promise<void> {
  const rows: [string, Kill[]][] = [];
  for (const count of [2, 1]) {
    say(`recovery: ${kills} kills, processes: ${count}`);
    const label = count === 1 ? 'one process, started again' : 'two processes, one killed';
    rows.push([label, await measure(count, kills)]);
  }
  printTable(
    `kill -9 at ${RATE_PER_S} texts/s, an assistant that takes ${THINKS_MS} ms; ${kills} kills each`,
    [
      '',
      'texts',
      'not 200',
      'posted again',
      'turns it held',
      'answered after s: median',
      'last of a kill, median',
      'last of all',
      'up again after s',
      'sends cut off',
      'last answered after s',
      'longest wait s: median',
      'of all',
      'lost',
      'doubled',
    ],
    rows.map(([label, list]) => rowOf(label, list)),
  );
  insistOnOneReply(rows.flatMap(([, list]) => list));
}

async function measure(count: number, kills: number): Promise<Kill[]> {
  const program = slowJack({ thinksMs: THINKS_MS });
  const env = { REPLY_WINDOW_MS: '0' };
  const stage = await openBenchStage({ record: 'postgres', isRedisOn: true }, env, program);
  const poster = createPoster();
  const record = new pg.Client({ connectionString: stage.databaseUrl });
  try {
    await record.connect();
    const alive = [stage.jack];
    while (alive.length < count) alive.push(await stage.start());
    const crowd = createCrowd({
      twilio: stage.twilio,
      numbers: await stage.newDealerships(DEALERSHIPS),
      shoppers: SHOPPERS,
    });
    const carrier = createCarrier(poster, alive);
    await openLoop(carrier.deliver, crowd.next, { ratePerS: RATE_PER_S, durationS: 3 });
    await settle(stage, crowd);
    const list: Kill[] = [];
    while (list.length < kills) list.push(await killOne(stage, { crowd, carrier, alive, record }));
    return list;
  } finally {
    await record.end();
    poster.close();
    await stage.close();
  }
}

interface Scene {
  readonly crowd: ReturnType<typeof createCrowd>;
  readonly carrier: ReturnType<typeof createCarrier>;
  /** Changes: those that listen. */
  readonly alive: JackProcess[];
  readonly record: pg.Client;
}

async function killOne(stage: BenchStage, { crowd, carrier, alive, record }: Scene): Promise<Kill> {
  crowd.take();
  const [retriesBefore, lostBefore, doubledBefore] = [carrier.retries(), crowd.waiting(), crowd.doubled()];
  const durationS = BEFORE_S + AFTER_S;
  const load = openLoop(carrier.deliver, crowd.next, { ratePerS: RATE_PER_S, durationS });
  await pause(BEFORE_S * 1_000);
  const doomed = alive.shift() as JackProcess;
  const killedAtMs = performance.now();
  await doomed.kill();
  const isAlone = alive.length === 0;
  const starting = isAlone ? stage.start() : undefined;
  const orphans = await turnsOf(record, doomed.pid);
  let upAgainS: number | null = null;
  if (starting) {
    alive.push(await starting);
    upAgainS = (performance.now() - killedAtMs) / 1_000;
  }
  const cutSends = await sendsCutOff(record, killedAtMs);
  const { sent, failed } = await load;
  const { lost, doubled } = await settle(stage, crowd);
  if (!isAlone) alive.push(await stage.start());
  const exchanges = crowd.take();
  return {
    texts: sent,
    failed,
    retries: carrier.retries() - retriesBefore,
    orphansS: afterKillS(exchanges, orphans, killedAtMs),
    cutSends: cutSends.size,
    cutSendsS: afterKillS(exchanges, cutSends, killedAtMs),
    upAgainS,
    longestWaitS: (timesMs(exchanges).at(-1) ?? 0) / 1_000,
    lost: lost - lostBefore,
    doubled: doubled - doubledBefore,
  };
}

/**
 * To the processes in turns; a webhook that gets no answer, or another one than 200, is posted again to the next one. A
 * proxy before several processes does that; the carrier by itself posts a few times only (docs/CARRIER.md).
 */
function createCarrier({ post }: Poster, alive: readonly JackProcess[]) {
  let n = 0;
  let retries = 0;
  const tryOnce: Deliver = async (request) => {
    const jack = alive[n++ % alive.length];
    if (!jack) return 0;
    try {
      return await post(jack.url, request);
    } catch {
      // It was killed under the request.
      return 0;
    }
  };
  const deliver: Deliver = async (request) => {
    const untilMs = performance.now() + TRY_FOR_MS;
    let status = await tryOnce(request);
    while (status !== 200 && performance.now() < untilMs) {
      retries += 1;
      await pause(TRY_EVERY_MS);
      status = await tryOnce(request);
    }
    return status;
  };
  return { deliver, retries: () => retries };
}

/** Phones of the conversations whose turn a dead process held: nobody else can have taken their leases yet. */
async function turnsOf(record: pg.Client, pid: number): Promise<Set<string>> {
  const { rows } = await record.query<{ phone: string }>(
    `select l.phone from conversations c join leads l on l.id = c.lead_id
      where c.lease_holder like '%:' || $1::text and c.reply_due_at is not null
        and c.lease_until > clock_timestamp()`,
    [pid],
  );
  return new Set(rows.map(({ phone }) => phone));
}

/** Phones. A send takes milliseconds, and its lease 5 s: what is on its way without a newer lease was cut off. */
async function sendsCutOff(record: pg.Client, killedAtMs: number): Promise<Set<string>> {
  await pause(Math.max(0, killedAtMs + 1_500 - performance.now()));
  const { rows } = await record.query<{ phone: string }>(
    `select to_number as phone from outbox where state in ('sending', 'unknown')
      and lease_until < clock_timestamp() + interval '4 seconds'`,
  );
  return new Set(rows.map(({ phone }) => phone));
}

const afterKillS = (exchanges: readonly Exchange[], phones: ReadonlySet<string>, killedAtMs: number) =>
  exchanges
    .filter(({ phone, repliedAtMs }) => phones.has(phone) && repliedAtMs > killedAtMs)
    .map(({ repliedAtMs }) => (repliedAtMs - killedAtMs) / 1_000);

function rowOf(label: string, kills: readonly Kill[]): (string | number)[] {
  const sum = (pick: (kill: Kill) => number) => kills.reduce((all, kill) => all + pick(kill), 0);
  const orphansS = kills.flatMap((kill) => kill.orphansS);
  const lastS = kills.flatMap((kill) => kill.orphansS.at(-1) ?? []);
  const upAgainS = kills.flatMap((kill) => kill.upAgainS ?? []);
  const waitsS = kills.map(({ longestWaitS }) => longestWaitS);
  const seconds = (values: readonly number[], pick: (values: readonly number[]) => number) =>
    values.length === 0 ? 'none' : figure(pick(values), 2);
  const most = (values: readonly number[]) => Math.max(...values);
  return [
    label,
    figure(sum(({ texts }) => texts)),
    sum(({ failed }) => failed),
    sum(({ retries }) => retries),
    orphansS.length,
    seconds(orphansS, median),
    seconds(lastS, median),
    seconds(lastS, most),
    seconds(upAgainS, median),
    sum(({ cutSends }) => cutSends),
    seconds(
      kills.flatMap(({ cutSendsS }) => cutSendsS),
      most,
    ),
    seconds(waitsS, median),
    seconds(waitsS, most),
    sum(({ lost }) => lost),
    sum(({ doubled }) => doubled),
  ];
}
