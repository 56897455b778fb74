import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  decide,
  type GateFacts,
  MAX_SEGMENTS,
  type OrganizationLimits,
} from '../../../services/outbound/gate.js';
import type { OutboundRequest, OutreachPurpose, RuleRequest } from '../../../services/outbound/types.js';
import type { ConversationId, OrganizationId } from '../../../services/types.js';

const NOON = Date.parse('2026-11-20T12:00-08:00');
const NIGHT = Date.parse('2026-11-20T22:00-08:00');
const MORNING = Date.parse('2026-11-21T08:00-08:00');
const HOUR_MS = 3_600_000;

const LIMITS: OrganizationLimits = {
  isSendingOff: false,
  holdsReplies: false,
  startedPerPerson: undefined,
  segmentsPerText: undefined,
  textsPerDay: undefined,
};

const RECIPIENT = {
  whereabouts: {
    places: [{ zone: 'America/Los_Angeles', region: 'US-WA' }],
    sources: ['area_code'],
  },
  startedAtMs: [],
  lastInboundAtMs: null,
} as const;

/** Everything is as it should be. */
const FINE: GateFacts = {
  optedOut: false,
  isTextable: true,
  owner: 'assistant',
  lastSeq: 5,
  fence: 7,
  isLeased: false,
  isReplyDue: false,
  phone: '+12065550100',
  fromNumber: '+14255550101',
  registration: 'approved',
  isRealCarrier: true,
  nowMs: NOON,
  segments: 1,
  limits: LIMITS,
  textsToday: 0,
  recipient: RECIPIENT,
};

const to = {
  organizationId: 'north-shore' as OrganizationId,
  conversationId: '00000000-0000-4000-8000-000000000001' as ConversationId,
  body: 'Hello',
};
const start = (purpose: OutreachPurpose = 'follow_up'): OutboundRequest => ({
  ...to,
  origin: 'system',
  purpose,
});
const staff: OutboundRequest = { ...to, origin: 'staff', staffName: 'Alex' };
const reply: OutboundRequest = {
  ...to,
  origin: 'assistant',
  turn: { fence: 7, seenSeq: 5, slots: {}, summary: '' },
};
const rule = (answers: RuleRequest['answers']): RuleRequest => ({ ...to, origin: 'rule', answers });
/** A reply's claim is open. */
const CLAIMED: GateFacts = { ...FINE, isLeased: true, isReplyDue: true };

type Violation = readonly [reason: string, change: (facts: GateFacts) => GateFacts];
const withLimits =
  (change: Partial<OrganizationLimits>) =>
  (facts: GateFacts): GateFacts => ({
    ...facts,
    limits: { ...facts.limits, ...change },
  });
const withFacts =
  (change: Partial<GateFacts>) =>
  (facts: GateFacts): GateFacts => ({ ...facts, ...change });

const OPTED_OUT: Violation = ['opted_out', withFacts({ optedOut: true })];
const LANDLINE: Violation = ['phone_not_textable', withFacts({ isTextable: false })];
const NO_NUMBER: Violation = ['no_sending_number', withFacts({ fromNumber: null })];
const HUMAN: Violation = ['human_owns_conversation', withFacts({ owner: 'human' })];
const WAITING: Violation = ['shopper_waits_for_reply', withFacts({ isReplyDue: true })];
const CLAIM_LOST: Violation = ['claim_lost', withFacts({ isLeased: false })];
const NEWER: Violation = ['newer_text', withFacts({ lastSeq: 6 })];
const OFTEN: Violation = [
  'texted_often_enough',
  (facts) => ({
    ...facts,
    recipient: { ...RECIPIENT, startedAtMs: [NOON - HOUR_MS, NOON - 2 * HOUR_MS, NOON - 3 * HOUR_MS] },
  }),
];
const UNREGISTERED: Violation = ['number_pending', withFacts({ registration: 'pending' })];
const LONG: Violation = ['too_many_segments', withFacts({ segments: MAX_SEGMENTS + 1 })];
const SPENT: Violation = [
  'texts_of_the_day_sent',
  (facts) => withLimits({ textsPerDay: 3 })({ ...facts, textsToday: 3 }),
];
const OFF: Violation = ['sending_switched_off', withLimits({ isSendingOff: true })];

/** What can be wrong, in the order in which it counts. */
const ORDER: ReadonlyArray<
  readonly [name: string, OutboundRequest | RuleRequest, GateFacts, readonly Violation[]]
> = [
  [
    'a text that we start',
    start(),
    FINE,
    [OPTED_OUT, LANDLINE, NO_NUMBER, HUMAN, WAITING, OFTEN, UNREGISTERED, LONG, SPENT, OFF],
  ],
  [
    'a reply',
    reply,
    CLAIMED,
    [OPTED_OUT, LANDLINE, NO_NUMBER, HUMAN, CLAIM_LOST, NEWER, UNREGISTERED, LONG, SPENT, OFF],
  ],
  ['a text of staff', staff, FINE, [OPTED_OUT, LANDLINE, NO_NUMBER, UNREGISTERED, LONG, OFF]],
  [
    'an alert to staff',
    start('staff_alert'),
    FINE,
    [OPTED_OUT, LANDLINE, NO_NUMBER, UNREGISTERED, LONG, SPENT, OFF],
  ],
  ['an answer to HELP', rule('help'), FINE, [OPTED_OUT, LANDLINE, NO_NUMBER, UNREGISTERED, LONG, OFF]],
  ['the confirmation of an opt-out', rule('opt_out'), FINE, [LANDLINE, NO_NUMBER, UNREGISTERED, LONG, OFF]],
];

describe('The gate', () => {
  it.each(ORDER)('lets %s pass when nothing is wrong', (_name, request, facts) => {
    expect(decide(request, facts)).toMatchObject({ allowed: true });
  });

  it.each(ORDER)(
    'of all that is wrong with %s names the first in order',
    (_name, request, facts, violations) => {
      fc.assert(
        fc.property(fc.subarray([...violations], { minLength: 1 }), (wrong) => {
          const seen = wrong.reduce((sum, [, change]) => change(sum), facts);
          expect(decide(request, seen)).toMatchObject({ allowed: false, reason: wrong[0]?.[0] });
        }),
      );
    },
  );

  it.each([
    ['the confirmation of an opt-out', rule('opt_out'), OPTED_OUT],
    ['staff', staff, HUMAN],
    ['staff', staff, SPENT],
    ['staff', staff, OFTEN],
    ['an alert to staff', start('staff_alert'), HUMAN],
    ['an alert to staff', start('staff_alert'), OFTEN],
  ] as const)('does not hold back %s: %#', (_name, request, [, change]) => {
    expect(decide(request, change(FINE))).toMatchObject({ allowed: true });
  });

  it('In quiet hours schedules what we start, and everything else that is wrong still counts', () => {
    expect(decide(start(), { ...FINE, nowMs: NIGHT })).toMatchObject({
      allowed: true,
      reason: 'scheduled_after_quiet_hours',
      scheduledForMs: MORNING,
    });
    for (const [reason, change] of [OPTED_OUT, HUMAN, UNREGISTERED, LONG, SPENT, OFF]) {
      expect(decide(start(), change({ ...FINE, nowMs: NIGHT }))).toMatchObject({ allowed: false, reason });
    }
  });

  it('counts the texts of the day around the moment at which the text is to leave', () => {
    const startedAtMs = [MORNING, MORNING, MORNING];
    const facts = { ...FINE, nowMs: NIGHT, recipient: { ...RECIPIENT, startedAtMs } };
    expect(decide(start(), facts)).toMatchObject({ allowed: false, code: 'E_FREQUENCY_CAP' });
  });

  it('In quiet hours lets staff answer, or speak when they answer for it', () => {
    const night = { ...FINE, nowMs: NIGHT };
    expect(decide(staff, night)).toMatchObject({ allowed: false, code: 'E_QUIET_HOURS', retryAtMs: MORNING });
    expect(decide({ ...staff, ignoresQuietHours: true }, night)).toMatchObject({ allowed: true });
    const written = (hoursAgo: number): GateFacts => ({
      ...night,
      recipient: { ...RECIPIENT, lastInboundAtMs: NIGHT - hoursAgo * HOUR_MS },
    });
    expect(decide(staff, written(11))).toMatchObject({ allowed: true });
    expect(decide(staff, written(12))).toMatchObject({ allowed: false });
  });

  it('In quiet hours answers the shopper, unless the organization holds replies and some hour suits', () => {
    const night = { ...CLAIMED, nowMs: NIGHT };
    expect(decide(reply, night)).toMatchObject({ allowed: true, reason: 'reply_to_own_text' });
    const holding = withLimits({ holdsReplies: true })(night);
    expect(decide(reply, holding)).toMatchObject({
      allowed: false,
      reason: 'held_until_morning',
      retryAtMs: MORNING,
    });
    const places = [{ zone: 'America/New_York', region: 'US-RI' }, { zone: 'Asia/Tokyo' }];
    const nowhere = { ...RECIPIENT, whereabouts: { places, sources: ['stated_zone'] as const } };
    expect(decide(reply, { ...holding, recipient: nowhere })).toMatchObject({ allowed: true });
    expect(decide(start(), { ...FINE, nowMs: NIGHT, recipient: nowhere })).toMatchObject({
      allowed: false,
      reason: 'no_hour_suits_all_places',
    });
  });

  it.each([
    ['+14255550101', '+12065550100', null, true, false],
    ['+14255550101', '+12065550100', null, false, true],
    ['+14255550101', '+16045550123', null, true, true],
    ['+16045550101', '+12065550100', null, true, true],
    ['+16045550101', '+12065550100', 'unregistered', false, false],
    ['+18885550101', '+12065550100', 'unregistered', true, true],
    ['+14255550101', '+16045550123', 'pending', true, true],
    ['+14255550101', '+12065550100', 'not_needed', true, true],
  ] as const)('from %s to %s, registration %s, real carrier %s: %s', (...row) => {
    const [fromNumber, phone, registration, isRealCarrier, isAllowed] = row;
    const decision = decide(reply, { ...CLAIMED, fromNumber, phone, registration, isRealCarrier });
    expect(decision.allowed).toBe(isAllowed);
    if (!decision.allowed) expect(decision.code).toBe('E_NOT_REGISTERED');
  });

  it('keeps with the decision where the recipient may be, and nothing with an ordinary reply', () => {
    expect(decide(start(), FINE).details).toEqual({
      purpose: 'follow_up',
      placesFrom: ['area_code'],
      places: ['US-WA America/Los_Angeles'],
      startedInLastDay: 0,
    });
    expect(decide(reply, CLAIMED)).not.toHaveProperty('details');
  });
});
