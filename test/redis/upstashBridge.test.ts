/** The bridge that stands for Upstash in the tests speaks what Upstash documents, in front of a real Redis. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { Redis as UpstashRedis } from '@upstash/redis';
import { Redis } from 'ioredis';
import { UpstashClient } from '../../services/upstash/client.js';
import { describeWithRedis, sharedRedisUrl } from '../support/services.js';
import { UpstashBridge } from '../support/upstashBridge.js';

describeWithRedis('The REST bridge', () => {
  let bridge: UpstashBridge;
  let redis: Redis;
  let key: string;
  beforeAll(async () => {
    bridge = await UpstashBridge.start(sharedRedisUrl());
    redis = new Redis(sharedRedisUrl());
  });
  beforeEach(() => {
    bridge.fail({ kind: 'none' });
    bridge.requests.length = 0;
    key = `test:bridge:${randomUUID()}`;
  });
  afterAll(async () => {
    redis.disconnect();
    await bridge.stop();
  });

  async function send(path: string, body?: unknown, headers: Record<string, string> = {}, method?: string) {
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    const response = await fetch(`${bridge.url}${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { authorization: `Bearer ${bridge.token}`, ...headers },
      ...(body === undefined ? {} : { body: isRaw ? (body as string) : JSON.stringify(body) }),
    });
    return [response.status, JSON.parse(await response.text()) as unknown];
  }
  const BASE64 = { 'upstash-encoding': 'base64' };

  it('takes a command as an array, and answers strings, integers, nulls and nested arrays', async () => {
    expect(await send('/', ['SET', key, 'bar', 'EX', 100])).toEqual([200, { result: 'OK' }]);
    expect(await send('/', ['GET', key])).toEqual([200, { result: 'bar' }]);
    expect(await send('/', ['GET', `${key}:none`])).toEqual([200, { result: null }]);
    expect(await send('/', ['TTL', key])).toEqual([200, { result: 100 }]);
    const script = "return {1, {'two', {false}}}";
    expect(await send('/', ['EVAL', script, 0])).toEqual([200, { result: [1, ['two', [null]]] }]);
  });

  it('takes a command in the path, a body as the last argument, and parameters after it', async () => {
    expect(await send(`/set/${key}/a%2Fb`)).toEqual([200, { result: 'OK' }]);
    expect(await send(`/get/${key}`)).toEqual([200, { result: 'a/b' }]);
    const bytes = Buffer.of(0, 255, 10, 47);
    expect(await send(`/set/${key}?EX=100`, bytes)).toEqual([200, { result: 'OK' }]);
    expect(await redis.getBuffer(key)).toEqual(bytes);
    expect(await redis.ttl(key)).toBe(100);
  });

  it('answers base64 when asked to, except OK; without it bytes that are no text are replaced', async () => {
    await redis.set(key, Buffer.of(255, 65));
    expect(await send('/', ['GET', key], BASE64)).toEqual([200, { result: '/0E=' }]);
    expect(await send('/', ['GET', key])).toEqual([200, { result: '\uFFFDA' }]);
    expect(await send('/', ['SET', key, 'x'], BASE64)).toEqual([200, { result: 'OK' }]);
    expect(await send('/', ['MGET', key, `${key}:none`], BASE64)).toEqual([200, { result: ['eA==', null] }]);
  });

  it('runs a pipeline in order, with an error in the place of its command', async () => {
    const commands = [['SET', key, 'x'], ['INCR', key], ['NOSUCH'], ['GET', key]];
    expect(await send('/pipeline', commands)).toEqual([
      200,
      [
        { result: 'OK' },
        { error: expect.stringMatching(/^ERR value is not an integer/) },
        { error: expect.stringMatching(/^ERR unknown command/) },
        { result: 'x' },
      ],
    ]);
  });

  it('runs a transaction, and discards one with a command that does not exist', async () => {
    expect(
      await send('/multi-exec', [
        ['SET', key, '1'],
        ['INCR', key],
      ]),
    ).toEqual([200, [{ result: 'OK' }, { result: 2 }]]);
    const discarded = await send('/multi-exec', [['SET', key, '9'], ['NOSUCH']]);
    expect(discarded).toEqual([400, { error: expect.stringMatching(/^(EXECABORT|ERR)/) }]);
    expect(await redis.get(key)).toBe('2');
  });

  it('lets in who has the token: as bearer or as parameter', async () => {
    const unauthorized = [401, { error: 'WRONGPASS invalid or missing auth token' }];
    expect(await send('/', ['GET', key], { authorization: 'Bearer wrong' })).toEqual(unauthorized);
    expect(await send(`/get/${key}`, undefined, { authorization: '' })).toEqual(unauthorized);
    const response = await fetch(`${bridge.url}/get/${key}?_token=${bridge.token}`);
    expect(await response.json()).toEqual({ result: null });
  });

  it('refuses other methods, what is no command, and what needs a connection', async () => {
    expect((await send('/', ['GET', key], {}, 'DELETE'))[0]).toBe(405);
    for (const body of ['{', '[]', '"GET"', '[["GET"]]', '[null]'])
      expect((await send('/', body))[0]).toBe(400);
    expect((await send('/', ['GET']))[0]).toBe(400);
    expect(await send('/', ['SUBSCRIBE', 'channel'])).toEqual([
      400,
      { error: expect.stringMatching(/^ERR/) },
    ]);
  });

  it('serves the client of @upstash/redis as it comes', async () => {
    const client = new UpstashRedis({ url: bridge.url, token: bridge.token, enableTelemetry: false });
    await client.set(key, { name: 'Zoë' }, { px: 10_000 });
    expect(await client.get(key)).toEqual({ name: 'Zoë' });
    expect(await client.pipeline().incr(`${key}:n`).pexpire(`${key}:n`, 10_000).exec()).toEqual([1, 1]);
  });

  it('Our client sends back the token that makes it see its own writes', async () => {
    const client = UpstashClient.create({ url: `${bridge.url}/`, token: bridge.token, deadlineMs: 2_000 });
    await client.set(key, 'x', { px: 10_000 });
    await client.get(key);
    client.close();
    const [first, second] = bridge.requests.map(({ headers }) => headers['upstash-sync-token']);
    expect([first, second]).toEqual([undefined, expect.stringMatching(/^sync-/)]);
  });

  it('Our client sends a command once, where that of @upstash/redis sends it again even without retries', async () => {
    bridge.fail({ kind: 'lost answer' });
    const ours = UpstashClient.create({ url: bridge.url, token: bridge.token, deadlineMs: 2_000 });
    await expect(ours.incr(key)).rejects.toMatchObject({ name: 'UpstashAwayError' });
    ours.close();
    expect(await redis.get(key)).toBe('1');
    const theirs = new UpstashRedis({
      url: bridge.url,
      token: bridge.token,
      retry: false,
      enableTelemetry: false,
    });
    await expect(theirs.incr(key)).rejects.toThrow();
    expect(await redis.get(key)).toBe('3');
  });
});
