/** Runs the checks. Each has a second; callers that come together share one run. */
import type { z } from 'zod';
import type { AppContext } from '../services/context.js';
import type { healthReportSchema } from './schemas.js';

export type HealthReport = z.output<typeof healthReportSchema>;
type Check = HealthReport['checks'][string][number];

export type HealthContext = Pick<
  AppContext,
  'config' | 'clock' | 'database' | 'state' | 'redis' | 'simulator' | 'assistant' | 'version'
>;

const CHECK_DEADLINE_MS = 1_000;

export function createHealthReport(
  ctx: HealthContext,
  webhooks: { readonly rejected: number },
): () => Promise<HealthReport> {
  const startedAtMs = ctx.clock.monotonicMs();
  let running: Promise<HealthReport> | undefined;
  const run = async (): Promise<HealthReport> => {
    const [record, redis] = await Promise.all([checkRecord(ctx), checkRedis(ctx)]);
    const rejected = { observedValue: webhooks.rejected, observedUnit: 'since start' };
    return {
      status: worst([record, redis]),
      version: ctx.version,
      uptimeSeconds: Math.floor((ctx.clock.monotonicMs() - startedAtMs) / 1_000),
      mode: modeOf(ctx),
      checks: {
        'record:responseTime': [record],
        'redis:responseTime': [redis],
        'webhooks:rejected': [{ ...stamp(ctx, 'component', 'pass'), ...rejected }],
      },
    };
  };
  return async () => {
    running ??= run().finally(() => {
      running = undefined;
    });
    return await running;
  };
}

const modeOf = ({ state, database, simulator, assistant }: HealthContext): HealthReport['mode'] => ({
  cache: state.mode(),
  record: database.kind,
  sms: simulator ? 'simulated' : 'twilio',
  assistant: assistant.name,
});

function worst(checks: readonly Check[]): HealthReport['status'] {
  if (checks.some(({ status }) => status === 'fail')) return 'unhealthy';
  return checks.some(({ status }) => status === 'warn') ? 'degraded' : 'healthy';
}

const stamp = ({ clock }: HealthContext, componentType: string, status: Check['status']) => ({
  componentType,
  status,
  time: new Date(clock.now()).toISOString(),
});

async function checkRecord(ctx: HealthContext): Promise<Check> {
  const ms = await withinDeadline(ctx.database.ping());
  if (ms === undefined)
    return { ...stamp(ctx, 'datastore', 'fail'), output: 'the record does not answer: webhooks get 503' };
  return { ...stamp(ctx, 'datastore', 'pass'), ...measured(ms) };
}

async function checkRedis(ctx: HealthContext): Promise<Check> {
  if (!ctx.redis) {
    return { ...stamp(ctx, 'datastore', 'pass'), output: 'not configured: state is kept in memory' };
  }
  const health = await withinDeadline(ctx.redis.health());
  const { mode, degradedReason, since } = ctx.state.report();
  if (mode === 'unavailable') {
    return {
      ...stamp(ctx, 'datastore', 'fail'),
      output: `${degradedReason}; the fallback is switched off`,
      since,
    };
  }
  if (mode === 'memory') {
    return { ...stamp(ctx, 'datastore', 'warn'), output: `${degradedReason}; serving from memory`, since };
  }
  if (health?.state !== 'ready') {
    return {
      ...stamp(ctx, 'datastore', 'warn'),
      output: `no answer: ${health?.lastError ?? 'none in time'}`,
    };
  }
  return { ...stamp(ctx, 'datastore', 'pass'), ...measured(health.latencyMs ?? 0) };
}

const measured = (ms: number) => ({ observedValue: Math.round(ms * 100) / 100, observedUnit: 'ms' });

/** @returns undefined when the work failed or took too long; either is all that a check has to know. */
async function withinDeadline<T>(work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, CHECK_DEADLINE_MS, undefined);
  });
  try {
    return await Promise.race([work.catch(() => undefined), deadline]);
  } finally {
    clearTimeout(timer);
  }
}
