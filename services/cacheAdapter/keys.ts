/**
 * The only file that builds key names: `{prefix}<kind>:{<organization or conversation>}:…`. The braces are a Redis
 * hash tag, so what one conversation needs lives in one slot. A phone appears only as a keyed hash, since key names
 * show up in slow logs and metrics.
 */
import { createHmac } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { CacheKey, Tag } from '../cache/types.js';
import { JackError } from '../errors.js';
import type {
  AgentConfiguration,
  ConversationId,
  ConversationSnapshot,
  E164,
  LeadId,
  LiveView,
  ModelContext,
  Organization,
  OrganizationId,
  Presence,
  PresenceKind,
  Rev,
  Session,
  Transcript,
} from '../types.js';
import { createSnapshotCodec } from './snapshotCodec.js';
import { type StateKind, TTLS_MS, type Ttls } from './ttls.js';
import type { HistoryPage, ProviderKeyList } from './types.js';

export interface KeyOptions {
  /** `jack:production:` */
  readonly prefix: string;
  readonly phoneHashKey: Buffer;
  readonly ttls?: Partial<Ttls>;
}

export type Keys = ReturnType<typeof createKeys>;

/** Organization of what belongs to nobody yet: the look-up of a number. No organization id can have this form. */
const NOBODY = '-' as OrganizationId;
/** A hash costs more than all else of a name; whoever texts now texts again soon. */
const REMEMBERED_HASHES = 10_000;
const REMEMBERED_KEYS = 5_000;
/** Of its lifetime; whoever asks later than this causes a load in the background. */
const REFRESH_AT = 0.75;
/** Longer than the record takes for an inventory (some 10 ms); a holder that died or was cut off costs the others no more than this. */
const LOAD_LEASE_MS = 120;
/** Longer than the counts of a large organization take. */
const LIVE_VIEW_LEASE_MS = 1_000;
/** A tag or a glob in an id would let one name reach another. */
const UNSAFE = /[{}*?[\]:\s\p{Cc}]/u;
/** What nearly every id is; cheaper to see than that nothing unsafe is in it. */
const PLAIN = /^[A-Za-z0-9._-]{1,200}$/;

/** @throws JackError E_CONFIG_INVALID for a prefix that would shift the hash tag of every name. */
export function createKeys({ prefix, phoneHashKey, ttls = {} }: KeyOptions) {
  if (UNSAFE.test(prefix.replaceAll(':', ''))) {
    throw new JackError('E_CONFIG_INVALID', 'REDIS_KEY_PREFIX must not hold braces, globs or white space.');
  }
  const digest = (text: string): string =>
    createHmac('sha256', phoneHashKey).update(text).digest('hex').slice(0, 32);
  const hashes = new LRUCache<string, string>({ max: REMEMBERED_HASHES });
  function hash(text: string): string {
    const known = hashes.get(text);
    if (known !== undefined) return known;
    const made = digest(text);
    hashes.set(text, made);
    return made;
  }
  function key<T>(
    kind: StateKind,
    freshness: CacheKey<T>['freshness'],
    organizationId: OrganizationId,
    tag: string,
    ...rest: readonly string[]
  ): CacheKey<T> {
    refuseUnsafe(tag);
    let name = `${prefix}${kind}:{${tag}}`;
    for (const part of rest) {
      refuseUnsafe(part);
      name += `:${part}`;
    }
    return {
      name,
      kind,
      organizationId,
      freshness,
      ttlMs: ttls[kind] ?? TTLS_MS[kind],
      tags: [tags.organization(organizationId)],
    };
  }
  const snapshotCodec = createSnapshotCodec();
  const snapshots = rememberedKeys<ConversationSnapshot>();
  const leadIds = rememberedKeys<LeadId>();
  return {
    tags,
    snapshot: (organizationId: OrganizationId, id: ConversationId): CacheKey<ConversationSnapshot> =>
      snapshots(organizationId, id, () => ({
        ...key<ConversationSnapshot>('snapshot', 'checked', organizationId, id),
        codec: snapshotCodec,
      })),
    history: (organizationId: OrganizationId, id: LeadId) =>
      key<HistoryPage>('history', 'checked', organizationId, id),
    phoneToLead: (organizationId: OrganizationId, phone: E164): CacheKey<LeadId> =>
      leadIds(organizationId, phone, () =>
        key<LeadId>('phoneToLead', 'timed', organizationId, organizationId, hash(phone)),
      ),
    leadToPhone: (organizationId: OrganizationId, id: LeadId) =>
      key<E164>('leadToPhone', 'timed', organizationId, organizationId, id),
    organization: (organizationId: OrganizationId, rev: Rev) =>
      settings(key<Organization>('organization', 'immutable', organizationId, organizationId, rev)),
    organizationByNumber: (account: string, phone: E164) =>
      key<OrganizationId>('organizationByNumber', 'timed', NOBODY, hash(`${account} ${phone}`)),
    agent: (organizationId: OrganizationId, rev: Rev) =>
      settings(key<AgentConfiguration>('agent', 'immutable', organizationId, organizationId, rev)),
    /** Who looks a session up does not know its organization yet; who stores or drops it does. */
    session: (tokenHash: string, organizationId: OrganizationId = NOBODY) =>
      key<Session>('session', 'checked', organizationId, tokenHash),
    liveView: (organizationId: OrganizationId): CacheKey<LiveView> => ({
      ...key<LiveView>('liveView', 'timed', organizationId, organizationId),
      loadLeaseMs: LIVE_VIEW_LEASE_MS,
    }),
    modelContext: (organizationId: OrganizationId, id: ConversationId) =>
      key<ModelContext>('modelContext', 'checked', organizationId, id),
    presence: (organizationId: OrganizationId, id: ConversationId, kind: PresenceKind) =>
      key<Presence>(kind, 'timed', organizationId, id),
    /** @param prompt normalised; as a hash, since people write their names and numbers into questions. */
    answer: (organizationId: OrganizationId, rev: Rev, model: string, prompt: string) =>
      key<string>(
        'answer',
        'immutable',
        organizationId,
        organizationId,
        rev,
        digest(JSON.stringify([model, prompt])),
      ),
    /** The library's id may hold anything, a name too. */
    transcript: (organizationId: OrganizationId, id: string) =>
      key<Transcript>('transcript', 'checked', organizationId, organizationId, hash(id)),
    providerKeys: (organizationId: OrganizationId) =>
      key<ProviderKeyList>('providerKey', 'checked', organizationId, organizationId),
    /** The sorted set that lists the values of a tag. */
    index: (tag: Tag): string => `${prefix}index:{${tag}}`,
    probe: `${prefix}probe`,
    owns: (name: string): boolean => name.startsWith(prefix),
    /** Counters of services/rateLimits.ts. They live for a window and are cleared by nobody, so they have no tags. */
    limits: {
      ofOrganization: (organizationId: OrganizationId, limit: string, credential?: string): string => {
        refuseUnsafe(organizationId);
        const whose = credential === undefined ? '' : `:${hash(credential)}`;
        return `${prefix}limit:{${organizationId}}:${limit}${whose}`;
      },
      ofOutsider: (limit: string, subject: string): string => `${prefix}limit:{${hash(subject)}}:${limit}`,
    },
  };
}

/** A turn uses the same keys twice, and the next turn again. A subject has one organization, nearly always. */
function rememberedKeys<T>() {
  const keys = new LRUCache<string, CacheKey<T>>({ max: REMEMBERED_KEYS });
  return (organizationId: OrganizationId, subject: string, make: () => CacheKey<T>): CacheKey<T> => {
    const known = keys.get(subject);
    if (known?.organizationId === organizationId) return known;
    const made = make();
    keys.set(subject, made);
    return made;
  };
}

/**
 * What a whole dealership's turns need: it is loaded anew before it expires, and after a change of settings by one of
 * the processes that want it.
 */
const settings = <T>(key: CacheKey<T>): CacheKey<T> => ({
  ...key,
  refreshAfterMs: key.ttlMs * REFRESH_AT,
  loadLeaseMs: LOAD_LEASE_MS,
});

/** What belongs to one lead or conversation has names that follow from its id, so it needs no list of its own. */
const tags = {
  organization: (organizationId: OrganizationId): Tag => {
    refuseUnsafe(organizationId);
    return organizationId as string as Tag;
  },
};

function refuseUnsafe(part: string): void {
  if (PLAIN.test(part)) return;
  if (part === '' || part.length > 200 || UNSAFE.test(part)) {
    throw new JackError('E_INPUT_INVALID', 'An id with such characters cannot name state.');
  }
}
