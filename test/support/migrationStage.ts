/** A state door over a record and a cache in memory, as services/tower.ts puts it together, and legacy Maps. */

import { systemClock } from '../../services/clock.js';
import { loadConfig } from '../../services/config.js';
import type { Database } from '../../services/db/client.js';
import { createSecrets, type Secrets } from '../../services/secrets.js';
import { createTower, type Tower } from '../../services/tower.js';
import { silentLogger } from './testDatabase.js';

export interface MigrationStage {
  readonly tower: Tower;
  readonly secrets: Secrets;
}

export async function openMigrationStage(
  database: Database,
  env: Readonly<Record<string, string>> = { USE_REDIS: 'false' },
): Promise<MigrationStage> {
  const secrets = createSecrets('a test secret that is long');
  const tower = await createTower({
    config: loadConfig({ NODE_ENV: 'test', ...env }),
    database,
    secrets,
    logger: silentLogger,
    clock: systemClock,
    random: () => 0,
  });
  return { tower, secrets };
}

/** A history of `count` texts, one a minute, in turns, the last a minute before `endMs`. */
export function legacyHistory(
  count: number,
  endMs: number,
): { role: string; content: string; timestamp: string }[] {
  return Array.from({ length: count }, (_, index) => ({
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `text ${index + 1}`,
    timestamp: new Date(endMs - (count - index) * 60_000).toISOString(),
  }));
}
