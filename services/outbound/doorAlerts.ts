/** Alerts of the door: those that were asked for with a text, and that a shopper is left without an answer. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import { uuidList } from '../db/sqlHelpers.js';
import type { ErrorCode } from '../errors.js';
import { withHandoffAlert } from '../ownership/handoffAlerts.js';
import { raiseAlerts, type StaffAlert } from '../record/alerts.js';
import type { ConversationId } from '../types.js';
import type { Entry } from './plan.js';

export async function raiseDoorAlerts(database: Database, tx: Orm, plan: readonly Entry[]): Promise<void> {
  const stops = await newStops(database, tx, plan.flatMap(stopOf));
  await raiseAlerts(tx, [...plan.flatMap(alertsOf), ...stops]);
}

const alertsOf = ({ request, allowed }: Entry): StaffAlert[] =>
  allowed && request.origin !== 'rule'
    ? withHandoffAlert(
        request.alerts ?? [],
        request.origin === 'assistant' ? request.turn.handoff : undefined,
      ).map(({ kind, reason, details }) => ({
        organizationId: request.organizationId,
        conversationId: request.conversationId,
        kind,
        reason,
        ...(details ? { details } : {}),
      }))
    : [];

/** The shopper has no answer and gets none from the assistant any more: a person has to know. */
function stopOf({ request, decision }: Entry): StaffAlert[] {
  if (request.origin !== 'assistant' || !decision || decision.allowed) return [];
  if (!STOPS.has(decision.code)) return [];
  return [
    {
      organizationId: request.organizationId,
      conversationId: request.conversationId,
      kind: 'sending_stopped',
      reason: `A reply was not sent: ${decision.reason}.`,
      details: { code: decision.code },
    },
  ];
}

const STOPS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'E_CONFLICT',
  'E_NOT_TEXTABLE',
  'E_NOT_REGISTERED',
  'E_TEXT_TOO_LONG',
  'E_BUDGET_SPENT',
  'E_SENDING_OFF',
]);

/** One a conversation, until somebody has seen to it. */
async function newStops(database: Database, tx: Orm, stops: readonly StaffAlert[]): Promise<StaffAlert[]> {
  if (stops.length === 0) return [];
  const ids = stops.flatMap(({ conversationId }) => conversationId ?? []);
  const open = await database.query<{ id: ConversationId }>(
    sql`select distinct conversation_id as id from staff_alerts
      where conversation_id in ${uuidList(ids)} and kind = 'sending_stopped' and resolved_at is null`,
    tx,
  );
  const known = new Set(open.map(({ id }) => id));
  return stops.filter(({ conversationId }) => conversationId !== null && !known.has(conversationId));
}
