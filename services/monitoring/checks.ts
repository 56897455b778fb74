/** The checks of Redis, each from what was measured for it. Messages name no host, tenant, phone or key. */
import type { StateReport } from '../../redis-migration.js';
import type { Tower } from '../tower.js';
import { MEMORY_SHARE, SLOW_MS } from './recommendations.js';
import type { RedisInspection, ServerInfo } from './types.js';

export type CheckStatus = 'pass' | 'warn' | 'fail';

export interface Finding {
  readonly status: CheckStatus;
  readonly message: string;
}

const MB = 1024 * 1024;

const pass = (message: string): Finding => ({ status: 'pass', message });
const warn = (message: string): Finding => ({ status: 'warn', message });
const fail = (message: string): Finding => ({ status: 'fail', message });

const NOT_CONFIGURED = pass('Redis is not configured: state is kept in memory by choice');
const UNKNOWN = warn('Redis does not answer, so this is not known');

export function checkConnection(redis: RedisInspection | null, report: StateReport): Finding {
  if (!redis) return NOT_CONFIGURED;
  const { mode, degradedReason } = report;
  if (mode === 'unavailable')
    return fail(`${degradedReason ?? 'Redis is away'}; the fallback is switched off`);
  if (mode === 'memory') return warn(`${degradedReason ?? 'Redis is away'}; serving from memory`);
  if (redis.state !== 'ready') return warn(`no answer: ${redis.lastError ?? 'none in time'}`);
  const { ready, total } = redis.connections?.command ?? { ready: 0, total: 0 };
  const count = `${ready} of ${total} command connections are ready`;
  if (redis.silentServers > 0) return warn(`${redis.silentServers} servers do not answer; ${count}`);
  return ready < total ? warn(count) : pass(count);
}

/** @param roundTripsMs that were just made. Their median, since one alone may have met a pause of this process. */
export function checkPerformance(
  redis: RedisInspection | null,
  roundTripsMs: readonly number[],
  latency: ReturnType<NonNullable<Tower['redis']>['latency']> | undefined,
): Finding {
  if (!redis) return NOT_CONFIGURED;
  // Over REST no PING is sent, which would be paid for; what was asked was a round trip as well.
  const measured = roundTripsMs.length > 0 ? roundTripsMs : [redis.latencyMs].filter((ms) => ms !== null);
  const medianMs = [...measured].sort((a, b) => a - b)[Math.floor(measured.length / 2)];
  if (medianMs === undefined) return UNKNOWN;
  const ofTraffic =
    latency && latency.count > 0 ? `; 99 of 100 exchanges took up to ${latency.p99Ms.toFixed(2)} ms` : '';
  const message = `a round trip takes ${medianMs.toFixed(2)} ms${ofTraffic}`;
  return medianMs > SLOW_MS ? warn(message) : pass(message);
}

export function checkMemory(redis: RedisInspection | null): Finding {
  if (!redis) return NOT_CONFIGURED;
  if (redis.servers.length === 0) return UNKNOWN;
  const shares = redis.servers.map(memoryShare);
  const used = redis.servers.reduce((total, { memory }) => total + (memory.usedBytes ?? 0), 0);
  const fullest = shares.reduce<number | null>(
    (most, share) => (share === null ? most : Math.max(most ?? 0, share)),
    null,
  );
  const message = `${(used / MB).toFixed(1)} MB used`;
  if (fullest === null) return pass(message);
  const full = `${message}, ${Math.round(fullest * 100)} % of the limit`;
  return fullest >= MEMORY_SHARE ? warn(full) : pass(full);
}

const memoryShare = ({ memory }: ServerInfo): number | null =>
  memory.usedBytes === null || memory.maxBytes === null ? null : memory.usedBytes / memory.maxBytes;

export function checkPersistence(redis: RedisInspection | null): Finding {
  if (!redis) return NOT_CONFIGURED;
  if (redis.servers.length === 0) return UNKNOWN;
  const states = redis.servers.map(({ persistence }) => persistence);
  if (states.some(({ loading }) => loading)) return warn('Redis is loading its data');
  const isOn = states.some(({ isAofOn }) => isAofOn) || redis.hasSnapshots === true;
  if (states.some(({ lastSaveOk }) => lastSaveOk === false)) return warn('the last save to disk failed');
  if (isOn) return pass('written to disk; the last save worked');
  if (redis.hasSnapshots === null)
    return pass('the server does not say whether it writes to disk; Jack does not need it');
  return pass('off, which is right for a cache');
}

export function checkPubSub(
  redis: RedisInspection | null,
  report: ReturnType<Tower['pubsub']['report']>,
): Finding {
  const { state, reason, subscriptions, buffered, dropped } = report;
  if (state === 'broken') return warn(`${reason ?? 'it is not listening'}; ${buffered} messages wait`);
  if (state === 'local') {
    return redis
      ? warn(`within this process only: ${reason ?? 'Redis cannot be listened to'}`)
      : pass('within this process: there is no Redis');
  }
  const lost = dropped > 0 ? `; ${dropped} old messages were given up while Redis was away` : '';
  return pass(`listening, ${subscriptions} subscriptions${lost}`);
}

export function checkFallback(report: StateReport, isEnabled: boolean): Finding {
  const { mode, memory, handBack, isForced, degradedReason } = report;
  const held = `${memory.entries} values, ${(memory.bytes / MB).toFixed(1)} of ${Math.round(memory.maxBytes / MB)} MB`;
  if (mode === 'unavailable') return fail('switched off, and Redis is away');
  if (degradedReason !== null) {
    const why = isForced ? 'in force by an administrator' : 'in use';
    return warn(`${why}: ${held}; ${handBack.pending} changes wait for Redis`);
  }
  if (mode === 'memory') return pass(`the chosen store: ${held}`);
  if (!isEnabled) return warn('switched off: calls fail while Redis is away');
  const owed = handBack.pending > 0 ? `; ${handBack.pending} changes are being handed back` : '';
  return pass(`ready: ${held}${owed}`);
}
