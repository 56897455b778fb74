/** The state work of one text on Jack's tower beside what others would use, and beside the limit. */
import { type RedisServer, startRedis } from '../../scripts/lib/redisServer.js';
import { median, shuffled } from '../statistics.js';
import { figure, printTable, say } from '../table.js';
import { countAppendedThroughJack } from './appends.js';
import type { RunResult } from './child.js';
import { type SubjectProcess, startSubject } from './children.js';
import { areInstalled, versionOf } from './libraries.js';
import { LIBRARIES, OWN, POOLS, SUBJECTS, type SubjectName } from './subjects.js';

const IN_FLIGHT = 32;
const APPENDS = 50;

interface Measured extends RunResult {
  /** Of the server, for one turn. */
  readonly serverUs: number;
}

export interface SideBySideOptions {
  readonly runs: number;
  readonly runMs: number;
}

export async function sideBySide(options: SideBySideOptions): Promise<void> {
  await withSubjects([...OWN, ...installed()], async (server, subjects) => {
    print(await measure(server, subjects, options), options);
    await printAppends(subjects);
  });
}

/** Whether more connections than one ever help. */
export async function pools(options: SideBySideOptions): Promise<void> {
  await withSubjects(POOLS, async (server, subjects) => {
    const results = await measure(server, subjects, options);
    printTable(
      `Connections of the pool, the same work; medians of ${options.runs} runs`,
      ['', 'turns/s', 'p50 ms', 'p99 ms', 'CPU µs'],
      [...results].map(([name, { turnsPerS, p50Ms, p99Ms, cpuUs }]) => [
        SUBJECTS[name].title,
        figure(turnsPerS),
        figure(p50Ms, 1),
        figure(p99Ms, 1),
        figure(cpuUs, 1),
      ]),
    );
  });
}

async function withSubjects(
  names: readonly SubjectName[],
  work: (server: RedisServer, subjects: readonly SubjectProcess[]) => Promise<void>,
): Promise<void> {
  const server = await startRedis();
  const subjects: SubjectProcess[] = [];
  try {
    for (const name of names) subjects.push(await startSubject(name, server.url));
    await work(server, subjects);
  } finally {
    for (const each of subjects) await each.stop();
    await server.stop();
  }
}

function installed(): readonly SubjectName[] {
  if (areInstalled()) return LIBRARIES;
  say('the libraries are not installed (npm run bench:libraries): measured without them');
  return [];
}

async function measure(
  server: RedisServer,
  processes: readonly SubjectProcess[],
  { runs, runMs }: SideBySideOptions,
): Promise<Map<SubjectName, Measured>> {
  const all = new Map<SubjectName, Measured[]>(processes.map(({ name }) => [name, []]));
  for (let run = 0; run <= runs; run += 1) {
    for (const subject of shuffled(processes)) {
      say(`side by side, ${run === 0 ? 'warm-up' : `run ${run} of ${runs}`}: ${subject.name}`);
      const before = await serverCpuUs(server);
      const result = await subject.run(runMs, IN_FLIGHT);
      const turns = result.turnsPerS * (runMs / 1_000);
      const serverUs = ((await serverCpuUs(server)) - before) / turns;
      if (run > 0) all.get(subject.name)?.push({ ...result, serverUs });
    }
  }
  return new Map([...all].map(([name, list]) => [name, medians(list)]));
}

function medians(list: readonly Measured[]): Measured {
  const of = (pick: (result: Measured) => number) => median(list.map(pick));
  return {
    turnsPerS: of((result) => result.turnsPerS),
    p50Ms: of((result) => result.p50Ms),
    p99Ms: of((result) => result.p99Ms),
    cpuUs: of((result) => result.cpuUs),
    serverUs: of((result) => result.serverUs),
  };
}

function print(results: ReadonlyMap<SubjectName, Measured>, { runs, runMs }: SideBySideOptions): void {
  const limitA = results.get('bareReading')?.turnsPerS ?? Number.NaN;
  const limitB = results.get('bareWarm')?.turnsPerS ?? Number.NaN;
  const ofLibraries = LIBRARIES.flatMap((name) => results.get(name)?.turnsPerS ?? []);
  const best = ofLibraries.length > 0 ? Math.max(...ofLibraries) : undefined;
  printTable(
    `State work of one text, ${IN_FLIGHT} in flight, a process for each; medians of ${runs} runs of ${runMs / 1_000} s`,
    [
      '',
      'turns/s',
      'of limit A',
      'of limit B',
      'of the best library',
      'p50 ms',
      'p99 ms',
      'CPU µs',
      'Redis CPU µs',
    ],
    [...results].map(([name, { turnsPerS, p50Ms, p99Ms, cpuUs, serverUs }]) => [
      SUBJECTS[name].title,
      figure(turnsPerS),
      figure(turnsPerS / limitA, 2),
      figure(turnsPerS / limitB, 2),
      best === undefined ? '–' : figure(turnsPerS / best, 1),
      figure(p50Ms, 1),
      figure(p99Ms, 1),
      figure(cpuUs, 1),
      figure(serverUs, 1),
    ]),
  );
  if (best !== undefined) console.log(`\n${versions()}`);
}

const versions = (): string =>
  ['cache-manager', '@keyv/redis', 'bentocache', 'ioredis']
    .map((name) => `${name} ${versionOf(name)}`)
    .join(', ')
    .concat(' (for bentocache; Jack and the bare rows use its own)');

async function printAppends(processes: readonly SubjectProcess[]): Promise<void> {
  say(`${APPENDS} texts of one conversation at the same time`);
  const rows: [string, number][] = [['Jack', await countAppendedThroughJack(APPENDS)]];
  for (const subject of processes) {
    const kept = await subject.append(APPENDS);
    if (kept !== null) rows.push([SUBJECTS[subject.name].title, kept]);
  }
  printTable(`${APPENDS} messages added to one history at the same time`, ['', 'kept'], rows);
}

/** User and system, since the server began. */
async function serverCpuUs(server: RedisServer): Promise<number> {
  const text = await server.command('INFO', 'cpu');
  const of = (field: string) => Number(new RegExp(`^${field}:([0-9.]+)`, 'm').exec(text)?.[1]) * 1_000_000;
  return of('used_cpu_user') + of('used_cpu_sys');
}
