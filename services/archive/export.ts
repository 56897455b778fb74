/** Everything that was said, hot or archived, a little at a time. */
import type { Database } from '../db/client.js';
import { JackError } from '../errors.js';
import { type ConversationPlace, type ExportHead, listForExport, readNext } from '../record/archiveReads.js';
import type { ConversationId, LeadId, Message, OrganizationId } from '../types.js';
import { merge, messagesOf } from './messages.js';
import type { StoredBlock } from './types.js';

/** Hot messages read at once. */
const MESSAGES = 200;
const CONVERSATIONS = 100;

/**
 * Oldest first. Without a gap while messages are being moved: each step sees both places as of one moment.
 * @param open what to do with a block; by default one that is damaged ends the export.
 * @throws JackError E_ARCHIVE_DAMAGED
 */
export async function* exportMessages(
  database: Database,
  place: ConversationPlace,
  open: (block: StoredBlock) => readonly Message[] = messagesOf,
): AsyncGenerator<Message> {
  // Below every seq: what was put in by hand may have 0.
  for (let after = -1; ; ) {
    const { block, hot } = await readNext(database, place, after, MESSAGES);
    const lastHot = hot.at(-1)?.seq ?? after;
    if (!block && hot.length === 0) return;
    const from = after;
    const archived = block ? open(block).filter(({ seq }) => seq > from) : [];
    yield* merge(archived, hot);
    after = Math.max(block?.lastSeq ?? after, lastHot);
  }
}

/** A line of an organization's export: a conversation, and after it its messages. */
export type ExportLine =
  | { readonly conversation: Omit<ExportHead, 'conversationId'> }
  | { readonly leadId: LeadId; readonly message: Message };

/** @param onDamaged told of a block that cannot be read; the export goes on after it. */
export async function* exportOrganization(
  database: Database,
  organizationId: OrganizationId,
  onDamaged: (error: JackError) => void,
): AsyncGenerator<ExportLine> {
  const open = (block: StoredBlock): readonly Message[] => {
    try {
      return messagesOf(block);
    } catch (error) {
      if (!(error instanceof JackError)) throw error;
      onDamaged(error);
      return [];
    }
  };
  for (let after: ConversationId | undefined; ; ) {
    const heads = await listForExport(database, organizationId, after, CONVERSATIONS);
    for (const { conversationId, ...conversation } of heads) {
      yield { conversation };
      const { id: leadId } = conversation.lead;
      for await (const message of exportMessages(database, { organizationId, conversationId }, open)) {
        yield { leadId, message };
      }
    }
    after = heads.at(-1)?.conversationId;
    if (heads.length < CONVERSATIONS) return;
  }
}
