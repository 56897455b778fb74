/** Upstash is chosen by both of its variables, and by nothing that contradicts them. */
import { describe, expect, it } from '@jest/globals';
import { loadConfig } from '../../../services/config.js';
import { JackError } from '../../../services/errors.js';

const URL_NAME = 'UPSTASH_REDIS_REST_URL';
const TOKEN_NAME = 'UPSTASH_REDIS_REST_TOKEN';
const BOTH = { [URL_NAME]: 'https://eu1-fine-cat-1.upstash.io', [TOKEN_NAME]: 'AYNgAS2553feg6a2==' };

function problemsOf(source: Record<string, string>): string[] {
  try {
    loadConfig(source);
    return [];
  } catch (error) {
    if (!(error instanceof JackError)) throw error;
    for (const value of [source[TOKEN_NAME], 'eu1-fine-cat']) {
      if (value) expect(error.message).not.toContain(value);
    }
    return error.problems.map(({ pointer }) => pointer).sort();
  }
}

describe('Settings of Upstash', () => {
  it('are none by default, and both together choose it', () => {
    expect(loadConfig({}).upstash).toBeUndefined();
    expect(loadConfig(BOTH)).toMatchObject({
      upstash: { url: BOTH[URL_NAME], token: BOTH[TOKEN_NAME] },
      redis: { commandTimeoutMs: 500 },
    });
  });

  it('choose nothing when state is to be kept in memory', () => {
    expect(loadConfig({ ...BOTH, USE_REDIS: 'false' })).toMatchObject({
      upstash: undefined,
      redis: undefined,
    });
  });

  it.each([
    ['a URL alone', { [URL_NAME]: BOTH[URL_NAME]! }, [TOKEN_NAME]],
    ['a token alone', { [TOKEN_NAME]: BOTH[TOKEN_NAME]! }, [URL_NAME]],
    ['another server beside it', { ...BOTH, REDIS_URL: 'redis://host' }, ['REDIS_URL']],
    ['another host beside it', { ...BOTH, REDIS_HOST: 'host' }, ['REDIS_HOST']],
    ['a cluster beside it', { ...BOTH, REDIS_CLUSTER_NODES: 'a:1' }, ['REDIS_CLUSTER_NODES']],
    [
      'sentinels beside it',
      { ...BOTH, REDIS_SENTINELS: 'a:1', REDIS_SENTINEL_NAME: 'jack' },
      ['REDIS_SENTINELS'],
    ],
    ['the address for sockets', { ...BOTH, [URL_NAME]: 'rediss://default:x@host:6379' }, [URL_NAME]],
    ['a token in the URL', { ...BOTH, [URL_NAME]: 'https://host?_token=abc' }, [URL_NAME]],
    ['a user in the URL', { ...BOTH, [URL_NAME]: 'https://user:pass@host' }, [URL_NAME]],
    ['a token of several words', { ...BOTH, [TOKEN_NAME]: 'Bearer abc' }, [TOKEN_NAME]],
  ] as [string, Record<string, string>, string[]][])('refuse %s', (_what, source, problems) => {
    expect(problemsOf(source)).toEqual(expect.arrayContaining(problems));
    expect(new Set(problemsOf(source))).toEqual(new Set(problems));
  });

  it('refuse plain http in production, where the token would be read on the way', () => {
    const production = { ...BOTH, NODE_ENV: 'production' };
    expect(problemsOf({ ...production, [URL_NAME]: 'http://host' })).toContain(URL_NAME);
    expect(problemsOf({ ...production, [URL_NAME]: 'http://127.0.0.1:8080' })).not.toContain(URL_NAME);
    expect(problemsOf({ ...BOTH, [URL_NAME]: 'http://host' })).toEqual([]);
  });
});
