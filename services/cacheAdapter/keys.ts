/**
 * The only file that builds key names: `{prefix}<kind>:{<organization or conversation>}:…`. The braces are a Redis
 * hash tag, so what one conversation needs lives in one slot. A phone appears only as a keyed hash, since key names
 * show up in slow logs and metrics.
 */
import { createHmac } from 'node:crypto';
import type { CacheKey } from '../cache/types.js';
import { JackError } from '../errors.js';
import type {
  AgentConfiguration,
  ConversationId,
  ConversationSnapshot,
  E164,
  LeadId,
  Organization,
  OrganizationId,
  Rev,
} from '../types.js';
import { type StateKind, TTLS_MS, type Ttls } from './ttls.js';
import type { HistoryPage } from './types.js';

export interface KeyOptions {
  /** `jack:production:` */
  readonly prefix: string;
  readonly phoneHashKey: Buffer;
  readonly ttls?: Partial<Ttls>;
}

export type Keys = ReturnType<typeof createKeys>;

/** Organization of what belongs to nobody yet: the look-up of a number. No organization id can have this form. */
const NOBODY = '-' as OrganizationId;
/** A tag or a glob in an id would let one name reach another. */
const UNSAFE = /[{}*?[\]:\s\p{Cc}]/u;

/** @throws JackError E_CONFIG_INVALID for a prefix that would shift the hash tag of every name. */
export function createKeys({ prefix, phoneHashKey, ttls = {} }: KeyOptions) {
  if (UNSAFE.test(prefix.replaceAll(':', ''))) {
    throw new JackError('E_CONFIG_INVALID', 'REDIS_KEY_PREFIX must not hold braces, globs or white space.');
  }
  const hash = (text: string) => createHmac('sha256', phoneHashKey).update(text).digest('hex').slice(0, 32);
  function key<T>(
    kind: StateKind,
    freshness: CacheKey<T>['freshness'],
    organizationId: OrganizationId,
    tag: string,
    ...rest: readonly string[]
  ): CacheKey<T> {
    for (const part of [tag, ...rest]) refuseUnsafe(part);
    const name = [`${prefix}${kind}:{${tag}}`, ...rest].join(':');
    return { name, kind, organizationId, freshness, ttlMs: ttls[kind] ?? TTLS_MS[kind] };
  }
  return {
    snapshot: (organizationId: OrganizationId, id: ConversationId) =>
      key<ConversationSnapshot>('snapshot', 'checked', organizationId, id),
    history: (organizationId: OrganizationId, id: LeadId) =>
      key<HistoryPage>('history', 'checked', organizationId, id),
    phoneToLead: (organizationId: OrganizationId, phone: E164) =>
      key<LeadId>('phoneToLead', 'timed', organizationId, organizationId, hash(phone)),
    leadToPhone: (organizationId: OrganizationId, id: LeadId) =>
      key<E164>('leadToPhone', 'timed', organizationId, organizationId, id),
    organization: (organizationId: OrganizationId, rev: Rev) =>
      key<Organization>('organization', 'immutable', organizationId, organizationId, rev),
    organizationByNumber: (account: string, phone: E164) =>
      key<OrganizationId>('organizationByNumber', 'timed', NOBODY, hash(`${account} ${phone}`)),
    agent: (organizationId: OrganizationId, rev: Rev) =>
      key<AgentConfiguration>('agent', 'immutable', organizationId, organizationId, rev),
    /** The sorted set that lists an organization's values. */
    index: (organizationId: OrganizationId): string => {
      refuseUnsafe(organizationId);
      return `${prefix}index:{${organizationId}}`;
    },
    probe: `${prefix}probe`,
  };
}

function refuseUnsafe(part: string): void {
  if (part === '' || part.length > 200 || UNSAFE.test(part)) {
    throw new JackError('E_INPUT_INVALID', 'An id with such characters cannot name state.');
  }
}
