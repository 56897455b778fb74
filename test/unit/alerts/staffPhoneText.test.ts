import { describe, expect, it } from '@jest/globals';
import { alertText } from '../../../services/alerts/text.js';
import { HANDOFF_TRIGGERS } from '../../../services/assistant/handoff.js';
import { ALERT_KINDS } from '../../../services/db/schema/alerts.js';
import type { ToldAlert } from '../../../services/record/alertTexts.js';
import { countSegments } from '../../../services/sms/segments.js';
import type { LeadId } from '../../../services/types.js';

const lead = (n: number) => `0b0f3f0e-0000-4000-8000-00000000000${n}` as LeadId;
const alert = (change: Partial<ToldAlert> = {}): ToldAlert => ({
  kind: 'handoff_requested',
  leadId: lead(1),
  trigger: null,
  ...change,
});
const say = (alerts: readonly ToldAlert[], dealership = 'Example Motors', isFirst = false) =>
  alertText({ dealership, alerts, isFirst });

const LONG_NAME =
  'The Very Long Established Dealership of Łódź, Kraków and Daughters — «Québec» 東京 & 🚗 Partners';

describe('The text to a staff phone', () => {
  it('When a shopper needs a person, then it says for whom, why and in which conversation', () => {
    expect(say([alert({ trigger: 'not_understood' })])).toBe(
      `Jack for Example Motors: a shopper needs a person (not understood). Lead ${lead(1)}.`,
    );
  });

  it('When the phone has not been texted before, then it is told how to stop', () => {
    expect(say([alert()], 'Example Motors', true)).toMatch(/ Reply STOP to end\.$/);
  });

  it('When it concerns the dealership, then it says where to look', () => {
    expect(say([alert({ kind: 'sending_stopped', leadId: null })])).toBe(
      'Jack for Example Motors: texts are not going out. See /api/alerts.',
    );
  });

  it('When several conversations need a person, then they are counted, each once', () => {
    const three = [alert(), alert({ leadId: lead(2) }), alert({ leadId: lead(3) })];
    expect(say([...three, alert({ kind: 'loop_detected' })])).toBe(
      'Jack for Example Motors: 3 conversations need a person. See /api/alerts.',
    );
    const withOthers = [...three, alert({ kind: 'not_textable', leadId: lead(4) })];
    expect(say(withOthers)).toContain('3 conversations need a person, 1 other alert.');
    const others = [alert({ kind: 'not_textable' }), alert({ kind: 'texts_missed', leadId: null })];
    expect(say(others)).toBe('Jack for Example Motors: 2 alerts. See /api/alerts.');
  });

  it('When several alerts are about one conversation, then what asks for a person is said', () => {
    const alerts = [alert({ kind: 'identifiers_masked' }), alert({ trigger: 'anger' })];
    expect(say(alerts)).toContain(`a shopper needs a person (anger). Lead ${lead(1)}`);
  });

  it.each([LONG_NAME, '東京', ''])(
    'When the dealership is called %j, then it is one segment, whatever happened',
    (name) => {
      const single = ALERT_KINDS.flatMap((kind) => [alert({ kind }), alert({ kind, leadId: null })]);
      const handoffs = HANDOFF_TRIGGERS.map((trigger) => alert({ trigger }));
      const many = Array.from({ length: 12_000 }, (_, n) => alert({ leadId: `${lead(1)}${n}` as LeadId }));
      const others = many.map((each) => alert({ kind: 'texts_missed', leadId: `x${each.leadId}` as LeadId }));
      const texts = [...[...single, ...handoffs].map((each) => [each]), many, others, [...many, ...others]];
      for (const alerts of texts) {
        const text = say(alerts, name, true);
        expect([text, countSegments(text).segments]).toEqual([text, 1]);
        expect(countSegments(text).encoding).toBe('GSM-7');
      }
    },
  );
});
