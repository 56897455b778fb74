/** One row of the fault table: traffic through the tower, a fault, its end, and what the callers noticed of it. */
import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from '@jest/globals';
import type { Cache, CacheMode } from '../../../services/cache.js';
import type { TowerOnServer } from '../../support/towerOnServer.js';
import { until } from '../../support/until.js';
import { type Callers, startCallers } from './callers.js';
import { type Keeps, type Marks, setMarks } from './marks.js';

export interface Fault {
  /** What the table calls it. */
  readonly row: string;
  /** Whether the Map takes over; else Redis stays in use. */
  readonly isMapExpected: boolean;
  readonly keeps: Keeps;
  /** How long it lasts at least, after the Map has taken over. */
  readonly lastsMs?: number;
  /** When the values of before the fault have been written, and the fault has not begun. */
  prepare?(): Promise<unknown>;
  inject(): Promise<unknown>;
  /** Returns when the server is well again. Absent: the fault ends by itself, and recovery counts from its beginning. */
  heal?(): Promise<unknown>;
  /** Recovery as this row means it, where the mode does not tell. */
  isRecovered?(): Promise<boolean> | boolean;
}

export interface FaultReport {
  readonly row: string;
  readonly calls: number;
  readonly errors: number;
  readonly longestStallMs: number;
  readonly stallsOver150: number;
  /** From the fault until the Map served; null: it never did. */
  readonly switchedAfterMs: number | null;
  /** From the end of the fault until Redis served again; null: it never ceased to. */
  readonly recoveredAfterMs: number | null;
  readonly lost: number;
  readonly stale: number;
}

/** Generous on a busy machine; what is wanted is 150 ms, and what is measured is in the table. */
export const LONGEST_STALL_MS = 1_500;
const LONGEST_SWITCH_MS = 1_000;
const RECOVERY_MS = 10_000;
const OUTPUT = path.join(import.meta.dirname, '../../output/fault-table.jsonl');

export async function runFault(tower: TowerOnServer, fault: Fault): Promise<FaultReport> {
  const callers = startCallers(tower);
  await callers.more(200);
  const marks = await setMarks(tower, fault.keeps);
  try {
    return await run(tower, fault, callers, marks);
  } finally {
    await callers.stop();
    await marks.end();
  }
}

async function run(tower: TowerOnServer, fault: Fault, callers: Callers, marks: Marks): Promise<FaultReport> {
  const { cache } = tower;
  const modes = modesOf(tower);
  await fault.prepare?.();
  // A machine that stood still for a moment looks like a fault too; this one is to begin with Redis in use.
  await untilSettled(cache);
  const injectedAtMs = performance.now();
  await fault.inject();
  if (fault.isMapExpected) {
    const seen = () => `the Map (${cache.mode} now, changes: ${modes.sinceMs(injectedAtMs)})`;
    await until(() => modes.firstAfter('memory', injectedAtMs), { what: seen, everyMs: 2 });
    expect(performance.now() - injectedAtMs).toBeLessThanOrEqual(LONGEST_SWITCH_MS);
  }
  await marks.change();
  await pause(fault.lastsMs ?? 300);
  await fault.heal?.();
  const healedAtMs = fault.heal ? performance.now() : injectedAtMs;
  const isRecovered = fault.isRecovered ?? (() => cache.mode === 'redis');
  await until(isRecovered, { what: 'the recovery', everyMs: 2, timeoutMs: RECOVERY_MS });
  const recoveredAtMs = fault.isRecovered ? performance.now() : (modes.last('redis') ?? injectedAtMs);
  await callers.more(200);
  await untilSettled(cache);
  await callers.more(200);
  const seen = await callers.stop();
  const looked = await marks.look();
  const stale = [...seen.stale, ...looked.stale];
  const switchedAtMs = modes.firstAfter('memory', injectedAtMs);
  const wasAway = switchedAtMs !== undefined || fault.isRecovered !== undefined;
  const report: FaultReport = {
    row: fault.row,
    calls: seen.calls,
    errors: seen.errors.length,
    longestStallMs: round(seen.longestStallMs),
    stallsOver150: seen.stalls,
    switchedAfterMs: switchedAtMs === undefined ? null : round(switchedAtMs - injectedAtMs),
    recoveredAfterMs: wasAway ? Math.max(0, round(recoveredAtMs - healedAtMs)) : null,
    lost: looked.lost.before + looked.lost.during,
    stale: stale.length,
  };
  keepRow(report);
  // The words and not the numbers, so that a failure says what it was.
  const none = { before: 0, during: 0 };
  expect({ errors: seen.errors, stale, lost: looked.lost }).toEqual({ errors: [], stale: [], lost: none });
  return report;
}

/** @param recoveredWithinMs of the end of the fault. */
export function expectHarmless(report: FaultReport, recoveredWithinMs = 3_000): void {
  expect(report).toMatchObject({ errors: 0, lost: 0, stale: 0 });
  expect(report.longestStallMs).toBeLessThanOrEqual(LONGEST_STALL_MS);
  expect(report.recoveredAfterMs ?? 0).toBeLessThanOrEqual(recoveredWithinMs);
}

async function untilSettled(cache: Cache): Promise<void> {
  await until(() => cache.mode === 'redis' && cache.report().handBack.pending === 0, {
    what: 'Redis in use and the hand-back at its end',
  });
}

function modesOf({ cache }: TowerOnServer) {
  const changes: { readonly mode: CacheMode; readonly atMs: number }[] = [];
  cache.onModeChange((mode) => changes.push({ mode, atMs: performance.now() }));
  return {
    firstAfter: (mode: CacheMode, atMs: number) =>
      changes.find((change) => change.mode === mode && change.atMs >= atMs)?.atMs,
    /** For an error: what changed when, ms after that moment. */
    sinceMs: (atMs: number) =>
      changes.map((change) => `${change.mode} at ${round(change.atMs - atMs)}`).join(', ') || 'none',
    last: (mode: CacheMode) => changes.findLast((change) => change.mode === mode)?.atMs,
  };
}

const round = (ms: number): number => Math.round(ms * 10) / 10;

/** One line for scripts/fault-table.ts, when it asked for it. */
export function keepRow(report: Pick<FaultReport, 'row'> & Partial<FaultReport>): void {
  if (process.env.FAULT_TABLE !== '1') return;
  mkdirSync(path.dirname(OUTPUT), { recursive: true });
  appendFileSync(OUTPUT, `${JSON.stringify(report)}\n`);
}
