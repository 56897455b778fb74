import { afterAll, beforeAll } from '@jest/globals';
import type { RedisConnections } from '../../services/redis.js';
import { GROUP, type SentinelServers, startSentinelServers } from '../support/sentinelServers.js';
import { describeWithRedis } from '../support/services.js';
import { connectTo, subjectOver } from '../support/towerSubject.js';
import { describeCache } from './cache.contract.js';
import { describeCacheDriver } from './cacheDriver.contract.js';

describeWithRedis('Through sentinels', () => {
  let all: SentinelServers;
  let connections: RedisConnections;
  beforeAll(async () => {
    all = await startSentinelServers();
    connections = await connectTo({ sentinel: { nodes: all.sentinels, name: GROUP } });
  }, 40_000);
  afterAll(async () => {
    await connections?.stop();
    await all?.stop();
  });

  describeCacheDriver('a master behind sentinels', () => subjectOver(connections), {
    name: 'redis',
    leaseScope: 'shared',
  });
  describeCache('a master behind sentinels', () => subjectOver(connections));
});
