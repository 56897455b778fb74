/**
 * Whose account is this? The deployment's own account comes from the configuration, an organization's own from the
 * record. Tokens are read for checking signatures and for sending.
 */
import { sql } from 'drizzle-orm';
import { LRUCache } from 'lru-cache';
import type { Config } from './config.js';
import type { Database } from './db/client.js';
import { JackError } from './errors.js';
import type { Secrets } from './secrets.js';
import type { OrganizationId } from './types.js';

export interface TwilioAccounts {
  /**
   * Tokens that a webhook of this account may be signed with. Empty: none is configured, which only a development
   * configuration allows. Undefined: nobody here has this account, and the webhook is refused.
   */
  authTokensFor(accountSid: string): Promise<readonly string[] | undefined>;
  /** @throws JackError E_CONFLICT when the organization's account has no usable token. */
  credentialsFor(
    organizationId: OrganizationId,
    account: string,
  ): Promise<{ accountSid: string; authToken: string }>;
}

const ACCOUNT_SID = /^AC[0-9a-zA-Z]{32}$/;
/** How long a changed token may go unnoticed by another process. */
const TOKENS_TTL_MS = 30_000;

export function createTwilioAccounts(deps: {
  readonly config: Config['twilio'];
  readonly database: Database;
  readonly secrets: Secrets;
}): TwilioAccounts {
  const { config, database, secrets } = deps;
  const cache = new LRUCache<string, readonly string[]>({ max: 1_000, ttl: TOKENS_TTL_MS });
  /** Apart: a flood of made-up accounts pushes out its own kind and not those that are in use. */
  const unknown = new LRUCache<string, readonly string[]>({ max: 1_000, ttl: TOKENS_TTL_MS });
  const ownTokens = async (accountSid: string): Promise<readonly string[]> => {
    const cached = cache.get(accountSid) ?? unknown.get(accountSid);
    if (cached) return cached;
    const rows = await database.query<{ id: OrganizationId; sealed: string }>(
      sql`select id, twilio_auth_token_sealed as sealed from organizations
        where twilio_account_sid = ${accountSid} and twilio_auth_token_sealed is not null`,
    );
    const tokens = [...new Set(rows.map(({ id, sealed }) => secrets.unseal(id, sealed)))];
    (tokens.length > 0 ? cache : unknown).set(accountSid, tokens);
    return tokens;
  };
  return {
    authTokensFor: async (accountSid) => {
      if (!ACCOUNT_SID.test(accountSid)) return undefined;
      if (accountSid === config.accountSid) return config.authTokens;
      const tokens = await ownTokens(accountSid);
      if (tokens.length > 0) return tokens;
      return config.accountSid === undefined ? [] : undefined;
    },
    credentialsFor: async (_organizationId, account) => {
      const accountSid = account === 'default' ? config.accountSid : account;
      const [authToken] = accountSid === undefined ? [] : await tokensOf(accountSid);
      if (accountSid === undefined || authToken === undefined) {
        throw new JackError('E_CONFLICT', 'The Twilio account of this number has no auth token.');
      }
      return { accountSid, authToken };
    },
  };

  async function tokensOf(accountSid: string): Promise<readonly string[]> {
    return accountSid === config.accountSid ? config.authTokens : await ownTokens(accountSid);
  }
}
