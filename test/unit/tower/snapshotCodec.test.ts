import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createSnapshotCodec } from '../../../services/cacheAdapter/snapshotCodec.js';
import type {
  ContextMessage,
  ConversationId,
  ConversationSnapshot,
  LeadId,
  OrganizationId,
  Rev,
} from '../../../services/types.js';

const message = (seq: number, change: Partial<ContextMessage> = {}): ContextMessage => ({
  seq,
  direction: seq % 2 === 1 ? 'inbound' : 'outbound',
  sender: seq % 2 === 1 ? 'lead' : 'assistant',
  body: `text number ${seq}, and so on`,
  media: [],
  createdAtMs: 1_790_000_000_000 + seq * 61_234,
  ...change,
});

function snapshotOf(messages: readonly ContextMessage[]): ConversationSnapshot {
  return {
    organizationId: 'org' as OrganizationId,
    conversationId: randomUUID() as ConversationId,
    leadId: randomUUID() as LeadId,
    rev: randomUUID() as Rev,
    lastSeq: messages.at(-1)?.seq ?? 0,
    owner: 'assistant',
    optedOut: false,
    summary: 'Wants a used SUV.',
    slots: { name: 'Dana', asked: ['vehicle'] },
    messages,
  };
}

/** Decoded by another process. */
const readBack = (bytes: Buffer) => createSnapshotCodec().decode(bytes);

describe('A snapshot as bytes', () => {
  it('comes back as it was: no messages, media, staff, line breaks, other scripts, falsy state', () => {
    const odd = [
      message(1, { body: '' }),
      message(2, { sender: 'staff', body: 'a\n"b"\\\u0000' }),
      message(3, {
        body: 'Привет 👋',
        media: [{ url: 'https://example.com/x.jpg', contentType: 'image/jpeg' }],
      }),
      message(7, { sender: 'system', direction: 'outbound' }),
    ];
    const changes: Partial<ConversationSnapshot>[] = [
      {},
      { optedOut: true, owner: 'human', summary: '', slots: {} },
    ];
    for (const messages of [[], odd, Array.from({ length: 50 }, (_, n) => message(n + 1))]) {
      for (const change of changes) {
        const snapshot = { ...snapshotOf(messages), ...change };
        const bytes = createSnapshotCodec().encode(snapshot);
        expect(readBack(bytes)).toEqual({ isUsable: true, value: snapshot });
      }
    }
  });

  it('is the same whether it was encoded turn by turn, read in between by somebody else, or whole', () => {
    const step = fc.record({
      add: fc.integer({ min: 0, max: 5 }),
      keep: fc.integer({ min: 1, max: 50 }),
      edit: fc.boolean(),
      moves: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let codec = createSnapshotCodec();
        let snapshot = snapshotOf([]);
        let seq = 0;
        for (const { add, keep, edit, moves } of steps) {
          const added = Array.from({ length: add }, () => message(++seq));
          let messages = [...snapshot.messages, ...added].slice(-keep);
          if (edit) messages = messages.map((each, n) => (n === 1 ? { ...each, body: 'redacted' } : each));
          snapshot = { ...snapshot, rev: randomUUID() as Rev, messages };
          const bytes = codec.encode(snapshot);
          expect(readBack(bytes)).toEqual({ isUsable: true, value: snapshot });
          if (!moves) continue;
          codec = createSnapshotCodec();
          const read = codec.decode(bytes);
          if (read.isUsable) snapshot = read.value;
        }
      }),
      { numRuns: 200 },
    );
  });

  it('damaged anywhere is not usable or differs, and never throws', () => {
    const bytes = createSnapshotCodec().encode(
      snapshotOf(Array.from({ length: 25 }, (_, n) => message(n + 1))),
    );
    for (let at = 0; at < bytes.length; at += 1) {
      expect(() => readBack(bytes.subarray(0, at))).not.toThrow();
      const flipped = Buffer.from(bytes);
      flipped[at] = (flipped[at] as number) ^ 0xff;
      expect(() => readBack(flipped)).not.toThrow();
    }
    expect(readBack(bytes.subarray(0, bytes.length - 1))).toEqual({ isUsable: false });
    expect(readBack(Buffer.alloc(0))).toEqual({ isUsable: false });
    expect(readBack(Buffer.of(2, 0, 0, 0, 0))).toEqual({ isUsable: false });
  });

  it('of 20 messages of 120 characters stays below 2 kB', () => {
    const words =
      'do you have the blue one in stock what about winter tires can I come by on Saturday with my trade'.split(
        ' ',
      );
    let n = 0;
    const text = () => {
      let body = '';
      while (body.length < 120) {
        n = (n * 7 + 3) % 1_009;
        body += `${words[n % words.length]} `;
      }
      return body.slice(0, 120);
    };
    const messages = Array.from({ length: 20 }, (_, at) => message(at + 1, { body: text() }));
    expect(createSnapshotCodec().encode(snapshotOf(messages)).length).toBeLessThan(2_000);
  });
});
