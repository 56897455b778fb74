/** The health of Redis on request: measured when asked, at most once in 1.5 s whoever asks, never throwing. */
import type { StateDoor, StateReport } from '../../redis-migration.js';
import type { Clock } from '../clock.js';
import type { Tower } from '../tower.js';
import {
  type CheckStatus,
  checkConnection,
  checkFallback,
  checkMemory,
  checkPerformance,
  checkPersistence,
  checkPubSub,
  type Finding,
} from './checks.js';
import { allReads, hitRateOf } from './hitRate.js';
import type { Monitor } from './monitor.js';
import { recommend } from './recommendations.js';
import type { Recommendation, RedisInspection } from './types.js';

export interface RedisHealthDeps {
  readonly state: Pick<StateDoor, 'report'>;
  readonly redis: Tower['redis'];
  readonly inspector: Tower['inspector'];
  readonly pubsub: Pick<Tower['pubsub'], 'report'>;
  readonly monitor: Pick<Monitor, 'observe'>;
  readonly onModeChange: Tower['onModeChange'];
  readonly isFallbackEnabled: boolean;
  readonly clock: Clock;
}

export const CHECK_NAMES = [
  'connection',
  'performance',
  'memory',
  'persistence',
  'pubsub',
  'fallback',
] as const;
export type CheckName = (typeof CHECK_NAMES)[number];

export interface Check extends Finding {
  /** Milliseconds that it took to find out. */
  readonly duration: number;
}

export interface RedisHealthReport {
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  /** ISO 8601, of the measurement. */
  readonly timestamp: string;
  readonly checks: Readonly<Record<CheckName, Check>>;
  readonly summary: RedisSummary;
  readonly recommendations: readonly Recommendation[];
}

export interface RedisSummary {
  /** Of the server, seconds. */
  readonly uptime: number | null;
  readonly version: string | null;
  /** Bytes; resident over used. */
  readonly memory: {
    readonly used: number | null;
    readonly peak: number | null;
    readonly fragmentation: number | null;
  };
  readonly stats: {
    /** Of Jack's reads since the process started, 0 to 1. */
    readonly hitRate: number | null;
    /** That the server took since it started. */
    readonly totalConnections: number | null;
  };
}

interface Measured {
  readonly report: RedisHealthReport;
  readonly inspection: RedisInspection | null;
}

const KEPT_MS = 1_500;
const DEADLINE_MS = 1_000;

export class RedisHealthReader {
  readonly #deps: RedisHealthDeps;
  #last: { readonly measured: Promise<Measured>; readonly atMs: number } | undefined;

  private constructor(deps: RedisHealthDeps) {
    this.#deps = deps;
    // What was measured before says nothing of now.
    deps.onModeChange(() => {
      this.#last = undefined;
    });
  }

  static create(deps: RedisHealthDeps): RedisHealthReader {
    return new RedisHealthReader(deps);
  }

  async read(): Promise<RedisHealthReport> {
    return (await this.#measured()).report;
  }

  /** As recent as the report; null when no Redis is configured. */
  async inspect(): Promise<RedisInspection | null> {
    return (await this.#measured()).inspection;
  }

  async #measured(): Promise<Measured> {
    const nowMs = this.#deps.clock.monotonicMs();
    if (!this.#last || nowMs - this.#last.atMs >= KEPT_MS) {
      this.#last = { measured: this.#measure(), atMs: nowMs };
    }
    return await this.#last.measured;
  }

  async #measure(): Promise<Measured> {
    const { clock, state, redis, inspector, pubsub, isFallbackEnabled, monitor } = this.#deps;
    const timestamp = new Date(clock.now()).toISOString();
    const inspected = await timed(async () =>
      inspector ? ((await withinDeadline(inspector.inspect())) ?? SILENT) : null,
    );
    const inspection = inspected.value;
    const { value: observed, ms: observedMs } = await timed(() => monitor.observe(inspection));
    const report = state.report();
    const at = (duration: number, finding: Finding): Check => ({ ...finding, duration: rounded(duration) });
    const now = (check: () => Finding): Check => {
      const startedAtMs = performance.now();
      const finding = check();
      return at(performance.now() - startedAtMs, finding);
    };
    const checks = {
      connection: at(inspected.ms, checkConnection(inspection, report)),
      performance: at(observedMs, checkPerformance(inspection, observed.roundTripsMs, redis?.latency())),
      memory: at(inspected.ms, checkMemory(inspection)),
      persistence: at(inspected.ms, checkPersistence(inspection)),
      pubsub: now(() => checkPubSub(inspection, pubsub.report())),
      fallback: now(() => checkFallback(report, isFallbackEnabled)),
    };
    const health: RedisHealthReport = {
      status: overall(Object.values(checks).map(({ status }) => status)),
      timestamp,
      checks,
      summary: summaryOf(inspection, report),
      recommendations: recommend(observed),
    };
    return { report: health, inspection };
  }
}

/** What is known of a Redis that said nothing within the deadline. */
const SILENT: RedisInspection = {
  state: 'away',
  topology: null,
  lastError: 'TIMEOUT',
  connections: null,
  latencyMs: null,
  servers: [],
  silentServers: 0,
  needsPassword: null,
  hasSnapshots: null,
};

function overall(statuses: readonly CheckStatus[]): RedisHealthReport['status'] {
  if (statuses.includes('fail')) return 'unhealthy';
  return statuses.includes('warn') ? 'degraded' : 'healthy';
}

function summaryOf(redis: RedisInspection | null, { kinds }: StateReport): RedisSummary {
  const servers = redis?.servers ?? [];
  const sum = (values: readonly (number | null)[]) => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
  };
  const highest = (values: readonly (number | null)[]) => {
    const known = values.filter((value) => value !== null);
    return known.length === 0 ? null : Math.max(...known);
  };
  const uptimes = servers.flatMap(({ uptimeSeconds }) => uptimeSeconds ?? []);
  return {
    uptime: uptimes.length === 0 ? null : Math.min(...uptimes),
    version: servers[0]?.version ?? null,
    memory: {
      used: sum(servers.map(({ memory }) => memory.usedBytes)),
      peak: sum(servers.map(({ memory }) => memory.peakBytes)),
      fragmentation: highest(servers.map(({ memory }) => memory.fragmentationRatio)),
    },
    stats: {
      hitRate: hitRateOf(allReads(kinds)),
      totalConnections: sum(servers.map(({ stats }) => stats.totalConnections)),
    },
  };
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
  const startedAtMs = performance.now();
  const value = await work();
  return { value, ms: performance.now() - startedAtMs };
}

const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000;

/** @returns undefined when the work failed or took too long; either is all that a check has to know. */
async function withinDeadline<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, DEADLINE_MS, undefined);
  });
  try {
    return await Promise.race([work.catch(() => undefined), deadline]);
  } finally {
    clearTimeout(timer);
  }
}
