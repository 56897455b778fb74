import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clamp, isGsm, toGsm } from '../../../services/assistant/gsm.js';
import type { AssistantReply } from '../../../services/assistant/types.js';
import { DEMO_DEALERSHIP } from '../../../services/demo/dealership.js';
import type { Slots, Vehicle } from '../../../services/types.js';
import { startConversation } from './_conversation.js';

const words = fc.constantFrom(
  'civic',
  '2021',
  'trade',
  'my',
  'f-150',
  'under',
  '30k',
  'tomorrow',
  'at',
  '3',
  'no',
  'yes',
  "i'm",
  'dana',
  'hours',
  'open',
  '?',
  'the',
  'second',
  'one',
  'actually',
  'saturday',
  '10am',
  'visit',
  'price',
  '\u{1F600}',
  '$',
  '1',
  '2',
  'not',
  'for',
  'bot',
  'call',
  'me',
  'anything',
  'blue',
  'else',
  '.',
  'stock',
  'p4471',
);
const text = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.array(words, { maxLength: 14 }).map((list) => list.join(' ')),
);
const anyWords = fc.string({ unit: 'binary', maxLength: 60 });
const slots: fc.Arbitrary<Slots> = fc.record(
  {
    name: anyWords,
    vehicle: fc.oneof(anyWords, fc.constantFrom('2021 Honda Civic', 'SUV under $30,000')),
    stockNumber: fc.oneof(anyWords, fc.constant('P4471')),
    tradeIn: anyWords,
    timeframe: fc.oneof(anyWords, fc.constantFrom('this week', 'just looking')),
    visitAt: fc.oneof(anyWords, fc.constantFrom('2026-11-24T10:30', '2026-11-20T10:30')),
    visitStatus: fc.constantFrom('proposed' as const, 'agreed' as const),
    lastQuestion: fc.constantFrom(
      'vehicle' as const,
      'tradeIn' as const,
      'timeframe' as const,
      'name' as const,
      'visit' as const,
    ),
    asked: fc.array(
      fc.oneof(
        anyWords,
        fc.constantFrom(
          'visit',
          'unsure',
          'times:2026-11-24T10:30,2026-11-24T14:00',
          'stock:P4471,P4502',
          'times:x',
          'financing',
        ),
      ),
    ),
  },
  { requiredKeys: [] },
);

function expectSendable(reply: AssistantReply): void {
  expect(reply.body.length).toBeGreaterThan(0);
  expect(reply.body.length).toBeLessThanOrEqual(480);
  expect(isGsm(reply.body)).toBe(true);
  expect(reply.summary.length).toBeGreaterThan(0);
  expect(JSON.stringify(reply.slots).length).toBeLessThan(8000);
}

describe('Odd input', () => {
  it('When any texts meet any slots, then the reply can be sent: 1 to 480 characters of GSM-7, one question', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(text, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
        slots,
        async (turns, start) => {
          const shopper = startConversation({ slots: start });
          for (const burst of turns) {
            const reply = await shopper.text(...burst);
            expectSendable(reply);
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('When words of the trade are shuffled, then no reply asks two questions or states a foreign price', async () => {
    const prices = new Set(DEMO_DEALERSHIP.inventory.map(({ price }) => price));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(words, { minLength: 1, maxLength: 10 }), { minLength: 1, maxLength: 4 }),
        async (texts) => {
          const shopper = startConversation();
          for (const list of texts) {
            const { body } = await shopper.text(list.join(' '));
            expect(body.match(/\?/g)?.length ?? 0).toBeLessThanOrEqual(1);
            const figures = [
              ...body.replace(/(?:under|over|between|and) \$[\d,]+/g, '').matchAll(/\$(\d+(?:,\d{3})*)/g),
            ];
            for (const [, figure = ''] of figures) expect(prices).toContain(Number(figure.replace(/,/g, '')));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('When settings and inventory hold anything, then the reply can still be sent', async () => {
    const odd = fc.string({ unit: 'binary', maxLength: 300 });
    const vehicle = fc.record({
      stockNumber: odd,
      condition: fc.constantFrom('new' as const, 'used' as const),
      year: fc.integer({ min: 1950, max: 2050 }),
      make: odd,
      model: odd,
      trim: odd,
      bodyStyle: fc.oneof(odd, fc.constant('SUV')),
      color: odd,
      odometerKm: fc.nat(),
      price: fc.option(fc.nat()),
      currency: fc.constantFrom('CAD', 'EUR', ''),
    });
    await fc.assert(
      fc.asyncProperty(
        odd,
        odd,
        odd,
        odd,
        fc.array(vehicle, { maxLength: 6 }),
        async (name, timezone, address, website, inventory) => {
          const settings = { address, website, publicPhone: address, assistantName: website };
          const shopper = startConversation({ name, timezone, settings, inventory: inventory as Vehicle[] });
          for (const body of [
            'hi',
            'what do you have',
            'suv',
            '1',
            'where are you, website, hours?',
            'can I visit tomorrow at 3?',
          ]) {
            expectSendable(await shopper.text(body));
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('When bodies are built to make patterns backtrack, then the reply still comes at once', async () => {
    const nasty = [
      'a',
      'a ',
      "i'm ",
      '1',
      '1 ',
      '1-',
      'is this ',
      'are you ',
      'trade my ',
      'a-',
      "'",
      '$1,',
      '2021 ',
      'the ',
      'in 2 to ',
      'call me ',
      'what is my ',
      '? ',
      '\u{1F600}',
      'x.',
      'am i to with ',
    ];
    const started = performance.now();
    for (const unit of nasty) {
      const shopper = startConversation();
      const body = unit.repeat(1600).slice(0, 1599);
      await shopper.text(`${body}!`);
      await shopper.text(...Array.from({ length: 20 }, () => body));
    }
    // 42 replies; quadratic patterns would need minutes, so the bound is far from both.
    expect(performance.now() - started).toBeLessThan(15_000);
  });

  it('When there is no text to answer at all, then something harmless is said', async () => {
    const shopper = startConversation();
    expectSendable(await shopper.text());
    expect(shopper.replies[0]).toMatch(/AI assistant/);
  });

  it('When fifty texts and more have been exchanged, then the greeting does not come back', async () => {
    const shopper = startConversation();
    await shopper.text('hi');
    for (let n = 0; n < 40; n += 1) await shopper.text(n % 2 === 0 ? 'what are your hours' : 'where are you');
    expect(shopper.replies.filter((body) => body.includes('STOP'))).toHaveLength(1);
  });
});

describe('GSM-7', () => {
  it('When any text is normalised, then only GSM-7 is left and nothing is lost from plain text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (any) => isGsm(toGsm(any))));
    expect(toGsm('\u201cZoë\u2019s café\u201d \u2014 10\u00a0km\u2026 \u{1F600}')).toBe(
      '"Zoe\'s café" - 10 km...',
    );
  });

  it('When a text is too long, then it ends at a sentence', () => {
    expect(clamp('One two three. Four five six. Seven eight', 32)).toBe('One two three. Four five six.');
    expect(clamp('short', 32)).toBe('short');
  });
});

describe('The demo dealership', () => {
  it('When the demo data is read, then it is varied, closed on Sunday and holds no real number', () => {
    const { inventory, settings, phoneNumber } = DEMO_DEALERSHIP;
    expect(inventory.length).toBeGreaterThanOrEqual(14);
    expect(new Set(inventory.map(({ stockNumber }) => stockNumber)).size).toBe(inventory.length);
    expect(settings.hours?.['0']).toBeUndefined();
    expect(`${phoneNumber} ${settings.publicPhone}`).toMatch(/555-?01\d\d.*555-?01\d\d/);
    expect(inventory.some(({ price }) => price === null)).toBe(true);
  });
});
