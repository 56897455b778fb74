import { afterAll, beforeAll } from '@jest/globals';
import type { RedisConnections } from '../../services/redis.js';
import { type ClusterServers, startClusterServers } from '../support/clusterServers.js';
import { describeWithRedis } from '../support/services.js';
import { connectTo, subjectOver } from '../support/towerSubject.js';
import { describeCache } from './cache.contract.js';
import { describeCacheDriver } from './cacheDriver.contract.js';

describeWithRedis('On a Redis Cluster', () => {
  let all: ClusterServers;
  let connections: RedisConnections;
  beforeAll(async () => {
    all = await startClusterServers();
    connections = await connectTo({ clusterNodes: all.nodes });
  }, 40_000);
  afterAll(async () => {
    await connections?.stop();
    await all?.stop();
  });

  // Values of one tag lie in many slots, and the list of them in one.
  describeCacheDriver('a Redis Cluster', () => subjectOver(connections), {
    name: 'redis',
    leaseScope: 'shared',
  });
  describeCache('a Redis Cluster', () => subjectOver(connections));
});
