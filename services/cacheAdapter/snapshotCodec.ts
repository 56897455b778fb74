/**
 * A conversation as bytes, made so that storing it after a turn costs what the turn added and not the whole of it.
 *
 * `3`, length of the head (uint32), head as JSON, then sealed blocks: length (uint32) and deflated JSON each. The head
 * holds the state and the newest messages; older ones are sealed, some at a time. As long as they are the same objects,
 * a message is written as JSON once and a block deflated once.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import type { ValueCodec } from '../cache/types.js';
import type {
  ContextMessage,
  ConversationId,
  ConversationSnapshot,
  LeadId,
  Media,
  OrganizationId,
  Owner,
  Rev,
  Sender,
  Slots,
} from '../types.js';

const VERSION = 3;
const LENGTH_BYTES = 4;
/** A block is sealed when this many messages have gathered, some 1.3 kB of short texts; the last few stay in the head. */
const BLOCK_MESSAGES = 10;
const MAX_INFLATED_BYTES = 4 * 1024 * 1024;

/** seq as a step, sender, body, time as a step in ms, media when there is any. */
type Packed = [number, SenderCode, string, number, (readonly Media[])?];
type SenderCode = 'l' | 'a' | 's' | 'y';

/** Without names: they would be a fifth of a short conversation. */
type Head = readonly [
  organizationId: OrganizationId,
  conversationId: ConversationId,
  leadId: LeadId,
  rev: Rev,
  lastSeq: number,
  owner: Owner,
  optedOut: 0 | 1,
  summary: string,
  slots: Slots,
  /** How many messages of the first block are no longer wanted. */
  skip: number,
  tail: readonly Packed[],
];

interface Block {
  readonly messages: readonly ContextMessage[];
  readonly bytes: Buffer;
}

/** What was encoded of a conversation before. */
interface Remembered {
  readonly blocks: readonly Block[];
  readonly tail: readonly ContextMessage[];
  /** Of the tail, one packed message as JSON each. */
  readonly texts: readonly string[];
}

const CODES: Record<Sender, SenderCode> = { lead: 'l', assistant: 'a', staff: 's', system: 'y' };
const SENDERS: Record<SenderCode, Sender> = { l: 'lead', a: 'assistant', s: 'staff', y: 'system' };

/** Conversations of which is remembered what was encoded; one that fell out is encoded whole once. */
const REMEMBERED = 5_000;
const NOTHING: Remembered = { blocks: [], tail: [], texts: [] };
/** A block has some 1.5 kB and 0.8 kB deflated; with what zlib takes by itself, each would keep 16 kB in memory. */
const DEFLATE = { level: 1, windowBits: 12, memLevel: 5, chunkSize: 2_048 } as const;
const INFLATE = { maxOutputLength: MAX_INFLATED_BYTES, chunkSize: 4_096 } as const;
/** Of UTF-8, for one unit of a string. */
const MAX_UNIT_BYTES = 3;
const COMMA = 0x2c;

export function createSnapshotCodec(): ValueCodec<ConversationSnapshot> {
  const remembered = new LRUCache<ConversationId, Remembered>({ max: REMEMBERED });
  let scratch = Buffer.allocUnsafe(16 * 1_024);

  function encode(snapshot: ConversationSnapshot): Buffer {
    const { conversationId, messages } = snapshot;
    const known = remembered.get(conversationId) ?? NOTHING;
    const { blocks, skip, at } = stillSealed(known.blocks, messages);
    let tail = messages.slice(at);
    let texts = textsOf(tail, known);
    for (; tail.length >= BLOCK_MESSAGES; tail = tail.slice(BLOCK_MESSAGES)) {
      blocks.push(seal(tail.slice(0, BLOCK_MESSAGES), texts.slice(0, BLOCK_MESSAGES)));
      texts = texts.slice(BLOCK_MESSAGES);
    }
    remembered.set(conversationId, { blocks, tail, texts });
    return join(writeHead(snapshot, skip, texts), blocks);
  }

  /** Into the scratch. Piece by piece: one string of them all would be made for nothing. @returns its length in bytes. */
  function writeHead(snapshot: ConversationSnapshot, skip: number, texts: readonly string[]): number {
    const state = stateOf(snapshot, skip);
    let units = state.length + 3;
    for (const text of texts) units += text.length + 1;
    if (scratch.length < units * MAX_UNIT_BYTES) scratch = Buffer.allocUnsafe(units * MAX_UNIT_BYTES);
    // Over its closing bracket.
    let at = scratch.write(state) - 1;
    at += scratch.write(',[', at);
    for (let n = 0; n < texts.length; n += 1) {
      if (n > 0) scratch[at++] = COMMA;
      at += scratch.write(texts[n] as string, at);
    }
    return at + scratch.write(']]', at);
  }

  function join(headBytes: number, blocks: readonly Block[]): Buffer {
    let length = 1 + LENGTH_BYTES + headBytes;
    for (const { bytes } of blocks) length += LENGTH_BYTES + bytes.length;
    const value = Buffer.allocUnsafe(length);
    value[0] = VERSION;
    value.writeUInt32LE(headBytes, 1);
    scratch.copy(value, 1 + LENGTH_BYTES, 0, headBytes);
    let at = 1 + LENGTH_BYTES + headBytes;
    for (const { bytes } of blocks) {
      value.writeUInt32LE(bytes.length, at);
      value.set(bytes, at + LENGTH_BYTES);
      at += LENGTH_BYTES + bytes.length;
    }
    return value;
  }

  return {
    encode,
    decode: (bytes) => {
      if (bytes[0] !== VERSION) return { isUsable: false };
      try {
        return { isUsable: true, value: read(bytes) };
      } catch {
        // Damaged bytes: the caller counts and logs the miss.
        return { isUsable: false };
      }
    },
  };

  function read(bytes: Buffer): ConversationSnapshot {
    const headEnd = 1 + LENGTH_BYTES + bytes.readUInt32LE(1);
    const head = JSON.parse(bytes.toString('utf8', 1 + LENGTH_BYTES, headEnd)) as Head;
    const [
      organizationId,
      conversationId,
      leadId,
      rev,
      lastSeq,
      owner,
      optedOut,
      summary,
      slots,
      skip,
      tail,
    ] = head;
    const messages: ContextMessage[] = [];
    const blocks: Block[] = [];
    for (let at = headEnd; at < bytes.length; ) {
      const end = at + LENGTH_BYTES + bytes.readUInt32LE(at);
      if (end > bytes.length) throw new RangeError('a block goes beyond the value');
      const own = bytes.subarray(at + LENGTH_BYTES, end);
      const packed = JSON.parse(inflateRawSync(own, INFLATE).toString('utf8')) as Packed[];
      // A copy: a part would keep all that came with it from the server.
      const block: Block = { messages: unpack(packed), bytes: Buffer.from(own) };
      blocks.push(block);
      messages.push(...block.messages);
      at = end;
    }
    messages.push(...unpack(tail));
    remembered.set(conversationId, { ...NOTHING, blocks });
    return {
      organizationId,
      conversationId,
      leadId,
      rev,
      lastSeq,
      owner,
      optedOut: optedOut === 1,
      summary,
      slots,
      messages: skip > 0 ? messages.slice(skip) : messages,
    };
  }
}

function seal(messages: readonly ContextMessage[], texts: readonly string[]): Block {
  // A copy: what zlib returns is a part of something larger.
  const bytes = Buffer.from(deflateRawSync(`[${texts.join(',')}]`, DEFLATE));
  return { messages, bytes };
}

/** Every message as JSON, `BLOCK_MESSAGES` of which stand for themselves; what is known already is not written anew. */
function textsOf(messages: readonly ContextMessage[], known: Remembered): string[] {
  const texts: string[] = [];
  let isKnown = true;
  for (let n = 0; n < messages.length; n += 1) {
    const message = messages[n] as ContextMessage;
    isKnown &&= known.tail[n] === message;
    const before = n % BLOCK_MESSAGES === 0 ? undefined : messages[n - 1];
    texts.push(isKnown ? (known.texts[n] as string) : JSON.stringify(pack(message, before)));
  }
  return texts;
}

/**
 * The blocks that `messages` begins with, object by object.
 * @returns them, how many messages of the first are gone, and where the messages go on.
 */
function stillSealed(known: readonly Block[], messages: readonly ContextMessage[]) {
  const blocks: Block[] = [];
  let skip = 0;
  let at = 0;
  for (const block of known) {
    const from = at === 0 ? block.messages.indexOf(messages[0] as ContextMessage) : 0;
    // The window has moved past this one.
    if (from < 0) continue;
    if (!isSame(block.messages, from, messages, at)) break;
    if (at === 0) skip = from;
    blocks.push(block);
    at += block.messages.length - from;
  }
  return { blocks, skip, at };
}

function isSame(
  sealed: readonly ContextMessage[],
  from: number,
  messages: readonly ContextMessage[],
  at: number,
): boolean {
  for (let n = from; n < sealed.length; n += 1) {
    if (sealed[n] !== messages[at + n - from]) return false;
  }
  return true;
}

/** All of the head but the tail. */
function stateOf(snapshot: ConversationSnapshot, skip: number): string {
  const { organizationId, conversationId, leadId, rev, lastSeq, owner, optedOut, summary, slots } = snapshot;
  return JSON.stringify([
    organizationId,
    conversationId,
    leadId,
    rev,
    lastSeq,
    owner,
    optedOut ? 1 : 0,
    summary,
    slots,
    skip,
  ]);
}

/** @param before the message that this one is a step from; absent: it stands for itself. */
function pack(message: ContextMessage, before: ContextMessage | undefined): Packed {
  const { seq, sender, body, createdAtMs, media } = message;
  const packed: Packed = [
    seq - (before?.seq ?? 0),
    CODES[sender],
    body,
    createdAtMs - (before?.createdAtMs ?? 0),
  ];
  if (media.length > 0) packed.push(media);
  return packed;
}

function unpack(packed: readonly Packed[]): ContextMessage[] {
  let seq = 0;
  let atMs = 0;
  return packed.map(([seqStep, code, body, stepMs, media = []]) => {
    seq += seqStep;
    atMs += stepMs;
    return {
      seq,
      direction: code === 'l' ? 'inbound' : 'outbound',
      sender: SENDERS[code],
      body,
      media,
      createdAtMs: atMs,
    };
  });
}
