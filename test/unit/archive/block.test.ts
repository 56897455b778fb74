import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openBlock, sealBlock } from '../../../services/archive/block.js';
import type { ArchivedMessage, BlockContent, StoredBlock } from '../../../services/archive/types.js';
import { carrierKey } from '../../../services/record/carrierKey.js';
import type { ConversationId, MessageId, OrganizationId } from '../../../services/types.js';

const message = fc.record({
  id: fc.uuid().map((id) => id as MessageId),
  direction: fc.constantFrom('inbound' as const, 'outbound' as const),
  sender: fc.constantFrom('lead' as const, 'assistant' as const, 'staff' as const),
  body: fc.string({ unit: 'grapheme', maxLength: 400 }),
  media: fc.array(fc.record({ url: fc.webUrl(), contentType: fc.constant('image/jpeg') }), { maxLength: 2 }),
  segments: fc.nat(10),
  status: fc.constantFrom('received' as const, 'delivered' as const, 'failed' as const),
  errorCode: fc.option(fc.nat(99_999)),
  createdAt: fc
    .date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  encoding: fc.constantFrom('GSM-7' as const, 'UCS-2' as const),
  accountSid: fc.option(fc.string()),
  messageSid: fc.option(fc.string()),
  sent: fc.constant(null),
});

const content: fc.Arbitrary<BlockContent> = fc.record({
  organizationId: fc.constant('north-shore' as OrganizationId),
  conversationId: fc.uuid().map((id) => id as ConversationId),
  messages: fc
    .array(message, { minLength: 1, maxLength: 30 })
    .map((list): ArchivedMessage[] => list.map((one, index) => ({ ...one, seq: index + 7 }))),
  decisions: fc.constant([]),
});

const stored = (of: BlockContent): StoredBlock => sealBlock(of);

describe('A block of archived messages', () => {
  it('gives back exactly what was put in', () => {
    fc.assert(
      fc.property(content, (of) => {
        expect(openBlock(stored(of))).toEqual(of);
      }),
    );
  });

  it('says what is in it without being opened', () => {
    fc.assert(
      fc.property(content, (of) => {
        const { messages } = of;
        expect(sealBlock(of)).toMatchObject({
          firstSeq: 7,
          lastSeq: 6 + messages.length,
          messageCount: messages.length,
          firstAt: messages[0]?.createdAt,
          lastAt: messages.at(-1)?.createdAt,
          carrierKeys: messages.flatMap(({ direction, accountSid, messageSid }) =>
            direction === 'inbound' && accountSid !== null && messageSid !== null
              ? [carrierKey(accountSid, messageSid)]
              : [],
          ),
        });
      }),
    );
  });

  it('is refused when any byte of it changed, or some are missing', () => {
    fc.assert(
      fc.property(content, fc.nat(), fc.integer({ min: 1, max: 255 }), (of, at, change) => {
        const block = stored(of);
        const bytes = Buffer.from(block.content);
        const index = at % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ change;
        for (const damaged of [bytes, block.content.subarray(0, index)]) {
          expect(() => openBlock({ ...block, content: damaged })).toThrow(
            expect.objectContaining({ code: 'E_ARCHIVE_DAMAGED' }),
          );
        }
      }),
    );
  });

  it('is refused under another conversation or organization', () => {
    const [of] = fc.sample(content, 1);
    const block = stored(of!);
    for (const change of [
      { conversationId: randomUUID() as ConversationId },
      { organizationId: 'elsewhere' as OrganizationId },
    ]) {
      expect(() => openBlock({ ...block, ...change })).toThrow(/another conversation/);
    }
  });
});

describe('The key of a carrier id', () => {
  it('is a UUID, the same for the same ids and no other', () => {
    expect(carrierKey('AC1', 'SM1')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(carrierKey('AC1', 'SM1')).toBe(carrierKey('AC1', 'SM1'));
    expect(new Set([carrierKey('AC1', 'SM1'), carrierKey('AC1', 'SM2'), carrierKey('AC2', 'SM1')]).size).toBe(
      3,
    );
  });
});
