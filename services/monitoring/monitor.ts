/** Looks at the tower every quarter of a minute, remembers an hour, and raises and clears alerts. */
import type { StateDoor } from '../../redis-migration.js';
import type { Clock } from '../clock.js';
import { asError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { Tower } from '../tower.js';
import { type Alert, Alerts } from './alerts.js';
import { History } from './history.js';
import { MODE_CODES, modeFinding } from './modeFinding.js';
import { ALERTING_CODES, recommend } from './recommendations.js';
import type { Observed, RedisInspection, Sample } from './types.js';

export interface MonitorDeps {
  readonly isProduction: boolean;
  readonly state: Pick<StateDoor, 'report'>;
  /** Undefined when no Redis is configured. */
  readonly inspector: Tower['inspector'];
  readonly onModeChange: Tower['onModeChange'];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly everyMs?: number | undefined;
  /** Round trips to measure at each look. */
  readonly pings?: number | undefined;
}

const EVERY_MS = 15_000;
const REMEMBERED_MS = 60 * 60_000;
/** Four hundred in the ten minutes that count, so that a percentile of 99 is that of four values and not of one stall. */
const PINGS = 10;
const PINGING_MS = 500;

/** What can be said only of a server that answers. */
const isOfServer = (code: string): boolean => code.startsWith('redis_');

export class Monitor {
  readonly #deps: MonitorDeps;
  readonly #everyMs: number;
  readonly #history: History;
  readonly #alerts: Alerts;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isStopped = false;

  private constructor(deps: MonitorDeps) {
    this.#deps = deps;
    this.#everyMs = deps.everyMs ?? EVERY_MS;
    this.#history = new History(Math.max(2, Math.ceil(REMEMBERED_MS / this.#everyMs)));
    this.#alerts = new Alerts(deps);
    deps.onModeChange((mode, reason) => {
      const finding = this.#isStopped ? undefined : modeFinding(mode, reason, deps.inspector !== undefined);
      if (finding) this.#alerts.raise(finding);
    });
  }

  static create(deps: MonitorDeps): Monitor {
    return new Monitor(deps);
  }

  /** The first look is what later ones are compared with. */
  start(): void {
    if (this.#timer || this.#isStopped) return;
    this.#timer = setInterval(() => void this.look(), this.#everyMs);
    // The server holds the process.
    this.#timer.unref();
    void this.look();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** One look, as the timer makes them. Never rejects. */
  async look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch((error: unknown) => {
        this.#deps.logger.error('monitoring could not look at the tower', { error: asError(error) });
      })
      .finally(() => {
        this.#looking = undefined;
      });
    await this.#looking;
  }

  /** What there is to recommend now. @param inspection one that was just made; else Redis is asked. */
  async observe(inspection?: RedisInspection | null): Promise<Observed> {
    return (await this.#observed(inspection)).observed;
  }

  alerts(): readonly Alert[] {
    return this.#alerts.raised();
  }

  /** Every alert that there may be here, with whether it is raised. */
  states(): Record<string, boolean> {
    const raised = this.#alerts.codes();
    const hasRedis = this.#deps.inspector !== undefined;
    const codes = [...(hasRedis ? MODE_CODES : []), ...ALERTING_CODES].filter(
      (code) => hasRedis || !isOfServer(code),
    );
    return Object.fromEntries(codes.map((code) => [code, raised.has(code)]));
  }

  /** How many looks are remembered. */
  get remembered(): number {
    return this.#history.length;
  }

  async #look(): Promise<void> {
    const { observed, sample } = await this.#observed();
    this.#history.add(sample);
    const { mode, degradedReason } = this.#deps.state.report();
    const ofMode = modeFinding(mode, degradedReason, this.#deps.inspector !== undefined);
    // Stopping closes the connections, which is nobody's news.
    if (this.#isStopped) return;
    const hasAnswered = observed.redis !== null && observed.redis.servers.length > 0;
    this.#alerts.look(
      [...(ofMode ? [ofMode] : []), ...recommend(observed)],
      (code) => hasAnswered || !isOfServer(code),
    );
  }

  async #observed(
    known?: RedisInspection | null,
  ): Promise<{ readonly observed: Observed; readonly sample: Sample }> {
    const { isProduction, state, inspector } = this.#deps;
    const redis = known === undefined ? ((await inspector?.inspect()) ?? null) : known;
    const roundTripsMs = redis?.state === 'ready' ? await this.#ping() : [];
    const report = state.report();
    const sample = this.#sample(redis, report, roundTripsMs);
    return {
      sample,
      observed: {
        isProduction,
        redis,
        fallbackMaxBytes: report.memory.maxBytes,
        roundTripsMs,
        recent: this.#history.recent(sample),
        raised: this.#alerts.codes(),
      },
    };
  }

  async #ping(): Promise<readonly number[]> {
    const roundTripsMs: number[] = [];
    const untilMs = performance.now() + PINGING_MS;
    for (let n = this.#deps.pings ?? PINGS; n > 0 && performance.now() < untilMs; n -= 1) {
      const ms = await this.#deps.inspector?.ping();
      if (ms === null || ms === undefined) break;
      roundTripsMs.push(ms);
    }
    return roundTripsMs;
  }

  #sample(
    redis: RedisInspection | null,
    { mode, kinds, memory }: ReturnType<StateDoor['report']>,
    roundTripsMs: readonly number[],
  ): Sample {
    const evicted = redis?.servers.flatMap(({ stats }) => stats.evictedKeys ?? []) ?? [];
    return {
      atMs: this.#deps.clock.monotonicMs(),
      mode,
      kinds: Object.fromEntries(
        Object.entries(kinds).map(([kind, { hits, misses }]) => [kind, { hits, misses }]),
      ),
      fallbackEvictions: memory.evictions,
      redisEvictions: evicted.length === 0 ? null : evicted.reduce((total, n) => total + n, 0),
      roundTripsMs,
    };
  }
}
