/**
 * What the suite found on this machine. globalSetup sets the variables; a suite that needs a service which could not
 * be had registers one skipped test whose name says why. With CI set that test fails instead.
 */
import { describe, it } from '@jest/globals';

const SERVICES = {
  redis: { variable: 'TEST_REDIS_BIN', reason: 'no redis-server (install redis-tools)' },
  postgres: { variable: 'TEST_DATABASE_URL', reason: 'no PostgreSQL server (install postgresql)' },
  browser: { variable: 'TEST_CHROMIUM_BIN', reason: 'no Chromium (install chromium, or set CHROMIUM_BIN)' },
} as const;

type Service = keyof typeof SERVICES;

function describeWith(service: Service, name: string, suite: () => void): void {
  const { variable, reason } = SERVICES[service];
  if (process.env[variable]) describe(name, suite);
  else describe(name, () => leaveOut(reason));
}

function leaveOut(reason: string): void {
  if (process.env.CI) {
    it(`needs a service: ${reason}`, () => {
      throw new Error(reason);
    });
  } else {
    // biome-ignore lint/suspicious/noSkippedTests: the one place that may, and it says why.
    it.skip(`skipped: ${reason}`, () => undefined);
  }
}

export const describeWithRedis = (name: string, suite: () => void): void =>
  describeWith('redis', name, suite);
export const describeWithPostgres = (name: string, suite: () => void): void =>
  describeWith('postgres', name, suite);
export const describeWithBrowser = (name: string, suite: () => void): void =>
  describeWith('browser', name, suite);

/** The Redis that all test files share: make your own keys, flush nothing, kill nothing. */
export const sharedRedisUrl = (): string => required('TEST_REDIS_URL');

/** The PostgreSQL server of the suite; each test file makes its own database from TEMPLATE_DATABASE. */
export const sharedDatabaseUrl = (): string => required('TEST_DATABASE_URL');

/** A migrated, empty PGlite data directory as one file; undefined when the suite could not build it. */
export const pgliteDumpFile = (): string | undefined => process.env.TEST_PGLITE_DUMP || undefined;

/** Migrated and empty; `CREATE DATABASE x TEMPLATE jack_template` takes some 50 ms. */
export const TEMPLATE_DATABASE = 'jack_template';

function required(variable: string): string {
  const value = process.env[variable];
  if (value) return value;
  throw new Error(`${variable} is not set: use describeWithRedis or describeWithPostgres`);
}
