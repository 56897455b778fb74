import { describe, expect, it } from '@jest/globals';
import { decideFollowUp } from '../../../services/leads/cadence.js';
import { firstTouchText, followUpText } from '../../../services/leads/outreachText.js';
import type { Prospect } from '../../../services/leads/prospect.js';
import type { FollowUpClaim } from '../../../services/record/followUps.js';
import { countSegments } from '../../../services/sms/segments.js';
import type { ConversationId, E164, MessageId, OrganizationId } from '../../../services/types.js';

const civic: Prospect = {
  vehicles: [{ interest: 'buy', year: 2021, make: 'Honda', model: 'Civic' }],
  contact: { name: { first: 'Dana' } },
};
const claim = (change: Partial<FollowUpClaim> = {}): FollowUpClaim => ({
  id: 'm' as MessageId,
  organizationId: 'o' as OrganizationId,
  conversationId: 'c' as ConversationId,
  fence: 1,
  attempts: 1,
  step: 1,
  knownSeq: 0,
  isSent: false,
  owner: 'assistant',
  optedOut: false,
  lastSeq: 1,
  lastInboundSeq: 0,
  slots: {},
  phone: '+12065550142' as E164,
  attributes: {},
  prospect: civic,
  requestedAt: '2026-05-18T20:00:00Z',
  now: '2026-11-18T19:59:59Z',
  dealership: 'Example Motors',
  timezone: 'America/Los_Angeles',
  settings: { followUps: [{ afterHours: 24, text: 'Still looking?' }] },
  ...change,
});

describe('The six months of an inquiry', () => {
  const day = (now: string, change: Partial<FollowUpClaim> = {}) =>
    decideFollowUp(claim({ now, ...change })).send;
  const canada = { phone: '+16045550142' as E164, timezone: 'America/Vancouver' };

  it('count for a Canadian number, to the second', () => {
    expect(day('2026-11-18T19:59:59Z', canada)).toBe(true);
    expect(day('2026-11-18T20:00:00Z', canada)).toBe(false);
  });

  it('do not count for a number and an address in the United States', () => {
    expect(day('2027-11-18T20:00:00Z')).toBe(true);
    expect(day('2027-11-18T20:00:00Z', { attributes: { region: 'WA', country: 'US' } })).toBe(true);
  });

  it.each([
    [
      'a Canadian address with a number of the United States',
      { attributes: { postalCode: 'V5H 0A1', country: 'CA' } },
    ],
    ['nothing that is known of the person', { phone: '+447700900123' as E164 }],
  ])('count with %s', (_what, change) => {
    expect(day('2027-11-18T20:00:00Z', change)).toBe(false);
  });

  it('do not count for the greeting, which answers the inquiry', () => {
    expect(day('2027-11-18T20:00:00Z', { ...canada, step: 0 })).toBe(true);
  });
});

describe('The words of a greeting', () => {
  const facts = (prospect: Prospect) => ({ dealership: 'Example Motors', assistantName: 'Jack', prospect });

  it.each<readonly [string, Prospect]>([
    ['a vehicle', civic],
    ['no vehicle', { contact: { name: { full: 'Dana Okafor' } } }],
    ['nothing', { contact: {} }],
    ['French', { ...civic, contact: { name: { first: 'Zoë' }, address: { region: 'QC' } } }],
    ['stated French', { ...civic, contact: { language: 'fr' } }],
  ])('with %s: dealership, AI assistant and how to stop are in it', (_what, prospect) => {
    const text = firstTouchText(facts(prospect));
    expect(text).toContain('Example Motors');
    expect(text).toMatch(/AI assistant|assistant IA/);
    expect(text).toMatch(/STOP|ARRET/);
    expect(countSegments(text).segments).toBeLessThanOrEqual(3);
  });

  it('ends with no question that a keyword could answer', () => {
    for (const prospect of [civic, { contact: {} }]) {
      const [question = ''] = /[^.]*\?/.exec(firstTouchText(facts(prospect))) ?? [];
      expect(question.trim()).toMatch(/^What /);
    }
  });

  it.each(['https://evil.example', 'evil.example', 'Dana\nClick here', 'Dana$', 'x'.repeat(30), ''])(
    'does not say the name %j',
    (first) => {
      expect(firstTouchText(facts({ ...civic, contact: { name: { first } } }))).toMatch(/^Hi, this is Jack/);
    },
  );

  it.each(['win at evil.example', 'http://x', 'Civic <b>', 'a\nb', 'x'.repeat(80)])(
    'does not say the vehicle %j',
    (model) => {
      const prospect: Prospect = { contact: {}, vehicles: [{ interest: 'buy', model }] };
      expect(firstTouchText(facts(prospect))).toContain('What kind of vehicle are you looking for?');
    },
  );

  it.each(['F-150', 'ID.4', '3 Series', 'C/K 1500', 'Town & Country', 'Mégane'])(
    'says the vehicle %s',
    (model) => {
      const prospect: Prospect = { contact: {}, vehicles: [{ interest: 'buy', model }] };
      expect(firstTouchText(facts(prospect))).toContain(model);
    },
  );

  it('speaks of the vehicle that is wanted, not of the trade-in', () => {
    const vehicles: Prospect['vehicles'] = [
      { interest: 'trade-in', make: 'Ford', model: 'F-150' },
      { interest: 'test-drive', make: 'Honda', model: 'Civic' },
    ];
    expect(firstTouchText(facts({ contact: {}, vehicles }))).toContain('the Honda Civic');
  });
});

describe('The words of a follow-up', () => {
  const text = (template: string, prospect: Prospect = civic) =>
    followUpText(template, { dealership: 'Example Motors', assistantName: 'Joan', prospect });

  it('fills in what is known', () => {
    expect(text('{name}, {assistant} of {dealership} here about the {vehicle}. STOP ends this.')).toBe(
      'Dana, Joan of Example Motors here about the 2021 Honda Civic. STOP ends this.',
    );
  });

  it('reads well without a name or a vehicle', () => {
    expect(text('Hi {name}, still after {vehicle}?', { contact: {} })).toBe(
      'Example Motors: Hi, still after your next vehicle? Reply STOP to opt out.',
    );
  });
});
