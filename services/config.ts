/**
 * The only reader of the environment. One schema describes every variable; `loadConfig` reports everything that is
 * wrong at once. `.env.example` is tested equal to it. An empty value means "not set".
 */
import { isIP } from 'node:net';
import { z } from 'zod';
import { type MediaConfig, mediaContradictions, toMediaConfig } from './config/media.js';
import { hostList, type RedisConfig, redisContradictions, toRedisConfig } from './config/redis.js';
import { toUpstashConfig, type UpstashConfig, upstashContradictions } from './config/upstash.js';
import { JackError } from './errors.js';

const integer = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((n) => n >= least && n <= most, `must be between ${least} and ${most}`);
const yesNo = z.stringbool({ error: 'must be true or false' });
const text = z.string().trim().min(1);
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' });
/** A number of hops, or addresses, networks and express's names of networks. */
const proxies = z
  .string()
  .trim()
  .refine(areProxies, 'must be a number of hops, or a list such as loopback, 10.0.0.0/8')
  .transform((value) => (/^\d+$/.test(value) ? Number(value) : value));
const secret = z.string().min(16, 'must have at least 16 characters');

const schema = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  PORT: integer(0, 65_535).default(3001),
  HOST: text.optional(),
  PUBLIC_URL: httpUrl.optional(),
  TRUST_PROXY: proxies.default('loopback'),
  LOG_LEVEL: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' }).optional(),
  DATA_DIR: text.default('./data'),
  ADMIN_API_KEY: secret.optional(),
  SESSION_SECRET: secret.optional(),
  METRICS_TOKEN: secret.optional(),

  USE_REDIS: yesNo.default(true),
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'must be a redis:// or rediss:// URL' }).optional(),
  REDIS_HOST: text.optional(),
  REDIS_PORT: integer(1, 65_535).default(6379),
  REDIS_USERNAME: text.optional(),
  REDIS_PASSWORD: text.optional(),
  REDIS_DB: integer(0, 1_000).default(0),
  REDIS_TLS: yesNo.default(false),
  REDIS_TLS_CA_FILE: text.optional(),
  REDIS_CLUSTER_NODES: hostList.optional(),
  REDIS_SENTINELS: hostList.optional(),
  REDIS_SENTINEL_NAME: text.optional(),
  REDIS_SENTINEL_PASSWORD: text.optional(),
  UPSTASH_REDIS_REST_URL: httpUrl.optional(),
  UPSTASH_REDIS_REST_TOKEN: text.optional(),
  REDIS_KEY_PREFIX: text.max(100).optional(),
  REDIS_POOL_SIZE: integer(1, 100).default(1),
  REDIS_CONNECTION_TIMEOUT: integer(50, 60_000).default(500),
  REDIS_COMMAND_TIMEOUT: integer(20, 60_000).default(500),
  REDIS_MAX_RETRIES: integer(0, 100).default(0),
  REDIS_FALLBACK_ENABLED: yesNo.default(true),
  REDIS_FALLBACK_MAX_MEMORY: integer(1, 100_000).default(100),

  TWILIO_ACCOUNT_SID: z
    .string()
    .regex(/^AC[0-9a-fA-F]{32}$/, 'must be AC and 32 hexadecimal digits')
    .optional(),
  TWILIO_AUTH_TOKEN: text.optional(),
  TWILIO_AUTH_TOKEN_SECONDARY: text.optional(),
  TWILIO_API_BASE_URL: httpUrl.default('https://api.twilio.com'),

  MEDIA_S3_ENDPOINT: httpUrl.optional(),
  MEDIA_S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .optional(),
  MEDIA_S3_REGION: text.default('us-east-1'),
  MEDIA_S3_ACCESS_KEY_ID: text.optional(),
  MEDIA_S3_SECRET_ACCESS_KEY: text.optional(),

  ELEVENLABS_WEBHOOK_SECRET: secret.optional(),

  OPENAI_API_KEY: text.optional(),
  OPENAI_BASE_URL: httpUrl.optional(),
  OPENAI_MODEL: text.optional(),

  REPLY_WINDOW_MS: integer(0, 60_000).default(1500),
  REPLY_MAX_WAIT_MS: integer(0, 300_000).default(8000),

  ARCHIVE_AFTER_DAYS: integer(0, 36_500).default(90),
  WARM_HOURS: integer(0, 48).default(2),
});

function areProxies(value: string): boolean {
  if (/^\d{1,2}$/.test(value)) return true;
  return value.split(',').every((item) => {
    const [, address = '', bits] = /^\s*([^/\s]+)(?:\/(\d{1,3}))?\s*$/.exec(item) ?? [];
    const version = isIP(address);
    if (version === 0) return bits === undefined && /^(loopback|linklocal|uniquelocal)$/.test(address);
    return bits === undefined || (Number(bits) > 0 && Number(bits) <= (version === 4 ? 32 : 128));
  });
}

type Environment = z.output<typeof schema>;

/** Names of all variables, in the order of the schema. */
export const ENVIRONMENT_NAMES = Object.keys(schema.shape) as readonly (keyof Environment)[];

export interface Config {
  readonly nodeEnv: 'development' | 'test' | 'production';
  readonly host: string;
  readonly port: number;
  /** Base of every URL that outsiders use, without a trailing slash; undefined means "where we listen". */
  readonly publicUrl: string | undefined;
  /** Whose X-Forwarded-For counts: a number of hops, or addresses and networks as express takes them. */
  readonly trustProxy: number | string;
  readonly logLevel: 'error' | 'warn' | 'info' | 'debug';
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  readonly adminApiKey: string | undefined;
  readonly sessionSecret: string | undefined;
  /** Bearer token of `/metrics`, which is open without one, and not offered in production. */
  readonly metricsToken: string | undefined;
  /** Undefined when USE_REDIS=false: the Map is then the chosen store, not a fallback. */
  readonly redis: RedisConfig | undefined;
  /** When there is one it is the Redis, and of `redis` only the times count. */
  readonly upstash: UpstashConfig | undefined;
  readonly redisKeyPrefix: string;
  readonly fallback: { readonly isEnabled: boolean; readonly maxBytes: number };
  readonly twilio: {
    readonly accountSid: string | undefined;
    /** Primary first. Empty: no signature can be checked for the default account. */
    readonly authTokens: readonly string[];
    readonly apiBaseUrl: string;
  };
  readonly media: MediaConfig;
  /** Of the voice agent's webhooks; undefined: they are closed. */
  readonly voiceSecret: string | undefined;
  readonly hasModelSettings: boolean;
  readonly reply: { readonly windowMs: number; readonly maxWaitMs: number };
  /** A conversation in which nothing was said for so long goes into the archive; 0: none does. */
  readonly archiveAfterDays: number;
  /** Conversations of so many hours are read ahead after the start; 0: none. */
  readonly warmHours: number;
}

type Source = Readonly<Record<string, string | undefined>>;

/** @throws JackError E_CONFIG_INVALID with one problem per bad variable; values are never repeated in it. */
export function loadConfig(source: Source): Config {
  const given = Object.fromEntries(
    ENVIRONMENT_NAMES.map((name) => [name, source[name]] as const).filter(([, value]) => value?.trim()),
  );
  const parsed = schema.safeParse(given);
  const problems = parsed.success
    ? crossChecks(parsed.data)
    : parsed.error.issues.map((issue) => ({ pointer: String(issue.path[0]), detail: issue.message }));
  problems.push(
    ...redisContradictions(given),
    ...upstashContradictions(given),
    ...mediaContradictions(given),
  );
  if (!parsed.success || problems.length > 0) {
    const list = problems.map(({ pointer, detail }) => `  ${pointer}: ${detail}`).join('\n');
    throw new JackError('E_CONFIG_INVALID', `These settings are not valid:\n${list}`, { problems });
  }
  return toConfig(parsed.data);
}

interface Problem {
  readonly pointer: string;
  readonly detail: string;
}

function crossChecks(env: Environment): Problem[] {
  const problems: Problem[] = [];
  const require = (name: keyof Environment, reason: string) => {
    if (env[name] === undefined) problems.push({ pointer: name, detail: reason });
  };
  if (env.NODE_ENV === 'production') {
    require('ADMIN_API_KEY', 'is needed in production');
    require('SESSION_SECRET', 'is needed in production');
    require('PUBLIC_URL', 'is needed in production: webhook signatures are made over it');
    require('TWILIO_ACCOUNT_SID', 'is needed in production');
    require('TWILIO_AUTH_TOKEN', 'is needed in production: it proves that a webhook is from Twilio');
  }
  if (env.TWILIO_ACCOUNT_SID) require('TWILIO_AUTH_TOKEN', 'is needed with TWILIO_ACCOUNT_SID');
  if (env.TWILIO_AUTH_TOKEN) require('TWILIO_ACCOUNT_SID', 'is needed with TWILIO_AUTH_TOKEN');
  if (env.TWILIO_AUTH_TOKEN_SECONDARY)
    require('TWILIO_AUTH_TOKEN', 'is needed with TWILIO_AUTH_TOKEN_SECONDARY');
  if (env.REPLY_MAX_WAIT_MS > 0 && env.REPLY_MAX_WAIT_MS < env.REPLY_WINDOW_MS) {
    problems.push({ pointer: 'REPLY_MAX_WAIT_MS', detail: 'must not be shorter than REPLY_WINDOW_MS' });
  }
  return problems;
}

function toConfig(env: Environment): Config {
  const isProduction = env.NODE_ENV === 'production';
  return {
    nodeEnv: env.NODE_ENV,
    host: env.HOST ?? (isProduction ? '0.0.0.0' : '127.0.0.1'),
    port: env.PORT,
    publicUrl: env.PUBLIC_URL?.replace(/\/+$/, ''),
    trustProxy: env.TRUST_PROXY,
    logLevel: env.LOG_LEVEL,
    databaseUrl: env.DATABASE_URL,
    dataDir: env.DATA_DIR,
    adminApiKey: env.ADMIN_API_KEY,
    sessionSecret: env.SESSION_SECRET,
    metricsToken: env.METRICS_TOKEN,
    redis: env.USE_REDIS ? toRedisConfig(env) : undefined,
    upstash: toUpstashConfig(env),
    redisKeyPrefix: (env.REDIS_KEY_PREFIX ?? 'jack:{env}:').replaceAll('{env}', env.NODE_ENV),
    fallback: {
      isEnabled: env.REDIS_FALLBACK_ENABLED,
      maxBytes: env.REDIS_FALLBACK_MAX_MEMORY * 1024 * 1024,
    },
    twilio: {
      accountSid: env.TWILIO_ACCOUNT_SID,
      authTokens: [env.TWILIO_AUTH_TOKEN, env.TWILIO_AUTH_TOKEN_SECONDARY].filter(
        (token) => token !== undefined,
      ),
      apiBaseUrl: env.TWILIO_API_BASE_URL.replace(/\/+$/, ''),
    },
    media: toMediaConfig(env),
    voiceSecret: env.ELEVENLABS_WEBHOOK_SECRET,
    hasModelSettings: (env.OPENAI_API_KEY ?? env.OPENAI_BASE_URL ?? env.OPENAI_MODEL) !== undefined,
    // REPLY_MAX_WAIT_MS 0 means "answer at once": then no window applies either.
    reply: {
      windowMs: env.REPLY_MAX_WAIT_MS === 0 ? 0 : env.REPLY_WINDOW_MS,
      maxWaitMs: env.REPLY_MAX_WAIT_MS,
    },
    archiveAfterDays: env.ARCHIVE_AFTER_DAYS,
    warmHours: env.WARM_HOURS,
  };
}
