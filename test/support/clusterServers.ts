/** A Redis Cluster on free ports of loopback: three masters, each with a replica. */
import { freePort } from '../../scripts/lib/freePort.js';
import { SLOTS } from '../../services/redis/slot.js';
import { type RedisServer, startRedis } from './redisServer.js';
import { until } from './until.js';

const MASTERS = 3;
const NODE_TIMEOUT_MS = 2_000;

export interface ClusterServers {
  /** Three masters in the order of their slots, then the replica of each. */
  readonly servers: readonly RedisServer[];
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** Who takes the writes of this slot, as a living node sees it. */
  ownerOf(slot: number): Promise<RedisServer>;
  replicaOf(master: RedisServer): RedisServer;
  idOf(server: RedisServer): Promise<string>;
  stop(): Promise<void>;
}

export async function startClusterServers(): Promise<ClusterServers> {
  const servers = await Promise.all(Array.from({ length: MASTERS * 2 }, startNode));
  const idOf = async (server: RedisServer) => (await server.command('CLUSTER', 'MYID')).trim();
  const living = () => servers.filter((server) => server.pid !== undefined);
  const cluster: ClusterServers = {
    servers,
    nodes: servers.map(({ port }) => ({ host: '127.0.0.1', port })),
    ownerOf: (slot) => ownerOf(living(), slot),
    replicaOf: (master) => servers[(servers.indexOf(master) + MASTERS) % servers.length]!,
    idOf,
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
  try {
    await join(servers);
    for (const [n, master] of servers.slice(0, MASTERS).entries()) {
      await master.command('CLUSTER', 'ADDSLOTSRANGE', String(first(n)), String(first(n + 1) - 1));
      const masterId = await idOf(master);
      // It has to have heard of the master first.
      await until(() => servers[n + MASTERS]!.command('CLUSTER', 'REPLICATE', masterId), {
        timeoutMs: 10_000,
      });
    }
    await until(() => isComplete(servers), { what: 'the cluster to agree', timeoutMs: 15_000 });
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

const first = (n: number): number => Math.floor((SLOTS * n) / MASTERS);

async function startNode(): Promise<RedisServer> {
  const bus = await freePort();
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-port': String(bus),
    'cluster-node-timeout': String(NODE_TIMEOUT_MS),
    'cluster-require-full-coverage': 'no',
    'repl-diskless-sync-delay': '0',
  };
  return await startRedis({
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
  });
}

async function join(servers: readonly RedisServer[]): Promise<void> {
  const [one, ...others] = servers as [RedisServer, ...RedisServer[]];
  for (const other of others) {
    const bus = (await other.command('CONFIG', 'GET', 'cluster-port')).split('\n')[1] ?? '';
    await one.command('CLUSTER', 'MEET', '127.0.0.1', String(other.port), bus);
  }
  const knowAll = async () => {
    const seen = await Promise.all(servers.map((server) => server.command('CLUSTER', 'INFO')));
    return seen.every((info) => info.includes(`cluster_known_nodes:${servers.length}`));
  };
  await until(knowAll, { what: 'the nodes to meet', timeoutMs: 15_000 });
}

async function isComplete(servers: readonly RedisServer[]): Promise<boolean> {
  const states = await Promise.all(servers.map((server) => server.command('CLUSTER', 'INFO')));
  const links = await Promise.all(
    servers.slice(MASTERS).map((server) => server.command('INFO', 'replication')),
  );
  const tables = await Promise.all(servers.map((server) => server.command('CLUSTER', 'NODES')));
  return (
    states.every(
      (info) => info.includes('cluster_state:ok') && info.includes(`cluster_slots_assigned:${SLOTS}`),
    ) &&
    links.every((info) => info.includes('master_link_status:up')) &&
    tables.every(
      (table) => table.match(/ slave /g)?.length === MASTERS || table.match(/slave/g)?.length === MASTERS,
    )
  );
}

async function ownerOf(servers: readonly RedisServer[], slot: number): Promise<RedisServer> {
  for (const asked of servers) {
    // Not one that is frozen.
    const table = await asked.command('CLUSTER', 'NODES').catch(() => '');
    for (const line of table.split('\n')) {
      const [, address = '', flags = '', , , , , ...ranges] = line.split(' ').filter(Boolean);
      const port = /:(\d+)@/.exec(address)?.[1];
      const isOwner = ranges.slice(1).some((range) => isIn(range, slot));
      if (isOwner && !/fail/.test(flags)) {
        const found = servers.find((server) => String(server.port) === port);
        if (found) return found;
      }
    }
  }
  throw new Error(`nobody owns slot ${slot}`);
}

function isIn(range: string, slot: number): boolean {
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
  return from !== undefined && slot >= Number(from) && slot <= Number(to ?? from);
}
