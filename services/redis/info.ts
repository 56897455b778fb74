/** What a server says of itself (`INFO`), as data. Managed servers hide some of it, so anything may be null. */

export interface ServerInfo {
  readonly product: 'redis' | 'valkey';
  /** Of Valkey its own; `redis_version` is there what it pretends for old clients. */
  readonly version: string | null;
  /** `master` or `slave`, in the server's words. */
  readonly role: string | null;
  readonly uptimeSeconds: number | null;
  readonly memory: ServerMemory;
  readonly persistence: ServerPersistence;
  readonly clients: { readonly connected: number | null; readonly blocked: number | null };
  readonly stats: ServerStats;
  readonly replication: ServerReplication;
}

export interface ServerMemory {
  readonly usedBytes: number | null;
  readonly peakBytes: number | null;
  /** Resident over used. */
  readonly fragmentationRatio: number | null;
  /** The ceiling (`maxmemory`); null also when there is none, which `hasCeiling` tells apart. */
  readonly maxBytes: number | null;
  /** Null when the server does not say. */
  readonly hasCeiling: boolean | null;
  /** `maxmemory-policy`. */
  readonly policy: string | null;
}

export interface ServerPersistence {
  readonly loading: boolean | null;
  /** Whether writes are kept in an append-only file. */
  readonly isAofOn: boolean | null;
  /** Of the last snapshot and, with an append-only file, its last write and rewrite. */
  readonly lastSaveOk: boolean | null;
  /** Null when none was ever made; the time of the start counts as one for the server. */
  readonly lastSaveAt: Date | null;
  readonly isSaving: boolean | null;
  /** Writes since the last snapshot. */
  readonly changesSinceSave: number | null;
  /** How long the process stood still for its last fork, in milliseconds. */
  readonly lastForkMs: number | null;
}

export interface ServerStats {
  readonly keyspaceHits: number | null;
  readonly keyspaceMisses: number | null;
  readonly evictedKeys: number | null;
  readonly expiredKeys: number | null;
  /** Since the server's start. */
  readonly totalConnections: number | null;
  readonly rejectedConnections: number | null;
  readonly opsPerSecond: number | null;
}

export interface ServerReplication {
  readonly connectedReplicas: number | null;
  /** Of a replica: whether it is connected to its master. */
  readonly isLinkUp: boolean | null;
}

/** @param text an answer of `INFO`, of Redis or Valkey. Never throws: what it cannot read is null. */
export function readServerInfo(text: string): ServerInfo {
  const fields = fieldsOf(text);
  const word = (name: string): string | null => fields.get(name) || null;
  const number = (name: string): number | null => toNumber(fields.get(name));
  const flag = (name: string): boolean | null => toFlag(fields.get(name));
  const valkeyVersion = word('valkey_version');
  return {
    product: valkeyVersion !== null || word('server_name') === 'valkey' ? 'valkey' : 'redis',
    version: valkeyVersion ?? word('redis_version'),
    role: word('role'),
    uptimeSeconds: number('uptime_in_seconds'),
    memory: {
      usedBytes: number('used_memory'),
      peakBytes: number('used_memory_peak'),
      fragmentationRatio: number('mem_fragmentation_ratio'),
      maxBytes: number('maxmemory') || null,
      hasCeiling: number('maxmemory') === null ? null : number('maxmemory') !== 0,
      policy: word('maxmemory_policy'),
    },
    persistence: readPersistence({ word, number, flag }),
    clients: { connected: number('connected_clients'), blocked: number('blocked_clients') },
    stats: {
      keyspaceHits: number('keyspace_hits'),
      keyspaceMisses: number('keyspace_misses'),
      evictedKeys: number('evicted_keys'),
      expiredKeys: number('expired_keys'),
      totalConnections: number('total_connections_received'),
      rejectedConnections: number('rejected_connections'),
      opsPerSecond: number('instantaneous_ops_per_sec'),
    },
    replication: {
      connectedReplicas: number('connected_slaves') ?? number('connected_replicas'),
      isLinkUp: is(word('master_link_status'), 'up'),
    },
  };
}

interface Fields {
  word(name: string): string | null;
  number(name: string): number | null;
  flag(name: string): boolean | null;
}

function readPersistence({ word, number, flag }: Fields): ServerPersistence {
  const isAofOn = flag('aof_enabled');
  const outcomes = [
    is(word('rdb_last_bgsave_status'), 'ok'),
    // Without an append-only file these say "ok" of something that does not happen.
    isAofOn === true ? is(word('aof_last_write_status'), 'ok') : null,
    isAofOn === true ? is(word('aof_last_bgrewrite_status'), 'ok') : null,
  ].filter((outcome) => outcome !== null);
  const savedAtSeconds = number('rdb_last_save_time');
  const forkMicroseconds = number('latest_fork_usec');
  return {
    loading: flag('loading'),
    isAofOn,
    lastSaveOk: outcomes.length === 0 ? null : outcomes.every(Boolean),
    lastSaveAt: savedAtSeconds ? new Date(savedAtSeconds * 1_000) : null,
    isSaving: flag('rdb_bgsave_in_progress'),
    changesSinceSave: number('rdb_changes_since_last_save'),
    lastForkMs: forkMicroseconds === null ? null : forkMicroseconds / 1_000,
  };
}

const is = (word: string | null, expected: string): boolean | null =>
  word === null ? null : word === expected;

function fieldsOf(text: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(':');
    if (at > 0 && !line.startsWith('#')) fields.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
  }
  return fields;
}

function toNumber(value: string | undefined): number | null {
  if (value === undefined || value === '') return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

const toFlag = (value: string | undefined): boolean | null =>
  value === '1' ? true : value === '0' ? false : null;
