/** Sessions of one process: the real tower over a given record, with or without Redis. */
import { randomUUID } from 'node:crypto';
import type { StateDoor } from '../../redis-migration.js';
import { type Clock, systemClock } from '../../services/clock.js';
import { loadConfig } from '../../services/config.js';
import type { Database } from '../../services/db/client.js';
import { createApiKey } from '../../services/record/apiKeys.js';
import { createSecrets } from '../../services/secrets.js';
import type { SessionRules } from '../../services/sessions/rules.js';
import { type NewSession, Sessions } from '../../services/sessions.js';
import { createTower } from '../../services/tower.js';
import type { OrganizationId } from '../../services/types.js';
import { silentLogger } from './testDatabase.js';

export interface SessionProcess {
  readonly sessions: Sessions;
  readonly state: StateDoor;
  close(): Promise<void>;
}

export interface SessionProcessOptions {
  readonly database: Database;
  /** Absent: the Map alone. */
  readonly redisUrl?: string;
  /** Processes that share a Redis share it. */
  readonly keyPrefix?: string;
  readonly rules?: Partial<SessionRules>;
  readonly clock?: Clock;
  /** 0: every copy is read from Redis or the Map. */
  readonly localMaxBytes?: number;
}

export async function openSessionProcess(options: SessionProcessOptions): Promise<SessionProcess> {
  const { database, redisUrl, clock = systemClock } = options;
  const redis = redisUrl === undefined ? { USE_REDIS: 'false' } : { USE_REDIS: 'true', REDIS_URL: redisUrl };
  const tower = await createTower({
    config: loadConfig({
      NODE_ENV: 'test',
      REDIS_KEY_PREFIX: options.keyPrefix ?? `sessions-${randomUUID()}:`,
      ...redis,
    }),
    database,
    secrets: createSecrets('a test secret that is long'),
    logger: silentLogger,
    clock,
    random: Math.random,
    localMaxBytes: options.localMaxBytes,
  });
  const sessions = Sessions.create({
    database,
    state: tower.state,
    clock,
    random: Math.random,
    logger: silentLogger,
    rules: options.rules,
  });
  return {
    sessions,
    state: tower.state,
    close: async () => {
      await sessions.stop();
      await tower.stop();
    },
  };
}

export const guest = (change: Partial<NewSession> = {}): NewSession => ({
  kind: 'guest',
  userId: randomUUID(),
  apiKeyId: null,
  ...change,
});

/** Somebody of the dealership, with an API key of their own. */
export async function staff(
  database: Database,
  organizationId: OrganizationId,
  userId = 'Pat',
): Promise<NewSession> {
  const { id } = await createApiKey(database.orm, organizationId);
  return { kind: 'staff', userId, apiKeyId: id };
}
