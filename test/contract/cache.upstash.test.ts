import { afterAll, beforeAll } from '@jest/globals';
import { describeWithRedis, sharedRedisUrl } from '../support/services.js';
import { UpstashBridge } from '../support/upstashBridge.js';
import { upstashSubject } from '../support/upstashSubject.js';
import { describeCache } from './cache.contract.js';

describeWithRedis('Over the REST bridge', () => {
  let bridge: UpstashBridge;
  beforeAll(async () => {
    bridge = await UpstashBridge.start(sharedRedisUrl());
  });
  afterAll(() => bridge.stop());

  describeCache('Upstash', () => upstashSubject(bridge, sharedRedisUrl()));
});
