/**
 * Carries out the reactions to errors of the carrier, in the transaction that stores the error: a crash leaves either
 * both or none. The conversations are locked by then (services/record/lockOrder.ts).
 */
import { sql } from 'drizzle-orm';
import type { Clock } from '../clock.js';
import type { Database, Orm } from '../db/client.js';
import type { AlertKind } from '../db/schema/alerts.js';
import { jsonRows, milliseconds } from '../db/sqlHelpers.js';
import type { Logger } from '../logger.js';
import { raiseAlerts, type StaffAlert } from '../record/alerts.js';
import { optOut } from '../record/consent.js';
import { type NewHold, putUpHolds } from '../record/sendingHolds.js';
import type { Secrets } from '../secrets.js';
import type { ConversationId, E164, LeadId, MessageId, OrganizationId } from '../types.js';
import { readRecipients } from './facts.js';
import { nextTextingTime } from './quietHours.js';
import {
  FIRST_BACKOFF_MS,
  LATER_MS,
  LONGEST_BACKOFF_MS,
  type Reaction,
  reactionTo,
  SOON_MS,
  SPAM_ALARM_COUNT,
  SPAM_WINDOW_MS,
} from './reactions.js';

export interface ReactDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A text that the carrier refused, or took and did not deliver. */
export interface Failure {
  readonly messageId: MessageId;
  /** Null where the carrier gave none. */
  readonly code: number | null;
  /** The carrier took the text, so it may be sent once more; what it refused is tried by the sender itself. */
  readonly wasTaken: boolean;
  /** Nobody tries it again by itself. */
  readonly isFinal: boolean;
  /** Of the credentials that a 20003 was about. */
  readonly credentialHash?: string | undefined;
}

interface Facts {
  readonly messageId: MessageId;
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly leadId: LeadId;
  readonly account: string;
  readonly to: E164;
  readonly optedOut: boolean;
  /** Nothing was said since. */
  readonly isLast: boolean;
  readonly resends: number;
}

interface Case extends Facts {
  readonly code: number | null;
  readonly reaction: Reaction;
  readonly isFinal: boolean;
  readonly goesAgain: boolean;
  readonly credentialHash: string | null;
}

export async function react(deps: ReactDeps, tx: Orm, failures: readonly Failure[]): Promise<void> {
  if (failures.length === 0) return;
  const cases = await readCases(deps, tx, failures);
  for (const each of cases) if (each.reaction.phone === 'opted_out') await storeOptOut(deps, tx, each);
  await markPhones(
    tx,
    cases.filter(({ reaction }) => reaction.phone === 'not_textable'),
  );
  await putUpHolds(tx, cases.flatMap(toHold), { firstMs: FIRST_BACKOFF_MS, longestMs: LONGEST_BACKOFF_MS });
  await sendOnceMore(
    deps,
    tx,
    cases.filter(({ goesAgain }) => goesAgain),
  );
  await raiseNews(deps, tx, [...cases.flatMap(toAlerts), ...(await spamAlarms(deps, tx, cases))]);
  for (const each of cases) log(deps.logger, each);
}

async function readCases(deps: ReactDeps, tx: Orm, failures: readonly Failure[]): Promise<readonly Case[]> {
  const rows = failures.map(({ messageId }) => ({ id: messageId }));
  const facts = await deps.database.query<Facts>(
    sql`select o.message_id as "messageId", o.organization_id as "organizationId", o.resends, o.account,
        o.conversation_id as "conversationId", c.lead_id as "leadId", o.to_number as "to",
        c.opted_out as "optedOut", c.last_seq = o.seq as "isLast"
      from jsonb_to_recordset(${jsonRows(rows)}) as r(id uuid) join outbox o on o.message_id = r.id
      join conversations c on c.id = o.conversation_id`,
    tx,
  );
  const byId = new Map(facts.map((fact) => [fact.messageId, fact]));
  return failures.flatMap(({ messageId, code, wasTaken, isFinal, credentialHash = null }): Case[] => {
    const fact = byId.get(messageId);
    if (!fact) return [];
    const reaction = reactionTo(code);
    const mayGoAgain = wasTaken && fact.isLast && !fact.optedOut && fact.resends === 0;
    const goesAgain = reaction.text === 'once_more' && mayGoAgain;
    return [{ ...fact, code, reaction, isFinal: isFinal && !goesAgain, goesAgain, credentialHash }];
  });
}

/** The carrier has an opt-out that we did not see: it becomes ours (DOMAIN.md 5). */
async function storeOptOut({ secrets }: ReactDeps, tx: Orm, found: Case): Promise<void> {
  if (found.optedOut) return;
  const { organizationId, conversationId, leadId } = found;
  await optOut(tx, {
    organizationId,
    conversationId,
    leadId,
    phoneHash: secrets.hashPhone(organizationId, found.to),
    kind: 'opt_out',
    method: 'carrier',
    words: `refused by the carrier: ${found.code}`,
    messageSid: null,
  });
}

/** The first code stays: it says since when, and why. */
async function markPhones(tx: Orm, cases: readonly Case[]): Promise<void> {
  if (cases.length === 0) return;
  const rows = cases.map(({ leadId, organizationId, to, code }) => ({
    lead_id: leadId,
    organization_id: organizationId,
    phone: to,
    code,
  }));
  await tx.execute(
    sql`update leads l set untextable_code = r.code, untextable_at = clock_timestamp()
      from jsonb_to_recordset(${jsonRows(rows)}) as r(lead_id uuid, organization_id text, phone text, code int)
      where l.id = r.lead_id and l.organization_id = r.organization_id and l.phone = r.phone
        and l.untextable_code is null`,
  );
}

const toHold = ({ reaction, organizationId, code, account, credentialHash }: Case): NewHold[] =>
  reaction.hold && code !== null ? [{ ...reaction.hold, organizationId, code, account, credentialHash }] : [];

/**
 * Back into the outbox, as a new attempt: the carrier's id of the old one is kept aside, so that a late report of it does
 * not count for the new one. Its status and code stay until the new attempt is accepted.
 */
async function sendOnceMore({ clock, database }: ReactDeps, tx: Orm, cases: readonly Case[]): Promise<void> {
  if (cases.length === 0) return;
  const nowMs = clock.now();
  const recipients = await readRecipients(
    database,
    tx,
    cases.map(({ conversationId }) => conversationId),
    { nowMs },
  );
  const rows = cases.map(({ messageId, conversationId, reaction }) => {
    const fromMs = nowMs + (reaction.again === 'later' ? LATER_MS : SOON_MS);
    const places = recipients.get(conversationId)?.whereabouts.places ?? [];
    // It is decided on once more when it leaves.
    return { message_id: messageId, delay_s: ((nextTextingTime(places, fromMs) ?? fromMs) - nowMs) / 1000 };
  });
  await tx.execute(
    sql`with r as (
        select * from jsonb_to_recordset(${jsonRows(rows)}) as r(message_id uuid, delay_s float8)
      ), again as (
        update outbox o set state = 'queued', lease_until = null, resends = o.resends + 1, failed_sid = m.message_sid,
          due_at = clock_timestamp() + make_interval(secs => r.delay_s), last_reason = 'sent once more'
        from r join messages m on m.id = r.message_id where o.message_id = r.message_id
        returning o.message_id
      )
      update messages m set account_sid = null, message_sid = null from again a where m.id = a.message_id`,
  );
}

const ALERT_KINDS: Readonly<Record<Reaction['alert'], AlertKind>> = {
  none: 'delivery_failed',
  conversation: 'delivery_failed',
  rate: 'delivery_failed',
  ours: 'delivery_failed',
  phone: 'not_textable',
  organization: 'sending_stopped',
  loop: 'loop_detected',
};

/** A text that is lost needs a person, unless the person it was for wants none. One that waits is not lost. */
function toAlerts({ reaction, code, isFinal, organizationId, conversationId }: Case): StaffAlert[] {
  const alerts: StaffAlert[] = [];
  const kind = ALERT_KINDS[reaction.alert];
  const details = code === null ? {} : { code };
  if (kind === 'sending_stopped') {
    const reason = `Texts are not going out. The carrier says: ${reaction.meaning}.`;
    alerts.push({ organizationId, conversationId: null, kind, reason, details });
  }
  if (isFinal && reaction.phone !== 'opted_out') {
    const reason = `A text was not delivered. The carrier says: ${reaction.meaning}.`;
    const ofText = kind === 'sending_stopped' ? 'delivery_failed' : kind;
    alerts.push({ organizationId, conversationId, kind: ofText, reason, details });
  }
  return alerts;
}

/** Several texts filtered as spam are news of the organization. The reports themselves are stored by now. */
async function spamAlarms({ database }: ReactDeps, tx: Orm, cases: readonly Case[]): Promise<StaffAlert[]> {
  const codes = cases.filter(({ reaction }) => reaction.alert === 'rate');
  if (codes.length === 0) return [];
  const rows = codes.map(({ organizationId, code }) => ({ organization_id: organizationId, code }));
  const rates = await database.query<{ organizationId: OrganizationId; code: number; count: number }>(
    sql`select e.organization_id as "organizationId", e.error_code as code, count(distinct e.message_id)::int as count
      from delivery_events e join (select distinct * from jsonb_to_recordset(${jsonRows(rows)})
        as r(organization_id text, code int)) r on r.organization_id = e.organization_id and r.code = e.error_code
      where e.error_code is not null and e.received_at > clock_timestamp() - ${milliseconds(SPAM_WINDOW_MS)}
      group by 1, 2 having count(distinct e.message_id) >= ${SPAM_ALARM_COUNT}`,
    tx,
  );
  return rates.map(({ organizationId, code, count }) => ({
    organizationId,
    conversationId: null,
    kind: 'delivery_failed',
    reason: 'Carriers filter texts of this dealership as spam. Somebody should look at what they say.',
    details: { code, count },
  }));
}

const newsKey = (
  alert: Pick<StaffAlert, 'organizationId' | 'conversationId' | 'kind'>,
  code: unknown,
): string => [alert.organizationId, alert.conversationId, alert.kind, code].map(String).join(' ');

/** What people have been told and nobody has seen to is not told again. */
export async function raiseNews(
  { database }: Pick<ReactDeps, 'database'>,
  tx: Orm,
  alerts: readonly StaffAlert[],
): Promise<void> {
  if (alerts.length === 0) return;
  const rows = alerts.map(({ organizationId, conversationId, kind }) => ({
    organization_id: organizationId,
    conversation_id: conversationId,
    kind,
  }));
  const open = await database.query<StaffAlert & { readonly code: string | null }>(
    sql`select distinct a.organization_id as "organizationId", a.conversation_id as "conversationId", a.kind,
        a.details ->> 'code' as code
      from staff_alerts a join (select distinct * from jsonb_to_recordset(${jsonRows(rows)})
        as r(organization_id text, conversation_id uuid, kind text)) r
        on r.organization_id = a.organization_id and r.kind = a.kind
          and r.conversation_id is not distinct from a.conversation_id
      where a.resolved_at is null`,
    tx,
  );
  const told = new Set(open.map((alert) => newsKey(alert, alert.code)));
  const news = alerts.filter((alert) => {
    const key = newsKey(alert, alert.details?.code ?? null);
    if (told.has(key)) return false;
    told.add(key);
    return true;
  });
  await raiseAlerts(tx, news);
}

function log(logger: Logger, { reaction, code, organizationId, messageId, goesAgain }: Case): void {
  const facts = { organizationId, messageId, code, meaning: reaction.meaning };
  if (reaction.alert === 'ours') logger.error('a text was composed that the carrier must refuse', facts);
  else if (reaction.alert === 'organization')
    logger.error('an organization cannot send as it is set up', facts);
  else if (reaction.hold) logger.warn('an organization sends more slowly for a while', facts);
  else logger.info('a text was not delivered', { ...facts, goesAgain });
}
