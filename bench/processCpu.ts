/**
 * CPU time of processes while something is measured, with that of their children: a server's sessions, a compiler's
 * helper. When everything shares a few cores, the times say little without it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { median } from './statistics.js';
import { type Cell, figure } from './table.js';

/** What /proc counts in: USER_HZ is 100 on every Linux that Node runs on (proc(5), times(2)). */
const TICK_MS = 10;

/** By what they do. Several processes of one kind are told apart. */
export interface WatchedProcesses {
  readonly jacks: readonly number[];
  readonly postgres: number | undefined;
  readonly redis: number | undefined;
}

export interface CpuSample {
  /** Texts that came meanwhile. */
  readonly texts: number;
  /** User and system, in milliseconds. */
  readonly jacksMs: readonly number[];
  readonly postgresMs: number;
  readonly redisMs: number;
  /** Of this process: the load, and the carrier. */
  readonly loadMs: number;
  /** Cores that were busy on average, whoever kept them so. */
  readonly busyCores: number;
}

/**
 * From now on until the function is called.
 * @returns undefined where there is no /proc. @throws Error when one of them ended meanwhile.
 */
export function watchCpu(watched: WatchedProcesses): (texts: number) => CpuSample | undefined {
  if (process.platform !== 'linux') return () => undefined;
  const before = look(watched);
  return (texts) => {
    const after = look(watched);
    return {
      texts,
      jacksMs: after.jacksMs.map((ms, at) => ms - (before.jacksMs[at] ?? 0)),
      postgresMs: after.postgresMs - before.postgresMs,
      redisMs: after.redisMs - before.redisMs,
      loadMs: after.loadMs - before.loadMs,
      busyCores: (after.busyMs - before.busyMs) / (after.atMs - before.atMs),
    };
  };
}

export const CPU_COLUMNS: readonly string[] = [
  'CPU ms a text: Jack',
  'PostgreSQL',
  'Redis',
  'load and carrier',
  `busy cores of ${cpus().length}`,
];

/** For CPU_COLUMNS: the medians of some runs. Processes of Jack are added up with a sign between them. */
export function cpuCells(runs: readonly (CpuSample | undefined)[]): Cell[] {
  const samples = runs.filter((run) => run !== undefined);
  if (samples.length === 0) return CPU_COLUMNS.map(() => 'unknown');
  const perText = (pick: (sample: CpuSample) => number) =>
    figure(median(samples.map((sample) => pick(sample) / sample.texts)), 2);
  const jacks = samples[0]?.jacksMs.map((_, at) => perText(({ jacksMs }) => jacksMs[at] ?? 0)) ?? [];
  return [
    jacks.join(' + '),
    perText(({ postgresMs }) => postgresMs),
    perText(({ redisMs }) => redisMs),
    perText(({ loadMs }) => loadMs),
    figure(median(samples.map(({ busyCores }) => busyCores)), 2),
  ];
}

function look({ jacks, postgres, redis }: WatchedProcesses) {
  const processes = readProcesses();
  const treeMs = (pid: number | undefined): number => (pid === undefined ? 0 : msOfTree(processes, pid));
  const { user, system } = process.cpuUsage();
  return {
    atMs: performance.now(),
    jacksMs: jacks.map(treeMs),
    postgresMs: treeMs(postgres),
    redisMs: treeMs(redis),
    loadMs: (user + system) / 1_000,
    busyMs: cpus().reduce((all, { times }) => all + times.user + times.nice + times.sys + times.irq, 0),
  };
}

interface ProcessTimes {
  readonly parent: number;
  /** Of itself, and of children that have ended. */
  readonly ms: number;
}

function readProcesses(): Map<number, ProcessTimes> {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(pids.flatMap((pid) => readTimes(Number(pid))));
}

function readTimes(pid: number): [number, ProcessTimes][] {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    // It ended after the folder was read.
    return [];
  }
  // The name, in parentheses, may hold anything; what follows begins with the third field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((all, field) => all + Number(field), 0);
  return [[pid, { parent: Number(fields[1]), ms: ticks * TICK_MS }]];
}

function msOfTree(processes: ReadonlyMap<number, ProcessTimes>, pid: number): number {
  const own = processes.get(pid);
  if (!own) throw new Error(`process ${pid} ended while its CPU time was measured`);
  const children = [...processes].filter(([, { parent }]) => parent === pid);
  return children.reduce((all, [child]) => all + msOfTree(processes, child), own.ms);
}
