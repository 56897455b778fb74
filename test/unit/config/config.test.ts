import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ENVIRONMENT_NAMES, loadConfig } from '../../../services/config.js';
import type { JackError } from '../../../services/errors.js';

const production = {
  NODE_ENV: 'production',
  ADMIN_API_KEY: 'a-long-administrator-key',
  SESSION_SECRET: 'a-long-session-secret',
  PUBLIC_URL: 'https://jack.example.test/',
  TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
  TWILIO_AUTH_TOKEN: 'token',
};

function problemsOf(source: Record<string, string>): string[] {
  try {
    loadConfig(source);
  } catch (error) {
    return (error as JackError).problems.map(({ pointer }) => pointer).sort();
  }
  return [];
}

describe('The configuration', () => {
  it('needs nothing for a first start', () => {
    expect(loadConfig({})).toMatchObject({
      port: 3001,
      host: '127.0.0.1',
      databaseUrl: undefined,
      redisKeyPrefix: 'jack:development:',
      redis: { host: 'localhost', port: 6379, isNamed: false },
      reply: { windowMs: 1500, maxWaitMs: 8000 },
      fallback: { isEnabled: true, maxBytes: 100 * 1024 * 1024 },
    });
  });

  it('reports everything that is wrong at once, and repeats no value', () => {
    const bad = {
      PORT: 'eleven',
      DATABASE_URL: 'mysql://secret@host',
      REDIS_TLS: 'maybe',
      REPLY_WINDOW_MS: '-1',
    };
    expect(problemsOf(bad)).toEqual(['DATABASE_URL', 'PORT', 'REDIS_TLS', 'REPLY_WINDOW_MS']);
    expect(() => loadConfig(bad)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('secret') }),
    );
    expect(() => loadConfig(bad)).toThrow(expect.objectContaining({ code: 'E_CONFIG_INVALID' }));
  });

  it('takes an empty value as not set', () => {
    expect(loadConfig({ PORT: '', DATABASE_URL: ' ' })).toMatchObject({ port: 3001, databaseUrl: undefined });
  });

  it('names every missing secret in production', () => {
    expect(problemsOf({ NODE_ENV: 'production' })).toEqual([
      'ADMIN_API_KEY',
      'PUBLIC_URL',
      'SESSION_SECRET',
      'TWILIO_ACCOUNT_SID',
      'TWILIO_AUTH_TOKEN',
    ]);
    expect(loadConfig(production)).toMatchObject({ publicUrl: 'https://jack.example.test', host: '0.0.0.0' });
  });

  it('refuses a secret that is too short', () => {
    expect(problemsOf({ ...production, ADMIN_API_KEY: 'short' })).toEqual(['ADMIN_API_KEY']);
  });

  it('puts the primary Twilio token before the secondary', () => {
    const { twilio } = loadConfig({ ...production, TWILIO_AUTH_TOKEN_SECONDARY: 'older' });
    expect(twilio.authTokens).toEqual(['token', 'older']);
  });

  it('answers at once when the longest wait is 0', () => {
    expect(loadConfig({ REPLY_MAX_WAIT_MS: '0' }).reply).toEqual({ windowMs: 0, maxWaitMs: 0 });
  });

  it('refuses a longest wait that is shorter than the window', () => {
    expect(problemsOf({ REPLY_WINDOW_MS: '5000', REPLY_MAX_WAIT_MS: '4000' })).toEqual(['REPLY_MAX_WAIT_MS']);
  });
});

describe('.env.example', () => {
  const lines = readFileSync('.env.example', 'utf8').split('\n');
  const shown = lines.flatMap((line) => /^# ([A-Z][A-Z0-9_]+)=(.*)$/.exec(line)?.slice(1, 3) ?? []);
  const names = shown.filter((_value, index) => index % 2 === 0);

  it('shows exactly the variables of the schema', () => {
    expect([...names].sort()).toEqual([...ENVIRONMENT_NAMES].sort());
  });

  it('shows the defaults that are in force', () => {
    const entries = names.map((name, index) => [name, shown[index * 2 + 1] ?? ''] as const);
    expect(loadConfig(Object.fromEntries(entries.filter(([, value]) => value !== '')))).toEqual({
      ...loadConfig({}),
      // Naming localhost is naming a server: the one default whose being written down means something.
      redis: { ...loadConfig({}).redis, isNamed: true },
    });
  });
});
