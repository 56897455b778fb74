/** The listening connection, when the network hangs at the moment that it subscribes again. */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Subscriber } from '../../services/redis/subscriber.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { TcpProxy } from '../support/tcpProxy.js';
import { until } from '../support/until.js';

describeWithRedis('The listening connection', () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  const unheard: unknown[] = [];
  const onUnheard = (reason: unknown) => unheard.push(reason);
  beforeAll(async () => {
    server = await startRedis();
    proxy = await TcpProxy.start({ targetPort: server.port });
    process.on('unhandledRejection', onUnheard);
  });
  afterEach(() => {
    unheard.length = 0;
  });
  afterAll(async () => {
    process.off('unhandledRejection', onUnheard);
    await proxy.stop();
    await server.stop();
  });

  it('hears of a subscription that is not answered after a break, tries again, and ends no process', async () => {
    const errors: unknown[] = [];
    const target = {
      url: `redis://127.0.0.1:${proxy.port}`,
      host: '',
      port: 0,
      password: undefined,
      db: 0,
      tls: false,
      connectionTimeoutMs: 500,
      commandTimeoutMs: 300,
      maxRetries: 0,
    };
    const subscriber = new Subscriber({
      target,
      random: Math.random,
      clusterNodes: () => [],
      onError: (error) => errors.push(error),
      onReady: () => undefined,
    });
    await until(() => subscriber.state === 'ready', { what: 'the connection' });
    await subscriber.client.subscribe('test:channel');
    let hangs = 0;
    // The client has just sent its SUBSCRIBE; the answer does not come through.
    subscriber.client.on('ready', () => {
      hangs += 1;
      if (hangs === 1) void proxy.blackHole('toClient');
    });
    proxy.resetAll();
    await until(() => errors.some((error) => String(error).includes('timed out')), { what: 'the refusal' });
    await proxy.pass();
    await until(() => hangs > 1 && subscriber.state === 'ready', { what: 'the next connection' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(unheard).toEqual([]);
    subscriber.stop();
  });
});
