/** A status only moves up, whatever the order of the reports. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { climb, hasFailed, RANKS, type Step } from '../../../services/outbound/climb.js';
import type { SentText } from '../../../services/record/deliveryEvents.js';
import type { ConversationId, MessageId, MessageStatus, OrganizationId } from '../../../services/types.js';

const text = (change: Partial<SentText> = {}): SentText => ({
  messageId: 'm' as MessageId,
  organizationId: 'o' as OrganizationId,
  conversationId: 'c' as ConversationId,
  status: 'queued',
  errorCode: null,
  accountSid: 'AC1',
  messageSid: 'SM1',
  outboxState: 'accepted',
  resends: 0,
  failedSid: null,
  ...change,
});
const step = (
  status: MessageStatus,
  errorCode: number | null = null,
  messageSid: string | null = 'SM1',
): Step => ({
  messageSid,
  accountSid: 'AC1',
  status,
  errorCode,
});

const statuses = Object.keys(RANKS) as MessageStatus[];
const steps = fc.array(
  fc.record({ status: fc.constantFrom(...statuses), errorCode: fc.constantFrom(null, 30003, 30008) }),
  { maxLength: 12 },
);

describe('A text on its way', () => {
  it('never goes down, and ends with the highest of its reports, whatever their order', () => {
    fc.assert(
      fc.property(steps, (reports) => {
        let now = text();
        for (const { status, errorCode } of reports) {
          const next = climb(now, step(status, errorCode));
          expect(RANKS[next.status]).toBeGreaterThanOrEqual(RANKS[now.status]);
          if (now.errorCode !== null) expect(next.errorCode).not.toBeNull();
          now = next;
        }
        const highest = Math.max(RANKS.queued, ...reports.map(({ status }) => RANKS[status]));
        expect(RANKS[now.status]).toBe(highest);
      }),
    );
  });

  it('is the same object when a report says nothing new, so that nothing is written', () => {
    const delivered = text({ status: 'delivered' });
    for (const status of ['queued', 'sent', 'delivered', 'failed'] as const) {
      expect(climb(delivered, step(status))).toBe(delivered);
    }
  });

  it('learns the carrier’s id once, and then is in the carrier’s hands', () => {
    for (const outboxState of ['queued', 'sending', 'unknown'] as const) {
      const known = climb(
        text({ messageSid: null, accountSid: null, outboxState }),
        step('sent', null, 'SM2'),
      );
      expect(known).toMatchObject({
        messageSid: 'SM2',
        accountSid: 'AC1',
        outboxState: 'accepted',
        status: 'sent',
      });
      expect(climb(known, step('delivered', null, 'SM3'))).toBe(known);
    }
  });

  it('that was taken back meanwhile stays taken back, and its id is known', () => {
    const canceled = text({ messageSid: null, outboxState: 'canceled', status: 'canceled' });
    expect(climb(canceled, step('sent', null, 'SM2'))).toMatchObject({
      messageSid: 'SM2',
      outboxState: 'canceled',
      status: 'canceled',
    });
  });

  it('has failed once: when it fails, and when the reason becomes known', () => {
    const failed = text({ status: 'failed' });
    const explained = text({ status: 'failed', errorCode: 30004 });
    expect(hasFailed(text(), failed)).toBe(true);
    expect(hasFailed(failed, explained)).toBe(true);
    expect(hasFailed(explained, explained)).toBe(false);
    expect(hasFailed(text(), text({ status: 'delivered' }))).toBe(false);
  });
});
