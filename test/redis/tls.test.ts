/** Connections over TLS: whose certificate is taken, and what is said of one that is not. */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { freePort } from '../../scripts/lib/freePort.js';
import { JackError } from '../../services/errors.js';
import {
  type CacheOnRedis,
  type CacheOnRedisOptions,
  openCacheOnRedis,
  valueKey,
} from '../support/cacheOnRedis.js';
import { describeWithRedis } from '../support/services.js';
import { startTlsServer, type TlsServer } from '../support/tlsServer.js';
import { until } from '../support/until.js';

describeWithRedis('Redis over TLS', () => {
  let tls: TlsServer;
  const opened: CacheOnRedis[] = [];
  beforeAll(async () => {
    tls = await startTlsServer();
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((tower) => tower.close()));
  });
  afterAll(() => tls.stop());

  async function open(url: string, target: CacheOnRedisOptions['target'] = {}): Promise<CacheOnRedis> {
    const tower = await openCacheOnRedis({ url, target });
    opened.push(tower);
    return tower;
  }

  async function expectInUse(tower: CacheOnRedis): Promise<void> {
    expect(tower.cache.mode).toBe('redis');
    const key = valueKey<string>();
    await tower.cache.set(key, 'value');
    expect(await tower.cache.get(key)).toBe('value');
    const heard: string[] = [];
    const subscriber = tower.connections.subscriber();
    subscriber.on('message', (_channel, message) => heard.push(message));
    await subscriber.subscribe('test:tls');
    await tower.connections.command.publish('test:tls', 'over TLS');
    await until(() => heard.length === 1, { what: 'the message' });
  }

  it('A URL with rediss:// and the right authority', async () => {
    await expectInUse(await open(tls.url, { tlsCaFile: tls.caFile }));
  });

  it('Host and port with TLS, a pool of two', async () => {
    const target = { url: undefined, host: '127.0.0.1', port: tls.tlsPort, tls: true, poolSize: 2 };
    await expectInUse(await open('', { ...target, tlsCaFile: tls.caFile }));
  });

  it('A cluster of one node', async () => {
    // A node that never met another does not know its own address.
    const bus = ['--cluster-port', String(await freePort()), '--cluster-announce-ip', '127.0.0.1'];
    const node = await startTlsServer(['--cluster-enabled', 'yes', '--tls-cluster', 'yes', ...bus]);
    try {
      await node.server.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
      await until(async () => (await node.server.command('CLUSTER', 'INFO')).includes('cluster_state:ok'));
      const clusterNodes = [{ host: '127.0.0.1', port: node.tlsPort }];
      const tower = await open('', { url: undefined, clusterNodes, tls: true, tlsCaFile: node.caFile });
      await expectInUse(tower);
      await Promise.all(opened.splice(0).map((each) => each.close()));
    } finally {
      await node.stop();
    }
  });

  it.each([
    [
      'another authority',
      () => ({ url: tls.url, tlsCaFile: tls.otherCaFile }),
      /UNABLE_TO_VERIFY|SELF_SIGNED|SIGNATURE/,
    ],
    ['no authority but those that Node knows', () => ({ url: tls.url }), /UNABLE_TO_VERIFY|SELF_SIGNED/],
    [
      'a name that is not in the certificate',
      () => ({ url: tls.url.replace('127.0.0.1', 'localhost'), tlsCaFile: tls.caFile }),
      /ERR_TLS_CERT_ALTNAME_INVALID/,
    ],
    [
      'TLS to a plain port',
      () => ({ url: tls.server.url.replace('redis:', 'rediss:'), tlsCaFile: tls.caFile }),
      /ETIMEDOUT|ERR_SSL|EPROTO|ECONNRESET/,
    ],
    [
      'a plain connection to the TLS port',
      () => ({ url: tls.url.replace('rediss:', 'redis:') }),
      /ECONNRESET|EPIPE|ECONNABORTED/,
    ],
  ])('With %s the Map serves, and health and log say why', async (_what, targetOf, reason) => {
    const tower = await open('', targetOf());
    expect(tower.cache.mode).toBe('memory');
    const key = valueKey<string>();
    await tower.cache.set(key, 'value');
    expect(await tower.cache.get(key)).toBe('value');
    const { lastError } = await until(async () => {
      const health = await tower.connections.health();
      return health.lastError !== null && health;
    });
    expect(lastError).toMatch(reason);
    expect((await tower.connections.health()).state).toBe('connecting');
    expect(tower.log().join('\n')).toMatch(/no Redis answers/);
    expect(tower.log().length).toBeLessThan(10);
  });

  it('With an authority that cannot be read the start is refused with the name of the setting', async () => {
    const refused = open(tls.url, { tlsCaFile: '/nowhere/ca.pem' });
    await expect(refused).rejects.toThrow(JackError);
    await expect(refused).rejects.toMatchObject({
      code: 'E_CONFIG_INVALID',
      message: expect.stringContaining('REDIS_TLS_CA_FILE'),
    });
  });
});
