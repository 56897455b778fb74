import { describe, expect, it } from '@jest/globals';
import { classifyKeyword } from '../../../services/sms/keywords.js';

const classify = (body: string, optedOut = false) => classifyKeyword({ body, optedOut });

describe('A text that is one keyword', () => {
  it.each([
    ...['STOP', 'StopAll', 'unsubscribe', 'Cancel', 'END', 'quit', 'revoke', 'OptOut', 'opt out', 'OPT-OUT'],
    ...['opt\u2010out', 'ARRET', 'Arrêt', 'arre\u0302t', 'ARRETE', 'arrête', 'désabonner', 'DESABONNER'],
    ...[
      '  stop \n',
      'Stop.',
      'STOP!!',
      'stop?',
      'Stop \u2026',
      'st\u200bop',
      '\ufeffSTOP',
      '"STOP"',
      '\u201cStop\u201d',
    ],
  ])('When somebody texts %j, then it is an opt-out', (body) => {
    expect(classify(body)).toBe('stop');
  });

  it.each(['START', 'unstop', ' Start. '])('When somebody texts %j, then it is an opt-in', (body) => {
    expect(classify(body)).toBe('start');
  });

  it.each(['HELP', 'info', 'Help!'])('When somebody texts %j, then it is a call for help', (body) => {
    expect(classify(body)).toBe('help');
  });
});

describe('A text that is not a keyword', () => {
  it.each([
    ...['', '   ', '?', '...', 'Please stop by on Saturday', 'stop texting me', 'Cancel my visit', 'the end'],
    ...[
      'Info?',
      'Help ?',
      'Start?',
      'info please',
      'YES',
      'yes.',
      'stopp',
      'st op',
      'alto',
      '"Stop" he said',
    ],
    `STOP${'!'.repeat(5000)}`,
  ])('When somebody texts %j, then it is ordinary speech', (body) => {
    expect(classify(body)).toBeUndefined();
  });
});

describe('YES', () => {
  it('When somebody who opted out texts YES, then it is an opt-in', () => {
    expect(classify('Yes', true)).toBe('start');
  });

  it('When somebody who opted out asks "Yes?", then it is not an opt-in', () => {
    expect(classify('Yes?', true)).toBeUndefined();
  });
});

describe('Advanced Opt-Out', () => {
  it.each([
    ['STOP', 'stop'],
    ['START', 'start'],
    ['HELP', 'help'],
  ] as const)('When Twilio says OptOutType %s, then that wins over the words', (optOutType, keyword) => {
    expect(classifyKeyword({ body: 'no more offers', optOutType, optedOut: false })).toBe(keyword);
    expect(classifyKeyword({ body: 'INFO', optOutType, optedOut: true })).toBe(keyword);
  });
});
