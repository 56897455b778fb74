/** The door's transaction: lock, decide, store decision, message and outbox row. */
import type { Database, Orm } from '../db/client.js';
import type { ConversationId } from '../types.js';
import { type Commit, updateConversations } from './conversationRows.js';
import { raiseDoorAlerts } from './doorAlerts.js';
import { countDays } from './facts.js';
import { lockHeads } from './heads.js';
import {
  type AnyRequest,
  type DoorConditions,
  type Entry,
  planRequest,
  readSituation,
  sentToday,
} from './plan.js';
import { insertTexts } from './textRows.js';
import type { OutboundRequest, OutboundResult } from './types.js';

/** @returns one result a request, in order; undefined where the organization has no such conversation. */
export async function commitOutbound(
  database: Database,
  requests: readonly OutboundRequest[],
  conditions: DoorConditions,
): Promise<(OutboundResult | undefined)[]> {
  return await database.transaction((tx) => commitWithin(database, tx, requests, conditions));
}

/** The same in a transaction of the caller's, for answers that belong to what it stores. */
export async function commitWithin(
  database: Database,
  tx: Orm,
  requests: readonly AnyRequest[],
  conditions: DoorConditions,
): Promise<(OutboundResult | undefined)[]> {
  const heads = await lockHeads(
    database,
    tx,
    requests.map(({ conversationId }) => conversationId),
  );
  const situation = {
    ...conditions,
    ...(await readSituation(database, tx, requests, heads, conditions.nowMs)),
  };
  const plan = requests.map((request) => planRequest(request, heads, situation));
  const commits = await updateConversations(database, tx, plan);
  await insertTexts(tx, plan);
  await countDays(tx, sentToday(plan, situation));
  await raiseDoorAlerts(database, tx, plan);
  return plan.map((entry) => resultOf(entry, commits));
}

function resultOf(entry: Entry, commits: Map<ConversationId, Commit>): OutboundResult | undefined {
  const { decision, allowed, request } = entry;
  if (!decision) return undefined;
  if (!decision.allowed) {
    const { code, reason, retryAtMs } = decision;
    return {
      allowed: false,
      code,
      reason,
      ...(retryAtMs === undefined ? {} : { retryAt: isoOf(retryAtMs) }),
    };
  }
  const commit = commits.get(request.conversationId);
  if (!allowed || !commit) throw new Error('An allowed text has no commit.');
  const message = { ...allowed.message, createdAt: new Date(commit.at).toISOString() };
  const { head, scheduledForMs } = allowed;
  const isNextInContext = commit.lastSeq === message.seq && scheduledForMs === undefined;
  return {
    allowed: true,
    message,
    rev: commit.rev,
    follows: isNextInContext ? head.baseRev : null,
    phone: head.phone,
    ...(scheduledForMs === undefined ? {} : { scheduledFor: isoOf(scheduledForMs) }),
  };
}

const isoOf = (ms: number): string => new Date(ms).toISOString();
