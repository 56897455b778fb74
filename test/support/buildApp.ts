/** The real application in this process, on loopback, over a record of its own. */
import { readFileSync } from 'node:fs';
import type { Express } from 'express';
import { createApp } from '../../routes/index.js';
import { type Config, loadConfig } from '../../services/config.js';
import { type AppContext, type ContextOptions, createContext } from '../../services/context.js';
import { listen } from '../../services/http.js';
import type { Limit, Limits } from '../../services/rateLimits/limits.js';
import type { Organization } from '../../services/types.js';
import { newPhone } from './records.js';
import { pgliteDumpFile } from './services.js';
import { createPostgresDatabase, type Engine, silentLogger } from './testDatabase.js';

export interface BuildOptions extends Partial<Omit<ContextOptions, 'pgliteDump'>> {
  readonly engine?: Engine;
  /** Environment variables on top of the test's own: no Redis, replies at once, an administrator key. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface TestApp {
  readonly ctx: AppContext;
  readonly app: Express;
  readonly url: string;
  readonly config: Config;
  readonly adminKey: string;
  /** Through the administrator's API. */
  createOrganization(
    change?: Record<string, unknown>,
  ): Promise<{ organization: Organization; apiKey: string }>;
  close(): Promise<void>;
}

const ADMIN_KEY = 'test-administrator-key-0123456789';

const many: Limit = { points: 1_000_000, windowMs: 60_000 };
/** Tests call far more often than anybody may. */
const NO_LIMITS: Partial<Limits> = {
  key: many,
  organization: many,
  failedCredential: many,
  logIn: many,
  unsignedWebhook: many,
};

export async function buildApp(options: BuildOptions = {}): Promise<TestApp> {
  const { engine = 'pglite', env = {}, ...contextOptions } = options;
  const databaseUrl = engine === 'postgres' ? await createPostgresDatabase() : undefined;
  const config = loadConfig({
    NODE_ENV: 'test',
    USE_REDIS: 'false',
    ADMIN_API_KEY: ADMIN_KEY,
    REPLY_WINDOW_MS: '0',
    ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}),
    ...env,
  });
  const ctx = await createContext(config, {
    logger: silentLogger,
    limits: NO_LIMITS,
    ...(databaseUrl ? {} : { pgliteDump: migratedPglite() }),
    ...contextOptions,
  });
  const app = createApp(ctx);
  const http = await listen(app, '127.0.0.1', 0);
  await ctx.start(http.url);
  return {
    ctx,
    app,
    url: http.url,
    config,
    adminKey: ADMIN_KEY,
    createOrganization: (change) => createOrganization(http.url, change),
    close: async () => {
      ctx.beginStop();
      await http.drain();
      await ctx.close();
    },
  };
}

function migratedPglite(): Blob {
  const file = pgliteDumpFile();
  if (file === undefined) throw new Error('globalSetup made no migrated PGlite');
  return new Blob([readFileSync(file)]);
}

async function createOrganization(url: string, change: Record<string, unknown> = {}) {
  const response = await fetch(`${url}/api/admin/organizations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      name: 'Example Motors',
      timezone: 'America/Vancouver',
      phoneNumbers: [newPhone()],
      ...change,
    }),
  });
  if (response.status !== 201) throw new Error(`the organization was not created: ${await response.text()}`);
  return (await response.json()) as { organization: Organization; apiKey: string };
}
