/** Reads across the hot tables and the archive, as if there were one. */
import type { Database } from '../db/client.js';
import { asError, JackError } from '../errors.js';
import type { Logger } from '../logger.js';
import { type ConversationPlace, readBlocksBefore, readLastBlocks } from '../record/archiveReads.js';
import {
  type ConversationDetail,
  findConversationId,
  type InboxFilter,
  type InboxItem,
  type InboxRow,
  listConversations,
  readConversation,
} from '../record/conversations.js';
import type { Page, PageRequest } from '../record/pages.js';
import type { ConversationId, LeadId, Message, OrganizationId } from '../types.js';
import { openBlock } from './block.js';
import { exportMessages } from './export.js';
import { merge, messagesOf } from './messages.js';

export interface ArchiveReader {
  /**
   * The last `limit` messages, or those before the seq `before`, wherever they are.
   * @throws JackError E_ARCHIVE_DAMAGED when some of these cannot be read; other pages can.
   */
  readConversation(
    organizationId: OrganizationId,
    leadId: LeadId,
    page: { readonly before: number | undefined; readonly limit: number },
  ): Promise<ConversationDetail | undefined>;
  /** The inbox; a preview that cannot be read is null, and logged. */
  listConversations(
    organizationId: OrganizationId,
    request: PageRequest & InboxFilter,
  ): Promise<Page<InboxItem>>;
  /** All messages of a conversation, oldest first; undefined when the organization has no such lead. */
  exportMessages(
    organizationId: OrganizationId,
    leadId: LeadId,
  ): Promise<AsyncGenerator<Message> | undefined>;
}

/** Blocks read at once; most conversations have one. */
const BLOCKS = 4;

export function createArchiveReader({
  database,
  logger,
}: {
  readonly database: Database;
  readonly logger: Logger;
}): ArchiveReader {
  return {
    readConversation: async (organizationId, leadId, { before, limit }) => {
      const stored = await readConversation(database, organizationId, leadId, { before, limit });
      if (!stored) return undefined;
      const { conversationId, archivedSeq, ...detail } = stored;
      const { messages } = detail;
      const isComplete = messages.length === limit && messages.every(({ seq }) => seq > archivedSeq);
      if (archivedSeq === 0 || isComplete) return detail;
      const place = { organizationId, conversationId };
      const archived = await readArchivedBefore(database, place, before, limit);
      return { ...detail, messages: merge(archived, messages).slice(-limit) };
    },
    listConversations: async (organizationId, request) => {
      const page = await listConversations(database, organizationId, request);
      const previews = await readPreviews(organizationId, page.items);
      return { ...page, items: page.items.map((row) => toItem(row, previews)) };
    },
    exportMessages: async (organizationId, leadId) => {
      const conversationId = await findConversationId(database, organizationId, leadId);
      return conversationId && exportMessages(database, { organizationId, conversationId });
    },
  };

  async function readPreviews(
    organizationId: OrganizationId,
    rows: readonly InboxRow[],
  ): Promise<Map<ConversationId, Message>> {
    const previews = new Map<ConversationId, Message>();
    const archived = rows.filter(({ isArchived, lastMessage }) => isArchived && lastMessage === null);
    if (archived.length === 0) return previews;
    for (const block of await readLastBlocks(database, organizationId, archived)) {
      try {
        const last = openBlock(block).messages.at(-1);
        if (last) previews.set(block.conversationId, last);
      } catch (error) {
        if (!(error instanceof JackError)) throw error;
        logger.error('the preview of an archived conversation cannot be read', {
          organizationId,
          conversationId: block.conversationId,
          error: asError(error),
        });
      }
    }
    return previews;
  }
}

function toItem(
  { id, isArchived: _isArchived, ...item }: InboxRow,
  previews: ReadonlyMap<ConversationId, Message>,
): InboxItem {
  const preview = previews.get(id);
  if (!preview) return item;
  const { body, direction, createdAt } = preview;
  return { ...item, lastMessage: { body, direction, createdAt } };
}

async function readArchivedBefore(
  database: Database,
  place: ConversationPlace,
  before = Number.MAX_SAFE_INTEGER,
  limit: number,
): Promise<Message[]> {
  let messages: Message[] = [];
  // No seq is larger than an integer column holds.
  let at = Math.min(before, 2_147_483_647);
  while (messages.length < limit) {
    const blocks = await readBlocksBefore(database, place, at, BLOCKS);
    for (const block of blocks) {
      if (messages.length >= limit) break;
      messages = merge(
        messagesOf(block).filter(({ seq }) => seq < at),
        messages,
      );
    }
    at = blocks.at(-1)?.firstSeq ?? 0;
    if (blocks.length < BLOCKS) break;
  }
  return messages;
}
