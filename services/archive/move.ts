/** One transaction that moves a few quiet conversations into the archive. */
import type { Database } from '../db/client.js';
import {
  type HotPart,
  lockQuiet,
  type Part,
  type QuietHead,
  readHotParts,
  replaceByBlocks,
} from '../record/archive.js';
import type { ConversationId } from '../types.js';
import { BLOCK_MESSAGES, sealBlock } from './block.js';
import type { Archived, NewBlock } from './types.js';

/** Messages a transaction: what is held in memory and how long rows stay locked (some 30 ms of packing). */
const MAX_MESSAGES = 1_000;

/**
 * Moves what is still quiet of `ids` and leaves what another process is at, or what no longer fits in.
 * @param afterMs how long nothing may have been said.
 */
export async function moveQuiet(
  database: Database,
  ids: readonly ConversationId[],
  afterMs: number,
): Promise<readonly Archived[]> {
  return await database.transaction(async (tx) => {
    const parts = chooseParts(await lockQuiet(database, tx, ids, afterMs));
    if (parts.length === 0) return [];
    const hot = new Map((await readHotParts(database, tx, parts)).map((part) => [part.id, part]));
    const moved = parts.map((part) => ({ part, blocks: toBlocks(part, hot.get(part.id)) }));
    const messageIds = [...hot.values()].flatMap(({ messages }) => messages.map(({ id }) => id));
    await replaceByBlocks(
      tx,
      parts,
      moved.flatMap(({ blocks }) => blocks),
      messageIds,
    );
    return moved.map(({ part, blocks }) => toArchived(part, blocks));
  });
}

/** As many as fit into one transaction; of a conversation that alone is too long, its oldest messages. */
function chooseParts(heads: readonly QuietHead[]): Part[] {
  const parts: Part[] = [];
  let room = MAX_MESSAGES;
  for (const head of heads) {
    const isWhole = head.lastSeq - head.archivedSeq <= room;
    if (!isWhole && parts.length > 0) break;
    const upTo = isWhole ? head.lastSeq : head.archivedSeq + MAX_MESSAGES;
    parts.push({ ...head, upTo });
    room -= upTo - head.archivedSeq;
  }
  return parts;
}

function toBlocks({ organizationId, id, archivedSeq }: Part, hot: HotPart | undefined): NewBlock[] {
  const { messages = [], decisions = [] } = hot ?? {};
  // A message put in by hand among archived ones gets a block of its own, so that no two blocks overlap more than it does.
  const groups = [
    messages.filter(({ seq }) => seq <= archivedSeq),
    messages.filter(({ seq }) => seq > archivedSeq),
  ].flatMap((part) => chunks(part, BLOCK_MESSAGES));
  const rest = new Set(decisions);
  return groups.map((group, index) => {
    const ids = new Set<string>(group.map((message) => message.id));
    const isLast = index === groups.length - 1;
    const own = [...rest].filter(({ messageId }) => isLast || (messageId !== null && ids.has(messageId)));
    for (const decision of own) rest.delete(decision);
    return sealBlock({ organizationId, conversationId: id, messages: group, decisions: own });
  });
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const lists: T[][] = [];
  for (let at = 0; at < items.length; at += size) lists.push(items.slice(at, at + size));
  return lists;
}

const toArchived = (part: Part, blocks: readonly NewBlock[]): Archived => ({
  organizationId: part.organizationId,
  conversationId: part.id,
  leadId: part.leadId,
  messages: blocks.reduce((sum, { messageCount }) => sum + messageCount, 0),
  blocks: blocks.length,
  bytes: blocks.reduce((sum, { content }) => sum + content.length, 0),
  hasMore: part.upTo < part.lastSeq,
});
