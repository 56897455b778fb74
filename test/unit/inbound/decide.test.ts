import { describe, expect, it } from '@jest/globals';
import { type ConversationFacts, decideInbound } from '../../../services/inbound/decide.js';

const decide = (body: string, facts: Partial<ConversationFacts> = {}) =>
  decideInbound({ body, optOutType: undefined }, { owner: 'assistant', optedOut: false, ...facts });

const CONFIRMED_EN = { answers: 'opt_out', language: 'en' };

describe('What an inbound text means', () => {
  it.each([
    ['Is it there?', {}, { reply: 'due', optedOut: false, keyword: undefined, answer: undefined }],
    ['Is it there?', { owner: 'human' }, { reply: 'keep' }],
    ['Is it there?', { optedOut: true }, { reply: 'keep', optedOut: true }],
    ['STOP', {}, { reply: 'cancel', optedOut: true, keyword: 'stop', answer: undefined }],
    ['STOP', { keywordAnswers: 'us' }, { answer: CONFIRMED_EN }],
    ['STOP', { keywordAnswers: 'us', optedOut: true }, { optedOut: true, answer: undefined }],
    ['STOP', { keywordAnswers: 'toll_free' }, { answer: undefined }],
    ['QUIT', { keywordAnswers: 'toll_free' }, { answer: CONFIRMED_EN }],
    ['ARRÊT', {}, { keyword: 'stop', answer: { answers: 'opt_out', language: 'fr' } }],
    ['START', { optedOut: true }, { optedOut: false, reply: 'keep', answer: undefined }],
    ['YES', { optedOut: true }, { optedOut: false, keyword: 'start' }],
    ['YES', { optedOut: true, keywordAnswers: 'toll_free' }, { optedOut: true, keyword: undefined }],
    ['YES', {}, { reply: 'due', keyword: undefined }],
    ['HELP', {}, { reply: 'keep', isOrdinaryWord: true, answer: undefined }],
    ['HELP', { keywordAnswers: 'us' }, { answer: { answers: 'help', language: 'en' } }],
    [
      'please stop texting me',
      { owner: 'human' },
      { reply: 'cancel', optedOut: true, revocation: { result: 'revoked' }, answer: CONFIRMED_EN },
    ],
    [
      'please stop texting me',
      { optedOut: true },
      { reply: 'keep', revocation: undefined, answer: undefined },
    ],
    ['wrong number', { optedOut: true }, { revocation: { result: 'wrong_number' }, answer: undefined }],
    ['stop by at 5?', {}, { reply: 'due', optedOut: false, revocation: undefined }],
  ] as const)('%j with %j', (body, facts, expected) => {
    expect(decide(body, facts)).toMatchObject(expected);
  });
});
