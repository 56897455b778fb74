import { describe, expect, it } from '@jest/globals';
import { MAX_SHOPPERS, shopperPhones } from '../../simulator/cli/phones.js';
import { parseScript } from '../../simulator/cli/script.js';
import { isFailure, Tally } from '../../simulator/cli/tally.js';

const DANA = '+16045550123';
const SAM = '+16045550124';
const WANTS = { wantsReply: true, isTaken: true };

/** Texts as `[phone, at]`, replies as `[phone, at]`. */
function tallyOf(texts: readonly [string, number][], replies: readonly [string, number][]): Tally {
  const tally = new Tally();
  for (const [phone, atMs] of texts) tally.sent(phone, atMs)(WANTS);
  for (const [phone, atMs] of replies) tally.reached(phone, atMs);
  return tally;
}

describe('The tally', () => {
  it.each([
    [
      'each text has its reply',
      [
        [DANA, 0],
        [DANA, 20],
      ],
      [
        [DANA, 10],
        [DANA, 30],
      ],
      [2, 0, 0],
    ],
    [
      'one reply answers a burst',
      [
        [DANA, 0],
        [DANA, 1],
      ],
      [[DANA, 10]],
      [2, 0, 0],
    ],
    [
      'a text has two replies',
      [[DANA, 0]],
      [
        [DANA, 10],
        [DANA, 11],
      ],
      [1, 1, 0],
    ],
    [
      'the last text has none',
      [
        [DANA, 0],
        [DANA, 20],
      ],
      [[DANA, 10]],
      [1, 0, 1],
    ],
    [
      'somebody else has the reply',
      [
        [DANA, 0],
        [SAM, 0],
      ],
      [
        [SAM, 10],
        [SAM, 11],
      ],
      [1, 1, 1],
    ],
  ] as const)(
    'When %s, then so it is counted',
    (_what, texts, replies, [answered, answeredTwice, ignored]) => {
      const tally = tallyOf(texts as never, replies as never);
      const report = tally.report(0);
      expect(report).toMatchObject({ sent: texts.length, answered, answeredTwice, ignored });
      expect(tally.isWaiting()).toBe(ignored > 0);
      expect(isFailure(report)).toBe(answeredTwice + ignored > 0);
    },
  );

  it('When a keyword was texted, then silence is right; a reply to it is one too many', () => {
    const tally = new Tally();
    tally.sent(DANA, 0)({ wantsReply: false, isTaken: true });
    expect(tally.report(0)).toMatchObject({ silent: 1, ignored: 0, waitS: null });
    tally.reached(DANA, 10);
    expect(tally.report(0)).toMatchObject({ answeredTwice: 1 });
  });

  it('When a webhook was refused, then it is counted, and the text is ignored', () => {
    const tally = new Tally();
    tally.sent(DANA, 0)({ wantsReply: true, isTaken: false });
    expect(tally.report(2)).toMatchObject({ notTaken: 1, ignored: 1, intoBlocks: 2 });
  });

  it('When many were answered, then the waits are in seconds', () => {
    const tally = new Tally();
    for (let n = 0; n < 100; n += 1) {
      tally.sent(DANA, n * 10_000)(WANTS);
      tally.reached(DANA, n * 10_000 + (n + 1) * 10);
    }
    expect(tally.report(0).waitS).toEqual({ median: 0.51, p99: 1, longest: 1 });
  });
});

describe('A script', () => {
  it('When it has names, comments, haste and copies, then each line is one text', () => {
    const text = '# a talk\n\nHello\n& and blue\nSam: [x3] Any trucks? Ask: me\r\n[x2] Again\nDana: Hi\n';
    expect(parseScript(text)).toEqual([
      { shopper: 'shopper', body: 'Hello', isAtOnce: false, copies: 1 },
      { shopper: 'shopper', body: 'and blue', isAtOnce: true, copies: 1 },
      { shopper: 'Sam', body: 'Any trucks? Ask: me', isAtOnce: false, copies: 3 },
      { shopper: 'Sam', body: 'Again', isAtOnce: false, copies: 2 },
      { shopper: 'Dana', body: 'Hi', isAtOnce: false, copies: 1 },
    ]);
  });
});

it('Shoppers have different numbers that are kept for fiction, and never the dealership’s', () => {
  const phones = shopperPhones(MAX_SHOPPERS, '+16045550100');
  expect(new Set(phones).size).toBe(MAX_SHOPPERS);
  expect(phones).not.toContain('+16045550100');
  expect(phones.every((phone) => /^\+1\d{3}55501\d\d$/.test(phone))).toBe(true);
});
