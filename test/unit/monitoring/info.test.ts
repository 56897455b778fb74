import { describe, expect, it } from '@jest/globals';
import { readServerInfo } from '../../../services/redis/info.js';

const REDIS = `# Server\r
redis_version:7.2.4\r
uptime_in_seconds:812\r
# Clients\r
connected_clients:3\r
blocked_clients:0\r
# Memory\r
used_memory:1048576\r
used_memory_peak:2097152\r
mem_fragmentation_ratio:1.25\r
maxmemory:0\r
maxmemory_policy:noeviction\r
# Persistence\r
loading:0\r
rdb_changes_since_last_save:7\r
rdb_bgsave_in_progress:1\r
rdb_last_save_time:1700000000\r
rdb_last_bgsave_status:ok\r
aof_enabled:0\r
aof_last_bgrewrite_status:err\r
aof_last_write_status:ok\r
# Stats\r
total_connections_received:12\r
instantaneous_ops_per_sec:40\r
rejected_connections:1\r
expired_keys:5\r
evicted_keys:6\r
keyspace_hits:90\r
keyspace_misses:10\r
latest_fork_usec:2500\r
# Replication\r
role:master\r
connected_slaves:2\r
`;

describe('What a server says of itself', () => {
  it('is read with its units', () => {
    expect(readServerInfo(REDIS)).toEqual({
      product: 'redis',
      version: '7.2.4',
      role: 'master',
      uptimeSeconds: 812,
      memory: {
        usedBytes: 1_048_576,
        peakBytes: 2_097_152,
        fragmentationRatio: 1.25,
        maxBytes: null,
        hasCeiling: false,
        policy: 'noeviction',
      },
      persistence: {
        loading: false,
        isAofOn: false,
        lastSaveOk: true,
        lastSaveAt: new Date(1_700_000_000_000),
        isSaving: true,
        changesSinceSave: 7,
        lastForkMs: 2.5,
      },
      clients: { connected: 3, blocked: 0 },
      stats: {
        keyspaceHits: 90,
        keyspaceMisses: 10,
        evictedKeys: 6,
        expiredKeys: 5,
        totalConnections: 12,
        rejectedConnections: 1,
        opsPerSecond: 40,
      },
      replication: { connectedReplicas: 2, isLinkUp: null },
    });
  });

  it('When the append-only file is on, then its failures are failures of the save', () => {
    expect(readServerInfo(REDIS.replace('aof_enabled:0', 'aof_enabled:1')).persistence).toMatchObject({
      isAofOn: true,
      lastSaveOk: false,
    });
  });

  it('When the server is Valkey, then the version is its own and not the one it pretends', () => {
    const valkey =
      'redis_version:7.2.4\nserver_name:valkey\nvalkey_version:8.1.1\nmaxmemory:100\nrole:slave\nmaster_link_status:down\n';
    const info = readServerInfo(valkey);
    expect([info.product, info.version]).toEqual(['valkey', '8.1.1']);
    expect(info.memory).toMatchObject({ maxBytes: 100, hasCeiling: true });
    expect(info.replication.isLinkUp).toBe(false);
  });

  it.each([
    '',
    '# Server',
    'no colon at all',
    'used_memory:\r\nmaxmemory:much\r\nloading:perhaps',
    '\u0000:',
  ])('When it is %j, then what it does not say is null', (text) => {
    const { product, clients, stats, memory, persistence, replication, ...rest } = readServerInfo(text);
    expect(product).toBe('redis');
    for (const part of [clients, stats, memory, persistence, replication, rest]) {
      expect(Object.values(part).every((value) => value === null)).toBe(true);
    }
  });
});
