/** Which settings of Redis go together; everything that contradicts is told at once. */
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../services/config.js';
import { JackError } from '../../../services/errors.js';

function problemsOf(source: Record<string, string>): string[] {
  try {
    loadConfig(source);
    return [];
  } catch (error) {
    if (!(error instanceof JackError)) throw error;
    // Passwords may be among the values.
    for (const value of Object.values(source)) {
      if (value.startsWith('secret')) expect(error.message).not.toContain(value);
    }
    return error.problems.map(({ pointer }) => pointer).sort();
  }
}

const SENTINELS = { REDIS_SENTINELS: 'a.test:26379, 10.0.0.2:26379', REDIS_SENTINEL_NAME: 'jack' };
const CLUSTER = { REDIS_CLUSTER_NODES: 'a.test:7000,[::1]:7001' };

describe('Settings of Redis', () => {
  it('take the sentinels apart', () => {
    expect(loadConfig({ ...SENTINELS, REDIS_SENTINEL_PASSWORD: 'of the sentinels' }).redis).toMatchObject({
      sentinel: {
        nodes: [
          { host: 'a.test', port: 26379 },
          { host: '10.0.0.2', port: 26379 },
        ],
        name: 'jack',
        password: 'of the sentinels',
      },
      isNamed: true,
    });
  });

  it('take the nodes of a cluster apart', () => {
    expect(loadConfig(CLUSTER).redis).toMatchObject({
      clusterNodes: [
        { host: 'a.test', port: 7000 },
        { host: '::1', port: 7001 },
      ],
      sentinel: undefined,
      isNamed: true,
    });
  });

  it.each([
    'host',
    'host:',
    ':7000',
    'host:0',
    'host:70000',
    'a:1,,b:2',
    'user@host:1',
    'redis://host:1',
    'a:1:2',
  ])('refuse %s as a list of servers', (list) => {
    expect(problemsOf({ REDIS_CLUSTER_NODES: list })).toContain('REDIS_CLUSTER_NODES');
  });

  it.each([
    ['a cluster and sentinels', { ...SENTINELS, ...CLUSTER }, ['REDIS_CLUSTER_NODES']],
    [
      'sentinels and one server',
      { ...SENTINELS, REDIS_URL: 'redis://host', REDIS_PORT: '1' },
      ['REDIS_PORT', 'REDIS_URL'],
    ],
    ['a cluster and one server', { ...CLUSTER, REDIS_HOST: 'host' }, ['REDIS_HOST']],
    ['sentinels without the name', { REDIS_SENTINELS: 'a:1' }, ['REDIS_SENTINEL_NAME']],
    [
      'a name and a password without sentinels',
      { REDIS_SENTINEL_NAME: 'x', REDIS_SENTINEL_PASSWORD: 'y' },
      ['REDIS_SENTINEL_NAME', 'REDIS_SENTINEL_PASSWORD'],
    ],
    ['a database of a cluster', { ...CLUSTER, REDIS_DB: '1' }, ['REDIS_DB']],
    ['a pool to a cluster', { ...CLUSTER, REDIS_POOL_SIZE: '2' }, ['REDIS_POOL_SIZE']],
    ['a URL and another host', { REDIS_URL: 'redis://one', REDIS_HOST: 'other' }, ['REDIS_HOST']],
    [
      'a URL and another password',
      { REDIS_URL: 'redis://:secret1@one', REDIS_PASSWORD: 'secret2' },
      ['REDIS_PASSWORD'],
    ],
    ['a URL and another database', { REDIS_URL: 'redis://one/1', REDIS_DB: '2' }, ['REDIS_DB']],
    ['redis:// and TLS', { REDIS_URL: 'redis://one', REDIS_TLS: 'true' }, ['REDIS_TLS']],
    ['rediss:// and no TLS', { REDIS_URL: 'rediss://one', REDIS_TLS: 'false' }, ['REDIS_TLS']],
    ['an authority without TLS', { REDIS_TLS_CA_FILE: '/ca.pem' }, ['REDIS_TLS_CA_FILE']],
    ['a bad value beside a contradiction', { ...CLUSTER, REDIS_DB: '1', PORT: 'many' }, ['PORT', 'REDIS_DB']],
  ] as [string, Record<string, string>, string[]][])('refuse %s', (_what, source, problems) => {
    expect(problemsOf(source)).toEqual(problems);
  });

  it.each([
    [
      'the same twice',
      {
        REDIS_URL: 'redis://:p%40ss@one:6380/2',
        REDIS_HOST: 'one',
        REDIS_PORT: '6380',
        REDIS_PASSWORD: 'p@ss',
        REDIS_DB: '2',
      },
    ],
    [
      'what the URL leaves out',
      {
        REDIS_URL: 'rediss://one',
        REDIS_USERNAME: 'jack',
        REDIS_PASSWORD: 'x',
        REDIS_TLS: 'true',
        REDIS_TLS_CA_FILE: '/ca.pem',
      },
    ],
    ['TLS and a password for a cluster', { ...CLUSTER, REDIS_TLS: 'true', REDIS_PASSWORD: 'x' }],
    ['a pool to a server', { REDIS_POOL_SIZE: '4' }],
  ] as [string, Record<string, string>][])('allow %s', (_what, source) => {
    expect(problemsOf(source)).toEqual([]);
  });

  it('write the scheme as the client knows it', () => {
    expect(loadConfig({ REDIS_URL: 'REDISS://one' }).redis?.url).toBe('rediss://one');
  });
});
