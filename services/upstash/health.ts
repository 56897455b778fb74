/** What health says of Upstash, in the shape it has for a socket. */
import type { RedisHealth, ServerHealth } from '../redis/health.js';
import type { UpstashClient } from './client.js';

export interface UpstashHealth extends Omit<RedisHealth, 'topology'> {
  readonly topology: 'upstash';
}

export interface HealthDeps {
  readonly client: UpstashClient;
  readonly isReady: boolean;
  readonly isStopped: boolean;
  lastError(): string | null;
  onError(error: unknown): void;
}

const NO_ANSWER = {
  latencyMs: null,
  version: null,
  role: null,
  uptimeSeconds: null,
  usedMemoryBytes: null,
  info: null,
};

/** Never throws; as long as the deadline of a command at most. */
export async function readHealth(deps: HealthDeps): Promise<UpstashHealth> {
  const server = await ask(deps);
  const { info: _info, slots: _slots, ...known } = server;
  return {
    ...known,
    topology: 'upstash',
    lastError: deps.lastError(),
    // There is no connection to count: an exchange works or it does not.
    connections: {
      command: { ready: server.state === 'ready' ? 1 : 0, total: 1 },
      subscriber: null,
      blockingReaders: 0,
    },
    servers: [server],
  };
}

async function ask({ client, isReady, isStopped, onError }: HealthDeps): Promise<ServerHealth> {
  if (!isReady) return { state: isStopped ? 'away' : 'connecting', slots: null, ...NO_ANSWER };
  try {
    const startedAtMs = performance.now();
    const info = String(await client.exec<Buffer>(['INFO']));
    const latencyMs = performance.now() - startedAtMs;
    return { state: 'ready', slots: null, latencyMs, ...readInfo(info), info };
  } catch (error) {
    onError(error);
    return { state: 'away', slots: null, ...NO_ANSWER };
  }
}

/** Null for what Upstash does not tell. */
function readInfo(info: string) {
  const text = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
  const number = (name: string) => {
    const value = text(name);
    return value === null ? null : Number(value);
  };
  return {
    version: text('redis_version'),
    role: text('role'),
    uptimeSeconds: number('uptime_in_seconds'),
    usedMemoryBytes: number('used_memory'),
  };
}
