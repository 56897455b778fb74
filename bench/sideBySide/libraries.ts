/**
 * The libraries that Jack is measured beside, as far as they are used here. They have a folder of their own
 * (`npm run bench:libraries`), so that who does not measure need not install them; hence no types of theirs.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const HERE = new URL('./libraries/', import.meta.url);
const require = createRequire(HERE);

export const areInstalled = (): boolean => existsSync(new URL('./node_modules/.package-lock.json', HERE));

export interface ValueStore {
  get(name: string): Promise<unknown>;
}

export interface CacheManager {
  mget(names: string[]): Promise<unknown[]>;
  get(name: string): Promise<unknown>;
  set(name: string, value: unknown, ttlMs: number): Promise<unknown>;
  disconnect(): Promise<unknown>;
}

export interface Bento {
  get(options: { key: string }): Promise<unknown>;
  set(options: { key: string; value: unknown; ttl: number }): Promise<unknown>;
  disconnect(): Promise<void>;
}

/** The store builder of bentocache. */
export interface BentoStore {
  useL1Layer(driver: unknown): BentoStore;
  useL2Layer(driver: unknown): BentoStore;
  useBus(driver: unknown): BentoStore;
}

export interface KeyvRedisStore {
  readonly client: unknown;
}

type Create<T, Args extends unknown[]> = new (...args: Args) => T;

export const loadCacheManager = async () => {
  const manager = await load<{ createCache(options: { stores: unknown[] }): CacheManager }>('cache-manager');
  const keyv = await load<{ Keyv: Create<unknown, [object?]> }>('keyv');
  const redis = await load<{ default: Create<KeyvRedisStore, [string]> }>('@keyv/redis');
  return { createCache: manager.createCache, Keyv: keyv.Keyv, KeyvRedis: redis.default };
};

export const loadBento = async () => {
  const bento = await load<{
    BentoCache: Create<Bento, [object]>;
    bentostore(options?: object): BentoStore;
  }>('bentocache');
  const redis = await load<{
    redisDriver(options: object): unknown;
    redisBusDriver(options: object): unknown;
  }>('bentocache/drivers/redis');
  const memory = await load<{ memoryDriver(options: object): unknown }>('bentocache/drivers/memory');
  const { Redis } = await load<{ Redis: Create<Ioredis5, [string]> }>('ioredis');
  return { ...bento, ...redis, ...memory, Redis };
};

/** Its peer is ioredis 5, so it gets that and not Jack's. */
export interface Ioredis5 {
  disconnect(): void;
}

export const versionOf = (name: string): string =>
  (require(`./node_modules/${name}/package.json`) as { version: string }).version;

async function load<T>(name: string): Promise<T> {
  try {
    return (await import(pathToFileURL(require.resolve(name)).href)) as T;
  } catch (error) {
    throw new Error('The libraries are not installed: npm run bench:libraries', { cause: error });
  }
}
