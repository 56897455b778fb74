/** Moves entries of other servers into the record: each in one transaction, idempotent, never over something newer. */
import type { ImportsRecord } from '../../redis-migration.js';
import type { Clock } from '../clock.js';
import { type Database, isRecordAway, type Orm, sqlState } from '../db/client.js';
import { asError, JackError } from '../errors.js';
import type { Applied, ImportItem } from '../migration/types.js';
import type { Secrets } from '../secrets.js';
import {
  applyChat,
  applyProviderKey,
  readProviderKeys,
  readProviderKeysRev,
  readTranscript,
  readTranscriptRev,
} from './imports/chats.js';
import { applyToConversation } from './imports/conversations.js';
import { createLedger } from './imports/ledger.js';
import { applyAgent, applyOrganization } from './imports/organizations.js';
import { applyLead, type ImportDeps } from './imports/people.js';

export interface ImportRecordDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  readonly clock: Clock;
}

/** Serialization, deadlock, lock timeout, and a row that another process made in the same moment. */
const WORTH_A_RETRY = new Set(['40001', '40P01', '55P03', '23505']);
const ATTEMPTS = 4;
const KEEPS_ITS_ENTRY = new Set<ImportItem['kind']>([
  'conversationHistory',
  'conversationContexts',
  'conversationSummaries',
]);

export function createImportRecord(deps: ImportRecordDeps): ImportsRecord {
  const { database } = deps;
  const ledger = createLedger(database, deps.secrets);
  const parts = { database, ledger };
  return {
    areKnown: (items) => ledger.areKnown(items),
    readTranscriptRev: (organizationId, id) => readTranscriptRev(database, organizationId, id),
    readTranscript: (organizationId, id) => readTranscript(database, organizationId, id),
    readProviderKeysRev: (organizationId) => readProviderKeysRev(database, organizationId),
    readProviderKeys: (organizationId) => readProviderKeys(database, organizationId),
    apply: async (item, { isDryRun }) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await inTransaction(database, isDryRun, (tx) => apply(deps, parts, tx, item));
        } catch (error) {
          if (attempt < ATTEMPTS && WORTH_A_RETRY.has(sqlState(error) ?? '')) continue;
          // Class 22 is about the data: a character that no column takes.
          if (sqlState(error)?.startsWith('22')) return { outcome: 'invalid', reason: 'not_storable' };
          if (!isRecordAway(error)) throw error;
          throw new JackError('E_DB_UNAVAILABLE', 'The record went away during an import.', {
            cause: asError(error),
          });
        }
      }
    },
  };
}

async function apply(deps: ImportRecordDeps, parts: ImportDeps, tx: Orm, item: ImportItem): Promise<Applied> {
  const { database } = deps;
  const { organizationId } = item;
  if (item.kind === 'organizations') return await applyOrganization(database, tx, organizationId, item.value);
  const key = parts.ledger.keyOf(item);
  const contentHash = parts.ledger.contentHashOf(item);
  const known = await parts.ledger.readWithOrganization(key, tx);
  if (!known) return { outcome: 'invalid', reason: 'organization_unknown' };
  if (known.contentHash === contentHash) return { outcome: 'skipped' };
  const applied = await applyPart(deps, parts, tx, item);
  // Conversations write their own entry, under the row's lock.
  const isSettled = applied.outcome === 'written' || applied.outcome === 'skipped';
  if (isSettled && !KEEPS_ITS_ENTRY.has(item.kind)) {
    await parts.ledger.write(key, { contentHash, baseRev: null }, tx);
  }
  return applied;
}

async function applyPart(
  deps: ImportRecordDeps,
  parts: ImportDeps,
  tx: Orm,
  item: ImportItem,
): Promise<Applied> {
  const { database, secrets, clock } = deps;
  const { organizationId } = item;
  switch (item.kind) {
    case 'organizations':
      return await applyOrganization(database, tx, organizationId, item.value);
    case 'agentConfigs':
      return await applyAgent(database, tx, organizationId, item.value);
    case 'phoneToLead':
    case 'leadToPhone':
      return await applyLead(parts, tx, item);
    case 'conversations': {
      const contentHash = parts.ledger.contentHashOf(item);
      return await applyChat(database, tx, { organizationId, contentHash }, item.value);
    }
    case 'keys': {
      const keyHash = parts.ledger.keyOf(item).sourceKey;
      return await applyProviderKey(database, tx, secrets, { organizationId, keyHash }, item.value);
    }
    case 'conversationHistory':
    case 'conversationContexts':
    case 'conversationSummaries':
      return await applyToConversation(parts, tx, item, clock.now());
    default:
      return item satisfies never;
  }
}

/** Carries the answer out of a transaction that is rolled back. */
class DryRun extends Error {
  override readonly name = 'DryRun';
  readonly applied: Applied;
  constructor(applied: Applied) {
    super('dry run');
    this.applied = applied;
  }
}

async function inTransaction(
  database: Database,
  isDryRun: boolean,
  work: (tx: Orm) => Promise<Applied>,
): Promise<Applied> {
  try {
    return await database.transaction(async (tx) => {
      const applied = await work(tx);
      if (isDryRun) throw new DryRun(applied);
      return applied;
    });
  } catch (error) {
    if (error instanceof DryRun) return error.applied;
    throw error;
  }
}
