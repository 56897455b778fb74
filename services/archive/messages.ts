import type { Message } from '../types.js';
import { openBlock } from './block.js';
import type { ArchivedMessage, StoredBlock } from './types.js';

/** As the hot tables show them. @throws JackError E_ARCHIVE_DAMAGED */
export const messagesOf = (block: StoredBlock): Message[] => openBlock(block).messages.map(toMessage);

const toMessage = ({
  encoding: _encoding,
  accountSid: _accountSid,
  messageSid: _messageSid,
  sent: _sent,
  ...message
}: ArchivedMessage): Message => message;

/** By `seq`. What was hot when it was read and is archived now counts once. */
export function merge(archived: readonly Message[], hot: readonly Message[]): Message[] {
  const bySeq = new Map([...archived, ...hot].map((message) => [message.seq, message]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}
