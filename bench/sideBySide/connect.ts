import { Redis } from 'ioredis';
import { commandOptions } from '../../services/redis/options.js';
import { targetOf } from '../towerStage.js';

/** A connection with the options of Jack's own. */
export async function connect(url: string): Promise<Redis> {
  const redis = new Redis(url, commandOptions(targetOf(url), Math.random));
  await redis.connect();
  return redis;
}
