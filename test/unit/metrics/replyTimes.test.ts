import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { ReplyTimes } from '../../../services/metrics/replyTimes.js';
import type { MessageId, OrganizationId } from '../../../services/types.js';

const organizationId = 'north-shore' as OrganizationId;
const phone = '+16045550123';
const newId = () => randomUUID() as MessageId;

describe('The time until a reply', () => {
  let nowMs = 0;
  let times: ReplyTimes;
  beforeEach(() => {
    nowMs = 0;
    times = new ReplyTimes({ monotonicMs: () => nowMs });
  });
  const replyTo = (who = phone, source: 'assistant' | 'staff' = 'assistant') => {
    const messageId = newId();
    times.committed(organizationId, who, { messageId, source });
    return messageId;
  };

  it('When several texts wait, then it counts from the first, and once', () => {
    times.awaits(organizationId, phone);
    nowMs = 700;
    times.awaits(organizationId, phone);
    nowMs = 900;
    const messageId = replyTo();
    nowMs = 1_000;
    expect(times.sent(messageId)).toEqual({ source: 'assistant', durationMs: 1_000 });
    expect(times.sent(messageId)).toBeUndefined();
    expect(times.sent(replyTo())).toBeUndefined();
  });

  it('When somebody else is answered, or another organization answers, then it is no reply', () => {
    times.awaits(organizationId, phone);
    expect(times.sent(replyTo('+16045550199'))).toBeUndefined();
    const messageId = newId();
    times.committed('south-shore' as OrganizationId, phone, { messageId, source: 'staff' });
    expect(times.sent(messageId)).toBeUndefined();
  });

  it('When the answer comes the next day, then it was no wait', () => {
    times.awaits(organizationId, phone);
    nowMs = 24 * 3_600_000;
    expect(times.sent(replyTo(phone, 'staff'))).toBeUndefined();
  });

  it('When a crowd waits, then the ones who wait longest are given up', () => {
    for (let n = 0; n <= 10_000; n += 1) times.awaits(organizationId, `crowd ${n}`);
    expect(times.sent(replyTo('crowd 0'))).toBeUndefined();
    expect(times.sent(replyTo('crowd 1'))).toBeDefined();
  });
});
