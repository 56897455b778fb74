/** Messages as JSON with little in it but their text: lists without names, numbers as steps from the message before. */
import type { ContextMessage, Media, Sender } from '../types.js';

/** seq as a step, sender, body, time as a step in ms, media when there is any. The first of a list stands for itself. */
export type Packed = [number, SenderCode, string, number, (readonly Media[])?];
type SenderCode = 'l' | 'a' | 's' | 'y';

const CODES: Record<Sender, SenderCode> = { lead: 'l', assistant: 'a', staff: 's', system: 'y' };
const SENDERS: Record<SenderCode, Sender> = { l: 'lead', a: 'assistant', s: 'staff', y: 'system' };

/** Room to begin with, and what one more message may need beside its text. */
const FIRST_BYTES = 1_024;
const FRAME_BYTES = 64;
/** Of UTF-8, for one unit of a string. */
const MAX_UNIT_BYTES = 3;
const OPENING = 0x5b;
const CLOSING = 0x5d;
const COMMA = 0x2c;

/** A list that only grows, as the bytes of its JSON: one more message costs what that message costs. */
export class PackedList {
  readonly messages: ContextMessage[] = [];
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #length = 0;

  get size(): number {
    return this.messages.length;
  }

  /** Whether `messages` go on from `at` with those of the list, object by object. */
  isStartOf(messages: readonly ContextMessage[], at: number): boolean {
    const own = this.messages;
    for (let n = 0; n < own.length; n += 1) {
      if (own[n] !== messages[at + n]) return false;
    }
    return true;
  }

  push(message: ContextMessage): void {
    const text = textOf(message, this.messages.at(-1));
    this.#reserve(text.length * MAX_UNIT_BYTES + FRAME_BYTES);
    if (this.#length > 0) this.#bytes[this.#length++] = COMMA;
    this.#length += this.#bytes.write(text, this.#length);
    this.messages.push(message);
  }

  clear(): void {
    this.messages.length = 0;
    this.#length = 0;
  }

  get jsonBytes(): number {
    return this.#length + 2;
  }

  /** @returns where it ends in `target`. */
  writeJson(target: Buffer, at: number): number {
    target[at] = OPENING;
    this.#bytes.copy(target, at + 1, 0, this.#length);
    const end = at + 1 + this.#length;
    target[end] = CLOSING;
    return end + 1;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

export function unpack(packed: readonly Packed[]): ContextMessage[] {
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

/** As `Packed` has it. @param before the message that this one is a step from; absent: it stands for itself. */
function textOf(message: ContextMessage, before: ContextMessage | undefined): string {
  const { seq, sender, body, createdAtMs, media } = message;
  const step = seq - (before?.seq ?? 0);
  const stepMs = createdAtMs - (before?.createdAtMs ?? 0);
  const more = media.length > 0 ? `,${JSON.stringify(media)}` : '';
  return `[${step},"${CODES[sender]}",${JSON.stringify(body)},${stepMs}${more}]`;
}
