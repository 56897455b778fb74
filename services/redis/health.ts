/** What health says of the connections and the servers behind them, as data: names and kinds, never an address. */
import type { Redis } from 'ioredis';
import type { CommandSide, ServerState } from './commandSide.js';
import { withDeadline } from './guard.js';
import { readServerInfo } from './info.js';
import type { Topology } from './options.js';

export interface RedisHealth {
  readonly state: 'ready' | 'connecting' | 'away';
  readonly topology: Topology;
  /** Name and kind only, never an address or an argument. */
  readonly lastError: string | null;
  /** By role. `total` of a cluster is 0 until its shards are known. */
  readonly connections: {
    readonly command: { readonly ready: number; readonly total: number };
    /** Null when nobody listens. */
    readonly subscriber: 'ready' | 'connecting' | null;
    readonly blockingReaders: number;
  };
  /** How long the slowest server took to answer. */
  readonly latencyMs: number | null;
  readonly version: string | null;
  readonly role: string | null;
  /** Of a cluster, that of the server started last. */
  readonly uptimeSeconds: number | null;
  /** Of a cluster, that of all shards together. */
  readonly usedMemoryBytes: number | null;
  readonly servers: readonly ServerHealth[];
}

export interface ServerHealth extends ServerState {
  readonly latencyMs: number | null;
  readonly version: string | null;
  readonly role: string | null;
  readonly uptimeSeconds: number | null;
  readonly usedMemoryBytes: number | null;
  /** The server's own words (`INFO`): memory, persistence and more with `readServerInfo`; null when it did not answer. */
  readonly info: string | null;
}

const DEADLINE_MS = 500;
const NO_ANSWER = {
  latencyMs: null,
  version: null,
  role: null,
  uptimeSeconds: null,
  usedMemoryBytes: null,
  info: null,
};

export interface HealthDeps {
  readonly side: CommandSide;
  readonly isStopped: boolean;
  lastError(): string | null;
  onError(error: unknown): void;
  subscriber(): 'ready' | 'connecting' | null;
  blockingReaders(): number;
}

export async function readHealth(deps: HealthDeps): Promise<RedisHealth> {
  const { side } = deps;
  const servers = await Promise.all(side.servers().map((server) => askServer(server, deps.onError)));
  const answered = servers.filter(({ info }) => info !== null);
  const isReady = side.isReady() && answered.length > 0;
  return {
    state: isReady ? 'ready' : side.isReady() || deps.isStopped ? 'away' : 'connecting',
    topology: side.topology,
    lastError: deps.lastError(),
    connections: {
      command: side.connections(),
      subscriber: deps.subscriber(),
      blockingReaders: deps.blockingReaders(),
    },
    latencyMs: most(answered.map(({ latencyMs }) => latencyMs)),
    version: answered[0]?.version ?? null,
    role: answered[0]?.role ?? null,
    uptimeSeconds: least(answered.map(({ uptimeSeconds }) => uptimeSeconds)),
    usedMemoryBytes:
      answered.length === 0 ? null : sum(answered.map((server) => server.usedMemoryBytes ?? 0)),
    servers,
  };
}

async function askServer(
  { client, state }: { readonly client: Redis | undefined; readonly state: ServerState },
  onError: (error: unknown) => void,
): Promise<ServerHealth> {
  if (client?.status !== 'ready') return { ...state, ...NO_ANSWER };
  try {
    const startedAtMs = performance.now();
    const info = await withDeadline(client.info(), DEADLINE_MS);
    return { ...state, latencyMs: performance.now() - startedAtMs, ...basics(info), info };
  } catch (error) {
    onError(error);
    return { ...state, state: 'away', ...NO_ANSWER };
  }
}

function basics(info: string) {
  const { version, role, uptimeSeconds, memory } = readServerInfo(info);
  return { version, role, uptimeSeconds, usedMemoryBytes: memory.usedBytes };
}

const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
const most = (values: readonly (number | null)[]) =>
  known(values).reduce<number | null>((a, b) => (a === null ? b : Math.max(a, b)), null);
const least = (values: readonly (number | null)[]) =>
  known(values).reduce<number | null>((a, b) => (a === null ? b : Math.min(a, b)), null);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
