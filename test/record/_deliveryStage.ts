/** One shopper's conversation and what the carrier says of the texts in it, without a carrier. */
import { sql } from 'drizzle-orm';
import { systemClock } from '../../services/clock.js';
import type { Database } from '../../services/db/client.js';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { type ClaimOptions, claimOutbox, type OutboxClaim } from '../../services/outbound/claimOutbox.js';
import { createOutboundDoor } from '../../services/outbound/door.js';
import { type OutboxOutcome, storeOutcomes } from '../../services/outbound/outboxRows.js';
import { createStatusWriter, type ReportOutcome } from '../../services/outbound/statuses.js';
import { createSecrets } from '../../services/secrets.js';
import { toMessageStatus } from '../../services/twilio/messageResource.js';
import type { E164, MessageId } from '../../services/types.js';
import {
  conversationOf,
  inboundText,
  newMessageSid,
  newOrganization,
  newPhone,
  TEST_ACCOUNT_SID,
  type TestOrganization,
} from '../support/records.js';
import { silentLogger } from '../support/testDatabase.js';

export interface TextRow {
  readonly id: MessageId;
  readonly state: string;
  readonly status: string;
  readonly sid: string | null;
  readonly code: number | null;
  readonly resends: number;
  readonly failedSid: string | null;
  readonly dueInS: number;
}

export interface Told {
  readonly sid?: string;
  readonly code?: number;
  readonly messageId?: MessageId | undefined;
  readonly accounts?: readonly string[];
  readonly from?: E164;
  readonly to?: E164;
  readonly rawDoneDate?: string;
}

export type DeliveryStage = Awaited<ReturnType<typeof deliveryStage>>;

export async function deliveryStage(
  database: Database,
  options: { organization?: TestOrganization; phone?: E164 } = {},
) {
  const organization = options.organization ?? (await newOrganization(database));
  const phone = options.phone ?? newPhone();
  const deps = {
    database,
    secrets: createSecrets('a test secret that is long'),
    clock: systemClock,
    logger: silentLogger,
  };
  const receiver = createInboundReceiver({
    ...deps,
    events: createLiveEvents(),
    defaultAccountSid: undefined,
    reply: { windowMs: 60_000, maxWaitMs: 60_000 },
    onReplyDue: () => undefined,
  });
  const hear = (body: string) => receiver.receive(inboundText(organization.number, phone, { body }));
  await hear('Hi');
  const { id: conversationId, leadId } = await conversationOf(database, organization.id, phone);
  // As if they had talked before: only a first text is signed.
  await database.orm.execute(
    sql`update conversations set last_outbound_seq = last_seq where id = ${conversationId}`,
  );
  const door = createOutboundDoor({ database, events: createLiveEvents(), onQueued: () => undefined });
  const statuses = createStatusWriter({ ...deps, events: createLiveEvents() });

  const say = (body = 'Yes, it is here.') =>
    door.submit({
      organizationId: organization.id,
      conversationId,
      origin: 'staff',
      staffName: 'Alex',
      body,
    });

  /** Everything due of this organization; what others have is put back. */
  async function claim(claimOptions?: ClaimOptions): Promise<readonly OutboxClaim[]> {
    const claims = await claimOutbox(database, 1_000, 60_000, claimOptions);
    const strangers = claims.filter(({ text }) => text.organizationId !== organization.id);
    for (const { text, task } of strangers) {
      await database.orm.execute(
        sql`update outbox set state = ${task === 'send' ? 'queued' : 'unknown'}, lease_until = null
          where message_id = ${text.id}`,
      );
    }
    return claims.filter(({ text }) => text.organizationId === organization.id);
  }

  const store = (claimed: OutboxClaim, outcome: Pick<OutboxOutcome, 'state'> & Partial<OutboxOutcome>) =>
    storeOutcomes(deps, [
      {
        messageId: claimed.text.id,
        fence: claimed.fence,
        delayMs: 0,
        code: null,
        reason: null,
        accountSid: null,
        providerSid: null,
        messageStatus: null,
        ...outcome,
      },
    ]);

  const accept = (claimed: OutboxClaim, sid = newMessageSid()) =>
    store(claimed, {
      state: 'accepted',
      accountSid: TEST_ACCOUNT_SID,
      providerSid: sid,
      messageStatus: 'queued',
    });

  /** A text that the carrier took. */
  async function sent(body?: string): Promise<{ readonly id: MessageId; readonly sid: string }> {
    const result = await say(body);
    if (!result.allowed) throw new Error(`the gate refused: ${result.reason}`);
    const sid = newMessageSid();
    const mine = (await claim()).find(({ text }) => text.id === result.message.id);
    if (!mine) throw new Error('the text was not due');
    await accept(mine, sid);
    return { id: result.message.id, sid };
  }

  /** A signed report, as the route hands it over. */
  const told = (
    carrierStatus: string,
    text: { id?: MessageId; sid: string },
    change: Told = {},
  ): Promise<ReportOutcome> =>
    statuses.receive({
      subject: {
        accounts: change.accounts ?? [TEST_ACCOUNT_SID, 'default'],
        messageId: 'messageId' in change ? change.messageId : text.id,
        from: change.from ?? organization.number,
        to: change.to ?? phone,
      },
      accountSid: TEST_ACCOUNT_SID,
      messageSid: change.sid ?? text.sid,
      carrierStatus,
      status: toMessageStatus(carrierStatus),
      errorCode: change.code ?? null,
      rawDoneDate: change.rawDoneDate ?? null,
    });

  const texts = () =>
    database.query<TextRow>(
      sql`select m.id, o.state, m.status, m.message_sid as sid, m.error_code as code, o.resends,
          o.failed_sid as "failedSid", extract(epoch from o.due_at - clock_timestamp())::float8 as "dueInS"
        from outbox o join messages m on m.id = o.message_id where o.conversation_id = ${conversationId} order by o.seq`,
    );
  const events = () =>
    database.query<Record<string, unknown>>(
      sql`select message_id as id, message_sid as sid, status, error_code as code, raw_done_date as "doneDate", source
        from delivery_events where conversation_id = ${conversationId} order by id`,
    );
  const alerts = () =>
    database.query<{ kind: string; code: number | null; conversationId: string | null }>(
      sql`select kind, (details ->> 'code')::int as code, conversation_id as "conversationId" from staff_alerts
        where organization_id = ${organization.id} order by created_at, kind desc`,
    );
  const holds = () =>
    database.query<{ kind: string; scope: string; code: number; forS: number | null }>(
      sql`select kind, scope, code, extract(epoch from held_until - clock_timestamp())::float8 as "forS"
        from sending_holds where organization_id = ${organization.id} order by kind`,
    );
  const lead = async () => {
    const [row] = await database.query<{ untextableCode: number | null; optedOut: boolean }>(
      sql`select l.untextable_code as "untextableCode", c.opted_out as "optedOut" from leads l
        join conversations c on c.lead_id = l.id where l.id = ${leadId}`,
    );
    return row;
  };

  return {
    organization,
    phone,
    conversationId,
    deps,
    hear,
    say,
    claim,
    store,
    accept,
    sent,
    told,
    texts,
    events,
    alerts,
    holds,
    lead,
    statuses,
  };
}
