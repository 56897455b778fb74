/** `npm run demo:reset`: removes the embedded record, so that the next start begins afresh. */
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import dotenv from 'dotenv';
import { loadConfig } from '../services/config.js';
import { lockDataDirectory } from '../services/db/dataDirectoryLock.js';

try {
  dotenv.config({ quiet: true });
  const config = loadConfig(process.env);
  const record = path.join(config.dataDir, 'record');
  if (config.databaseUrl) {
    throw new Error('DATABASE_URL is set: this command only removes an embedded record.');
  }
  if (!existsSync(record)) {
    console.log(`There is no embedded record in ${config.dataDir}.`);
  } else {
    // Refuses while a Jack runs on it.
    const lock = lockDataDirectory(config.dataDir);
    rmSync(record, { recursive: true, force: true });
    lock.release();
    console.log(`The embedded record in ${config.dataDir} is gone. "npm start" begins afresh.`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
