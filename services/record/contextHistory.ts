/** Messages of the assistant that were sent elsewhere and are recorded here, in the order of `seq`; nothing is sent. */
import { sql } from 'drizzle-orm';
import type { AssistantMessage, EditBy } from '../contextEdits.js';
import type { Database, Orm } from '../db/client.js';
import { jsonRows } from '../db/sqlHelpers.js';
import { JackError } from '../errors.js';
import { countSegments } from '../sms/segments.js';
import type { ConversationId, Message, OrganizationId } from '../types.js';
import { newMessageId } from '../types.js';
import { writeAudit } from './audit.js';
import { type MessageRow, messageJson, toMessage } from './messageRow.js';

/** One transaction stays short, and a caller with more has a file to move in. */
const MAX_MESSAGES = 500;
const MAX_BODY_LENGTH = 1_600;

/**
 * @returns the messages as stored; undefined when the organization has no such lead.
 * @throws JackError E_CONFLICT while a text waits for its reply: history does not go between the two.
 * @throws JackError E_INPUT_INVALID for an empty or too long text, too many of them, or a moment that is none.
 */
export async function appendAssistantMessages(
  database: Database,
  organizationId: OrganizationId,
  { leadId, actor }: EditBy,
  messages: readonly AssistantMessage[],
): Promise<readonly Message[] | undefined> {
  refuseInvalid(messages);
  return await database.transaction(async (tx) => {
    const [head] = await database.query<Head>(
      sql`select id, last_seq as "lastSeq", reply_due_at is not null as "isReplyDue" from conversations
        where organization_id = ${organizationId} and lead_id = ${leadId} for no key update`,
      tx,
    );
    if (!head) return undefined;
    if (head.isReplyDue)
      throw new JackError('E_CONFLICT', 'A text of this conversation waits for its reply.');
    if (messages.length === 0) return [];
    const stored = await insert(database, tx, { organizationId, head, messages });
    await writeAudit(tx, {
      organizationId,
      actor,
      action: 'conversation.append',
      subject: leadId,
      details: { messages: messages.length, firstSeq: head.lastSeq + 1 },
    });
    return stored;
  });
}

interface Head {
  readonly id: ConversationId;
  readonly lastSeq: number;
  readonly isReplyDue: boolean;
}

function refuseInvalid(messages: readonly AssistantMessage[]): void {
  if (messages.length > MAX_MESSAGES) {
    throw new JackError('E_INPUT_INVALID', `At most ${MAX_MESSAGES} messages are appended at a time.`);
  }
  for (const { body, createdAt } of messages) {
    if (body.trim() === '' || body.length > MAX_BODY_LENGTH) {
      throw new JackError('E_INPUT_INVALID', `A message has 1 to ${MAX_BODY_LENGTH} characters.`);
    }
    if (createdAt !== undefined && Number.isNaN(createdAt.getTime())) {
      throw new JackError('E_INPUT_INVALID', 'The moment of a message is not a date.');
    }
  }
}

interface Insertion {
  readonly organizationId: OrganizationId;
  readonly head: Head;
  readonly messages: readonly AssistantMessage[];
}

async function insert(
  database: Database,
  tx: Orm,
  { organizationId, head, messages }: Insertion,
): Promise<Message[]> {
  const rows = messages.map(({ body, createdAt }, index) => {
    const { encoding, segments } = countSegments(body);
    const at = createdAt?.toISOString() ?? null;
    return { id: newMessageId(), seq: head.lastSeq + 1 + index, body, encoding, segments, at };
  });
  const lastSeq = head.lastSeq + rows.length;
  const stored = await database.query<{ message: MessageRow }>(
    sql`with m as (
        insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding, segments,
          status, created_at)
        select id, ${organizationId}, ${head.id}, seq, 'outbound', 'assistant', body, encoding, segments, 'delivered',
          coalesce(at, clock_timestamp())
        from jsonb_to_recordset(${jsonRows(rows)}) as r(id uuid, seq int, body text, encoding text, segments int,
          at timestamptz)
        returning *
      )
      select ${messageJson} as message from m order by m.seq`,
    tx,
  );
  await tx.execute(
    sql`update conversations c set last_seq = ${lastSeq}, last_outbound_seq = ${lastSeq},
        last_message_at = greatest(c.last_message_at, (select max(created_at) from messages
          where conversation_id = c.id and seq > ${head.lastSeq}))
      where id = ${head.id}`,
  );
  return stored.map(({ message }) => toMessage(message));
}
