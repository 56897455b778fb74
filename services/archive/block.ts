/**
 * A block of archived messages as bytes: a version byte and deflated JSON. Its SHA-256 is stored beside it, and it says
 * itself whose it is, so that damage and a row under the wrong conversation are told apart from messages.
 */
import { createHash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { asError, JackError } from '../errors.js';
import { carrierKey } from '../record/carrierKey.js';
import type { ArchivedMessage, BlockContent, NewBlock, StoredBlock } from './types.js';

const VERSION = 1;
/** Messages a block: one block is read for one page of the API. */
export const BLOCK_MESSAGES = 200;
/** Far above the largest block; keeps a damaged length from taking all memory. */
const MAX_INFLATED_BYTES = 64 * 1024 * 1024;

/** @param content its messages by `seq`. */
export function sealBlock(content: BlockContent): NewBlock {
  const { organizationId, conversationId, messages } = content;
  const first = messages[0];
  const last = messages.at(-1);
  if (!first || !last) throw new Error('A block has at least one message.');
  // Written once by a background task and kept for years, so the best compression is worth its time.
  const packed = deflateRawSync(Buffer.from(JSON.stringify(content), 'utf8'), { level: 9 });
  const bytes = Buffer.concat([Buffer.of(VERSION), packed]);
  return {
    organizationId,
    conversationId,
    firstSeq: first.seq,
    lastSeq: last.seq,
    messageCount: messages.length,
    firstAt: first.createdAt,
    lastAt: last.createdAt,
    digest: digestOf(bytes),
    content: bytes,
    carrierKeys: messages.flatMap(carrierKeyOf),
  };
}

/** @throws JackError E_ARCHIVE_DAMAGED */
export function openBlock(block: StoredBlock): BlockContent {
  const bytes = Buffer.from(block.content);
  if (!digestOf(bytes).equals(block.digest)) throw damaged(block, 'its digest does not fit');
  if (bytes[0] !== VERSION) throw damaged(block, `its version ${String(bytes[0])} is not known here`);
  let content: BlockContent;
  try {
    const json = inflateRawSync(bytes.subarray(1), { maxOutputLength: MAX_INFLATED_BYTES });
    content = JSON.parse(json.toString('utf8')) as BlockContent;
  } catch (error) {
    throw damaged(block, 'it cannot be unpacked', error);
  }
  if (content.conversationId !== block.conversationId || content.organizationId !== block.organizationId) {
    throw damaged(block, 'it belongs to another conversation');
  }
  if (content.messages.length !== block.messageCount) throw damaged(block, 'messages are missing');
  return content;
}

/** Inbound ones only: the carrier repeats what it sent to us, and never what we sent. */
const carrierKeyOf = ({ direction, accountSid, messageSid }: ArchivedMessage): string[] =>
  direction === 'inbound' && accountSid !== null && messageSid !== null
    ? [carrierKey(accountSid, messageSid)]
    : [];

const digestOf = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

function damaged(block: StoredBlock, reason: string, cause?: unknown): JackError {
  const { organizationId, conversationId, firstSeq, lastSeq } = block;
  return new JackError(
    'E_ARCHIVE_DAMAGED',
    `Archived messages ${firstSeq} to ${lastSeq} of conversation ${conversationId} (organization ${organizationId}) ` +
      `cannot be read: ${reason}.`,
    cause === undefined ? {} : { cause: asError(cause) },
  );
}
