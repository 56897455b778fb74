import { describe, expect, it } from '@jest/globals';
import { DEFAULT_LOOP_LIMITS, findLoop, isAutomaticReply } from '../../../services/turns/loopGuard.js';
import type { ContextMessage, Sender } from '../../../services/types.js';

const START_MS = Date.parse('2026-03-02T18:00:00Z');

/** Says things one after the other; ours come a second after theirs. */
class Talk {
  readonly messages: ContextMessage[] = [];
  nowMs = START_MS;

  #say(sender: Sender, body: string, afterMs: number): this {
    this.nowMs += afterMs;
    const direction = sender === 'lead' ? 'inbound' : 'outbound';
    const seq = this.messages.length + 1;
    this.messages.push({ seq, direction, sender, body, media: [], createdAtMs: this.nowMs });
    return this;
  }

  theirs(body: string, afterMs = 2_000): this {
    return this.#say('lead', body, afterMs);
  }

  ours(body = 'It is still here. When would you like to come by?', sender: Sender = 'assistant'): this {
    return this.#say(sender, body, 1_000);
  }

  get found() {
    return findLoop(this.messages, this.nowMs + 1_500);
  }
}

/** @returns how many of their texts are answered before the rule ends it; undefined when it never does. */
function answeredBefore(textOf: (n: number) => string, gapMs: number, most = 40): number | undefined {
  const talk = new Talk();
  for (let n = 0; n < most; n += 1) {
    talk.theirs(textOf(n), gapMs);
    if (talk.found) return n;
    talk.ours();
  }
  return undefined;
}

const DRIVING =
  'I’m driving with Do Not Disturb While Driving turned on. I’ll see your message when I get where I’m going.';
/** Different words each time, as a model has them. */
const CHATTER = Array.from({ length: 40 }, (_, n) =>
  Array.from({ length: 12 }, (_each, word) => `w${n}x${word}`).join(' '),
);

describe('Two machines', () => {
  it.each([
    ['a phone that drives', DRIVING],
    ['a desk', 'I am out of the office until Monday. For urgent matters call reception.'],
    [
      'another dealership',
      'Thank you for contacting Example Motors! A team member will get back to you shortly.',
    ],
    ['an inbox', 'This inbox is not monitored. Please call us instead of texting.'],
    ['a desk in French', 'Réponse automatique : je suis absent du bureau cette semaine.'],
    ['a phone in Spanish', 'Respuesta automática: estoy manejando, te escribo cuando llegue.'],
  ])('When the other one is %s, then it gets one answer, however slow it is', (_what, text) => {
    expect(answeredBefore(() => text, 2_000)).toBe(1);
    expect(answeredBefore(() => text, 20 * 60_000)).toBe(1);
  });

  it('When the other one always says the same, then it gets four answers', () => {
    expect(answeredBefore(() => 'Please choose one of our departments: sales, service, parts', 3_000)).toBe(
      4,
    );
  });

  it('When only a number in its words changes, then it gets four answers', () => {
    const text = (n: number) =>
      `Your request was received and has ticket ${1_000 + n}, we are working on it now`;
    expect(answeredBefore(text, 3_000)).toBe(4);
  });

  it('When the other one goes round in circles, then it gets eight answers', () => {
    const menu = [
      'Would you like to know more about our cars today',
      'Which of our cars would you like to know about',
      'Today we have more cars, which would you like',
    ];
    expect(answeredBefore((n) => menu[n % menu.length] as string, 1_000)).toBe(8);
  });

  it('When the other one is a model that never repeats itself, then it gets fifteen answers', () => {
    expect(answeredBefore((n) => CHATTER[n] as string, 4_000)).toBe(15);
  });

  it('ends long before the thirty replies at which the carrier does', () => {
    expect(Math.max(...Object.values(DEFAULT_LOOP_LIMITS))).toBeLessThanOrEqual(15);
  });
});

describe('A person', () => {
  it.each([
    ['repeats a question now and then', () => 'Is the blue Civic still there?', 45_000],
    ['answers yes and no at once', (n: number) => (n % 3 === 0 ? 'no' : 'yes'), 11_000],
    ['sends pictures without words', () => '', 12_000],
    ['asks for one vehicle after the other', (n: number) => `Do you have ${CHATTER[n]}`, 15_000],
    ['says thanks a lot', () => 'ok thanks', 15_000],
  ] as const)('When somebody %s, then nothing is ended', (_what, text, gapMs) => {
    expect(answeredBefore(text, gapMs, 24)).toBeUndefined();
  });

  it('When somebody asks the same four times quickly, then it is left to the hand-off', () => {
    const talk = new Talk();
    for (let n = 0; n < 4; n += 1) {
      if (n > 0) talk.ours();
      talk.theirs('How much is the blue Civic?', 5_000);
      expect(talk.found).toBeUndefined();
    }
  });

  it('When somebody sends a burst, then it is one turn', () => {
    const talk = new Talk();
    for (let n = 0; n < 20; n += 1) talk.theirs('Is the blue Civic still there?', 500);
    expect(talk.found).toBeUndefined();
  });

  it.each([
    "I'm driving over now, is that ok?",
    'I am driving a 2015 Corolla and want to trade it in',
    'Will you be out of this model soon?',
    'Thanks for your message! Is it still available?',
    'Do I get it with an automatic transmission?',
    'Is it automatic or manual?',
    'Can I drop by when I am back from vacation?',
    'Please reply to this when you can',
    'Est-ce une transmission automatique ?',
    '¿Es automático?',
  ])('"%s" is not taken for a machine', (text) => {
    expect(isAutomaticReply(text)).toBe(false);
  });

  it('When a phone that drives is followed by its owner, then the owner is answered', () => {
    const talk = new Talk().theirs('Is the Civic there?').ours().theirs(DRIVING).ours();
    expect(talk.theirs('Here now. Is it still available?', 600_000).found).toBeUndefined();
  });
});

describe('Staff', () => {
  it('When a person of the dealership has texted in between, then it begins anew', () => {
    const talk = new Talk();
    for (let n = 0; n < 4; n += 1) talk.theirs('Please choose one of our departments now').ours();
    talk.ours('Hi, Pat here.', 'staff');
    expect(talk.theirs('Please choose one of our departments now').found).toBeUndefined();
  });

  it('When the conversation is given back later, then the assistant may try again', () => {
    const talk = new Talk().theirs(DRIVING).ours().theirs(DRIVING);
    expect(findLoop(talk.messages, talk.nowMs + 1_000)).toBe('automatic_replies');
    expect(findLoop(talk.messages, talk.nowMs + 61_000)).toBeUndefined();
  });
});

describe('The rule itself', () => {
  it('is quick for the longest texts', () => {
    const talk = new Talk();
    const long = 'thank you for contacting '.repeat(160);
    for (let n = 0; n < 25; n += 1) talk.theirs(`${long} ${n}`).ours(long.slice(0, 480));
    talk.theirs(long);
    const startedAt = performance.now();
    for (let n = 0; n < 100; n += 1) findLoop(talk.messages, talk.nowMs);
    // Some 1 ms each here; a hundred times that would still be no regular expression run wild.
    expect((performance.now() - startedAt) / 100).toBeLessThan(100);
  });
});
