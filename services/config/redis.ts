/** The Redis part of the configuration: which of the ways to reach a server is meant, and what contradicts it. */
import { z } from 'zod';

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** Fits `RedisTarget` of services/redis/options.ts. */
export interface RedisConfig {
  readonly url: string | undefined;
  readonly host: string;
  readonly port: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly tls: boolean;
  /** File with certificates of authorities to trust. */
  readonly tlsCaFile: string | undefined;
  readonly sentinel:
    | { readonly nodes: readonly HostAndPort[]; readonly name: string; readonly password: string | undefined }
    | undefined;
  readonly clusterNodes: readonly HostAndPort[] | undefined;
  readonly poolSize: number;
  readonly connectionTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly maxRetries: number;
  /** Whether the operator named a server: only then is its absence worth a warning. */
  readonly isNamed: boolean;
}

export interface RedisEnvironment {
  readonly REDIS_URL?: string | undefined;
  readonly REDIS_HOST?: string | undefined;
  readonly REDIS_PORT: number;
  readonly REDIS_USERNAME?: string | undefined;
  readonly REDIS_PASSWORD?: string | undefined;
  readonly REDIS_DB: number;
  readonly REDIS_TLS: boolean;
  readonly REDIS_TLS_CA_FILE?: string | undefined;
  readonly REDIS_SENTINELS?: readonly HostAndPort[] | undefined;
  readonly REDIS_SENTINEL_NAME?: string | undefined;
  readonly REDIS_SENTINEL_PASSWORD?: string | undefined;
  readonly REDIS_CLUSTER_NODES?: readonly HostAndPort[] | undefined;
  readonly REDIS_POOL_SIZE: number;
  readonly REDIS_CONNECTION_TIMEOUT: number;
  readonly REDIS_COMMAND_TIMEOUT: number;
  readonly REDIS_MAX_RETRIES: number;
}

/** `host:port,host:port`; an IPv6 address in square brackets. */
export const hostList = z.string().transform((value, context): readonly HostAndPort[] => {
  const items = value.split(',').map((item) => item.trim());
  return items.flatMap((item, n) => {
    const [, host, port] =
      /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]/@]+)):(\d{1,5})$/.exec(item)?.filter(Boolean) ?? [];
    if (host !== undefined && Number(port) >= 1 && Number(port) <= 65_535)
      return { host, port: Number(port) };
    context.addIssue({
      code: 'custom',
      message: `must be host:port,host:port; number ${n + 1} is not host:port`,
    });
    return [];
  });
});

type Given = Readonly<Record<string, string | undefined>>;

interface Problem {
  readonly pointer: string;
  readonly detail: string;
}

/** Settings that cannot all be meant, by what was given, whether or not each is valid. */
export function redisContradictions(given: Given): Problem[] {
  return [...betweenTopologies(given), ...withTheUrl(given), ...withTls(given)];
}

function betweenTopologies(given: Given): Problem[] {
  const problems: Problem[] = [];
  const refuse = (pointer: string, detail: string) => {
    if (given[pointer] !== undefined) problems.push({ pointer, detail });
  };
  if (given.REDIS_SENTINELS !== undefined) {
    refuse('REDIS_CLUSTER_NODES', 'cannot go with REDIS_SENTINELS: a cluster has its own failover');
    for (const name of ['REDIS_URL', 'REDIS_HOST', 'REDIS_PORT']) {
      refuse(name, 'cannot go with REDIS_SENTINELS: the sentinels say where the server is');
    }
    if (given.REDIS_SENTINEL_NAME === undefined) {
      problems.push({ pointer: 'REDIS_SENTINEL_NAME', detail: 'is needed with REDIS_SENTINELS' });
    }
  } else {
    refuse('REDIS_SENTINEL_NAME', 'means something with REDIS_SENTINELS only');
    refuse('REDIS_SENTINEL_PASSWORD', 'means something with REDIS_SENTINELS only');
  }
  if (given.REDIS_CLUSTER_NODES !== undefined) {
    if (given.REDIS_SENTINELS === undefined) {
      for (const name of ['REDIS_URL', 'REDIS_HOST', 'REDIS_PORT']) {
        refuse(name, 'cannot go with REDIS_CLUSTER_NODES: the nodes say where the others are');
      }
    }
    if (Number(given.REDIS_DB ?? 0) !== 0) refuse('REDIS_DB', 'must be 0 with REDIS_CLUSTER_NODES');
    if (Number(given.REDIS_POOL_SIZE ?? 1) !== 1) {
      refuse('REDIS_POOL_SIZE', 'must be 1 with REDIS_CLUSTER_NODES: there is one connection to each node');
    }
  }
  return problems;
}

/** Two settings that say the same are no contradiction. */
function withTheUrl(given: Given): Problem[] {
  if (given.REDIS_URL === undefined || !URL.canParse(given.REDIS_URL)) return [];
  if (given.REDIS_SENTINELS !== undefined || given.REDIS_CLUSTER_NODES !== undefined) return [];
  const url = new URL(given.REDIS_URL);
  const inUrl: Given = {
    REDIS_HOST: url.hostname.replace(/^\[|\]$/g, ''),
    REDIS_PORT: url.port || '6379',
    REDIS_USERNAME: decoded(url.username) || undefined,
    REDIS_PASSWORD: decoded(url.password) || undefined,
    REDIS_DB: url.pathname.slice(1) || undefined,
  };
  return Object.entries(inUrl)
    .filter(([name, value]) => value !== undefined && given[name] !== undefined && given[name] !== value)
    .map(([pointer]) => ({ pointer, detail: 'says something else than REDIS_URL: keep one of the two' }));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    // Not encoded at all: the client refuses it with its own words.
    return part;
  }
}

function withTls(given: Given): Problem[] {
  const wantsTls = z.stringbool().safeParse(given.REDIS_TLS).data;
  const isTlsUrl = given.REDIS_URL === undefined ? undefined : /^rediss:/i.test(given.REDIS_URL);
  if (wantsTls === true && isTlsUrl === false) {
    return [{ pointer: 'REDIS_TLS', detail: 'is true and REDIS_URL begins with redis://: write rediss://' }];
  }
  if (wantsTls === false && isTlsUrl === true) {
    return [{ pointer: 'REDIS_TLS', detail: 'is false and REDIS_URL begins with rediss://' }];
  }
  if (given.REDIS_TLS_CA_FILE !== undefined && wantsTls !== true && isTlsUrl !== true) {
    return [
      { pointer: 'REDIS_TLS_CA_FILE', detail: 'means something with rediss:// or REDIS_TLS=true only' },
    ];
  }
  return [];
}

export function toRedisConfig(env: RedisEnvironment): RedisConfig {
  const { REDIS_SENTINELS: sentinels, REDIS_SENTINEL_NAME: name } = env;
  return {
    // The client knows the scheme in lower case only.
    url: env.REDIS_URL?.replace(/^rediss?:/i, (scheme) => scheme.toLowerCase()),
    host: env.REDIS_HOST ?? 'localhost',
    port: env.REDIS_PORT,
    username: env.REDIS_USERNAME,
    password: env.REDIS_PASSWORD,
    db: env.REDIS_DB,
    tls: env.REDIS_TLS,
    tlsCaFile: env.REDIS_TLS_CA_FILE,
    sentinel:
      sentinels && name !== undefined
        ? { nodes: sentinels, name, password: env.REDIS_SENTINEL_PASSWORD }
        : undefined,
    clusterNodes: env.REDIS_CLUSTER_NODES,
    poolSize: env.REDIS_POOL_SIZE,
    connectionTimeoutMs: env.REDIS_CONNECTION_TIMEOUT,
    commandTimeoutMs: env.REDIS_COMMAND_TIMEOUT,
    maxRetries: env.REDIS_MAX_RETRIES,
    isNamed: [env.REDIS_URL, env.REDIS_HOST, sentinels, env.REDIS_CLUSTER_NODES].some(
      (way) => way !== undefined,
    ),
  };
}
