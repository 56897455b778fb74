/** A master, a replica and three sentinels on free ports of loopback; none of them outlives the process that started them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../../scripts/lib/freePort.js';
import { type Guardian, startGuardian } from '../../scripts/lib/guardian.js';
import { findRedisServer } from '../../scripts/lib/redisServer.js';
import { sendCommand } from '../../scripts/lib/resp.js';
import { type RedisServer, startRedis } from './redisServer.js';
import { until } from './until.js';

export const GROUP = 'jack';
/** After which silence a sentinel calls the master down. */
const DOWN_AFTER_MS = 1_000;

export interface SentinelServers {
  readonly servers: readonly [RedisServer, RedisServer];
  readonly sentinels: readonly { readonly host: string; readonly port: number }[];
  /** Which of the two the sentinels name as the master. */
  master(): Promise<RedisServer>;
  replica(): Promise<RedisServer>;
  /** A failover without a fault: the master is demoted and answers READONLY from then on. */
  failOver(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSentinelServers(): Promise<SentinelServers> {
  const first = await startRedis();
  const second = await startRedis({ args: ['--replicaof', '127.0.0.1', String(first.port)] });
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(first.port)));
  const servers = [first, second] as const;
  const ask = (...args: string[]) => sendCommand({ port: sentinels[0]!.port }, ['SENTINEL', ...args]);
  const master = async (): Promise<RedisServer> => {
    const [, port] = (await ask('get-master-addr-by-name', GROUP)).split('\n');
    const found = servers.find((server) => String(server.port) === port);
    if (!found) throw new Error(`the sentinels name a master on port ${port}, which is none of ours`);
    return found;
  };
  const all: SentinelServers = {
    servers,
    sentinels: sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
    master,
    replica: async () => ((await master()) === first ? second : first),
    failOver: async () => void (await ask('failover', GROUP)),
    stop: async () => {
      await Promise.all([...sentinels, ...servers].map((server) => server.stop()));
    },
  };
  try {
    await until(() => isComplete(sentinels), { what: 'the sentinels to know each other', timeoutMs: 15_000 });
  } catch (error) {
    await all.stop();
    throw error;
  }
  return all;
}

/** They find each other through the master, every two seconds. */
async function isComplete(sentinels: readonly Sentinel[]): Promise<boolean> {
  const seen = await Promise.all(
    sentinels.map(async ({ port }) => {
      const fields = (await sendCommand({ port }, ['SENTINEL', 'master', GROUP])).split('\n');
      const after = (name: string) => fields[fields.indexOf(name) + 1];
      return (
        after('num-other-sentinels') === '2' && after('num-slaves') === '1' && after('flags') === 'master'
      );
    }),
  );
  return seen.every(Boolean);
}

interface Sentinel {
  readonly port: number;
  stop(): Promise<void>;
}

async function startSentinel(masterPort: number): Promise<Sentinel> {
  const binary = findRedisServer();
  if (!binary) throw new Error('no redis-server: install redis-tools');
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'jack-sentinel-'));
  const guardian = startGuardian(folder, 'KILL');
  const file = path.join(folder, 'sentinel.conf');
  writeFileSync(
    file,
    [
      `port ${port}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      `sentinel monitor ${GROUP} 127.0.0.1 ${masterPort} 2`,
      `sentinel down-after-milliseconds ${GROUP} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${GROUP} 6000`,
      `sentinel parallel-syncs ${GROUP} 1`,
    ].join('\n'),
  );
  const child = spawn(binary, [file, '--sentinel'], { detached: true, stdio: 'ignore' });
  child.unref();
  guardian.watch(child.pid);
  const sentinel = { port, stop: () => end(child, guardian) };
  try {
    await until(() => sendCommand({ port }, ['PING']), { what: 'a sentinel to answer', timeoutMs: 10_000 });
  } catch (error) {
    await sentinel.stop();
    throw error;
  }
  return sentinel;
}

async function end(child: ChildProcess, guardian: Guardian): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.ref();
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGKILL');
    await gone;
  }
  guardian.watch(undefined);
  await guardian.release();
}
