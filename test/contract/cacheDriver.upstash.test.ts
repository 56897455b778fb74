import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Redis } from 'ioredis';
import { createRedisDriver } from '../../services/cache/redisDriver.js';
import { systemClock } from '../../services/clock.js';
import { createFakeClock, entry, newName, newTag } from '../support/cacheSubjects.js';
import { accessTo } from '../support/redisAccess.js';
import { describeWithRedis, sharedRedisUrl } from '../support/services.js';
import { UpstashBridge } from '../support/upstashBridge.js';
import { testIndexName, type UpstashSubject, upstashSubject } from '../support/upstashSubject.js';
import { describeCacheDriver } from './cacheDriver.contract.js';

describeWithRedis('Over the REST bridge', () => {
  let bridge: UpstashBridge;
  let redis: Redis;
  let subject: UpstashSubject;
  beforeAll(async () => {
    bridge = await UpstashBridge.start(sharedRedisUrl());
    redis = new Redis(sharedRedisUrl());
    subject = upstashSubject(bridge, sharedRedisUrl());
  });
  beforeEach(() => {
    bridge.fail({ kind: 'none' });
    bridge.requests.length = 0;
    subject.exchanges.length = 0;
  });
  afterAll(async () => {
    await subject.close();
    redis.disconnect();
    await bridge.stop();
  });

  describeCacheDriver('Upstash', () => upstashSubject(bridge, sharedRedisUrl()), {
    name: 'redis',
    leaseScope: 'shared',
  });

  const paths = () => bridge.requests.map(({ path }) => path);

  it('Any bytes survive, those that look like the mark, base64, JSON or OK as well', async () => {
    const odd = [
      'OK',
      'base64:',
      'base64:AAAA',
      'T0s=',
      '1',
      'null',
      '"x"',
      '\uFEFFx',
      '\uFFFD',
      '\u0000',
      '[1,2]',
    ];
    const bytes = fc.oneof(
      fc.constantFrom(...odd).map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
      fc.string({ unit: 'grapheme' }).map((text) => Buffer.from(text)),
    );
    const property = fc.asyncProperty(fc.array(bytes, { minLength: 1, maxLength: 20 }), async (values) => {
      const entries = values.map((value) => ({ ...entry(newTag(), ''), value }));
      await subject.driver.set(entries);
      expect(await subject.driver.getMany(entries.map(({ name }) => name))).toEqual(values);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('What a socket wrote is read byte for byte, and text goes back as a socket would have written it', async () => {
    const socket = createRedisDriver({
      access: accessTo(redis),
      clock: systemClock,
      indexName: testIndexName,
    });
    const values = [Buffer.of(2, 0, 255, 254, 128), Buffer.from('\u0001{"name":"Zoë"}'), Buffer.alloc(0)];
    const bySocket = values.map((value) => ({ ...entry(newTag(), ''), value }));
    await socket.set(bySocket);
    expect(await subject.driver.getMany(bySocket.map(({ name }) => name))).toEqual(values);
    const byRest = { ...entry(newTag(), ''), value: values[1]! };
    await subject.driver.set([byRest]);
    expect(await redis.getBuffer(byRest.name)).toEqual(values[1]);
  });

  it('Both drivers clear what either has stored under a tag', async () => {
    const socket = createRedisDriver({
      access: accessTo(redis),
      clock: systemClock,
      indexName: testIndexName,
    });
    const tag = newTag();
    await socket.set([entry(tag, 'by socket')]);
    await subject.driver.set([entry(tag, 'by REST')]);
    await subject.driver.setIfAbsent(entry(tag, 'by REST, if absent'));
    expect(await subject.driver.clearTag(tag)).toBe(3);
    await subject.driver.set([entry(tag, 'by REST')]);
    expect(await socket.clearTag(tag)).toBe(1);
  });

  it('Every call is one exchange and one request; clearing is one for 500 values and one to look', async () => {
    const { driver } = subject;
    const tag = newTag();
    const entries = Array.from({ length: 600 }, (_, n) => entry(tag, String(n)));
    await driver.set(entries);
    await driver.getMany([entries[0]!.name, newName()]);
    await driver.setIfAbsent(entry(tag, 'x'));
    await driver.delete([entries[0]!.name]);
    await driver.acquireLease('test:lease:{rest}', 'token', 5_000);
    await driver.releaseLease('test:lease:{rest}', 'token');
    expect(subject.exchanges).toEqual(['set', 'get', 'setIfAbsent', 'delete', 'lease', 'lease']);
    expect(paths()).toHaveLength(6);
    subject.exchanges.length = 0;
    expect(await driver.clearTag(tag)).toBe(600);
    expect(subject.exchanges).toEqual(['clear', 'clear', 'clear']);
  });

  it('Calls of one moment travel together, and connections are kept', async () => {
    const entries = Array.from({ length: 40 }, (_, n) => entry(newTag(), String(n)));
    await Promise.all(entries.map((each) => subject.driver.set([each])));
    await Promise.all(entries.map(({ name }) => subject.driver.getMany([name])));
    expect(subject.exchanges).toEqual(['set', 'get']);
    const before = bridge.connections;
    for (const { name } of entries) await subject.driver.getMany([name]);
    expect(bridge.connections).toBe(before);
  });

  it('When the first of two changes is slow, then the second does not overtake it', async () => {
    const own = entry(newTag(), 'deleted later');
    bridge.fail({ kind: 'slow', ms: 150 });
    const writing = subject.driver.set([own]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    bridge.fail({ kind: 'none' });
    const deleted = subject.driver.delete([own.name]);
    await writing;
    expect(await deleted).toBe(1);
    expect(await redis.exists(own.name)).toBe(0);
  });

  it('When one change of several that travel together is refused, then only its caller hears of it', async () => {
    const list = newName();
    await redis.rpush(list, 'not a string');
    const good = entry(newTag(), 'good');
    const refused = subject.driver.releaseLease(list, 'token');
    const [stored, failure] = await Promise.allSettled([subject.driver.set([good]), refused]);
    expect(stored.status).toBe('fulfilled');
    expect(failure).toMatchObject({ status: 'rejected', reason: { name: 'UpstashReplyError' } });
    expect(subject.exchanges).toHaveLength(1);
    expect(await redis.get(good.name)).toBe('good');
  });

  it('Every value and every index has an expiry, and an index outlives what it lists', async () => {
    const tag = newTag();
    const [one, two] = [entry(tag, 'x', { ttlMs: 5_000 }), entry(tag, 'y', { ttlMs: 1e15 })];
    await subject.driver.set([one]);
    expect(await redis.pttl(testIndexName(tag))).toBeGreaterThan(5_000);
    expect(await redis.pttl(testIndexName(tag))).toBeLessThan(200_000);
    await subject.driver.setIfAbsent(two);
    expect(await redis.pttl(one.name)).toBeLessThanOrEqual(5_000);
    expect(await redis.pttl(two.name)).toBeGreaterThan(0);
    expect(await redis.pttl(testIndexName(tag))).toBeGreaterThan(await redis.pttl(two.name));
  });

  it('A set-if-absent that comes to nothing does not shorten how long the value that is there is listed', async () => {
    const tag = newTag();
    const long = entry(tag, 'long', { ttlMs: 600_000 });
    await subject.driver.set([long]);
    const before = Number(await redis.zscore(testIndexName(tag), long.name));
    expect(await subject.driver.setIfAbsent({ ...long, ttlMs: 1_000 })).toBe(false);
    expect(Number(await redis.zscore(testIndexName(tag), long.name))).toBe(before);
  });

  it('The index forgets names whose values have expired, so it does not grow for ever', async () => {
    const clock = createFakeClock();
    const own = upstashSubject(bridge, sharedRedisUrl(), clock);
    const tag = newTag();
    for (let n = 0; n < 100; n += 1) {
      await own.driver.set([entry(tag, 'x', { ttlMs: 1_000 })]);
      clock.advance(10_000);
    }
    expect(await redis.zcard(testIndexName(tag))).toBeLessThan(40);
    await own.close();
  });

  it('When scripts are flushed on the server, then a write is listed and a lease can be given up', async () => {
    const tag = newTag();
    await subject.driver.acquireLease('test:lease:{rest flushed}', 'token', 5_000);
    await redis.script('FLUSH');
    await subject.driver.set([entry(tag, 'x')]);
    expect(await subject.driver.releaseLease('test:lease:{rest flushed}', 'token')).toBe(true);
    expect(await subject.driver.clearTag(tag)).toBe(1);
  });
});
