/** The Upstash part of the configuration: both variables or none, and no other way to a Redis beside them. */

export interface UpstashConfig {
  readonly url: string;
  readonly token: string;
}

interface UpstashEnvironment {
  readonly USE_REDIS: boolean;
  readonly UPSTASH_REDIS_REST_URL?: string | undefined;
  readonly UPSTASH_REDIS_REST_TOKEN?: string | undefined;
}

type Given = Readonly<Record<string, string | undefined>>;

interface Problem {
  readonly pointer: string;
  readonly detail: string;
}

const URL_NAME = 'UPSTASH_REDIS_REST_URL';
const TOKEN_NAME = 'UPSTASH_REDIS_REST_TOKEN';
/** Each of them says where another Redis is. */
const OTHER_WAYS = ['REDIS_URL', 'REDIS_HOST', 'REDIS_SENTINELS', 'REDIS_CLUSTER_NODES'];
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** @param given the variables that are set, as they are written. */
export function upstashContradictions(given: Given): Problem[] {
  const [url, token] = [given[URL_NAME], given[TOKEN_NAME]];
  if (url === undefined && token === undefined) return [];
  const problems: Problem[] = [];
  if (url === undefined) problems.push({ pointer: URL_NAME, detail: `is needed with ${TOKEN_NAME}` });
  if (token === undefined) problems.push({ pointer: TOKEN_NAME, detail: `is needed with ${URL_NAME}` });
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token.trim())) {
    problems.push({ pointer: TOKEN_NAME, detail: 'must be the token alone, without spaces' });
  }
  for (const pointer of OTHER_WAYS) {
    if (given[pointer] !== undefined) {
      problems.push({ pointer, detail: `cannot go with ${URL_NAME}: that says where the Redis is` });
    }
  }
  if (url !== undefined) problems.push(...inTheUrl(url, given.NODE_ENV));
  return problems;
}

function inTheUrl(text: string, nodeEnv: string | undefined): Problem[] {
  // What is no URL at all has been told already.
  if (!URL.canParse(text)) return [];
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    return [{ pointer: URL_NAME, detail: `must be the address alone; the token goes into ${TOKEN_NAME}` }];
  }
  if (nodeEnv === 'production' && url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    return [{ pointer: URL_NAME, detail: 'must be https in production: the token is in every request' }];
  }
  return [];
}

export function toUpstashConfig(env: UpstashEnvironment): UpstashConfig | undefined {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env;
  if (!env.USE_REDIS || url === undefined || token === undefined) return undefined;
  return { url, token };
}
