import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  type Completeness,
  completenessOf,
  quietWindow,
  windowAround,
} from '../../../services/turns/quietWindow.js';

const TABLE: Readonly<Record<Completeness, readonly string[]>> = {
  complete: [
    'Is the Civic still available?',
    'is the civic still available',
    'How much is it',
    'do you have any SUVs under 30k',
    'who is it for',
    'My name is Dana.',
    'I want to come in tomorrow!',
    'Can I see it today? 😊',
    'is it still there? :)',
    'ok ❤️',
    'yes',
    'Yes please',
    'ok great thanks',
    'no thank you',
    '👍',
    '2',
    '10am',
    'Saturday at 10',
    'tomorrow morning',
    '$25,000',
    'dana@example.com',
    'Combien coûte-t-il ?',
    'est-ce que vous avez des camions',
    'avez vous des suv en stock',
    'vous êtes où ?',
    'où êtes vous situés',
    'oui merci',
    "d'accord",
    'demain midi',
    'Je cherche un VUS.',
    '¿Todavía tienen el Civic?',
    'cuánto cuesta el Civic azul',
    'tienen camionetas usadas',
    'sí, gracias',
    'mañana a las 5',
    'Me interesa el Corolla.',
  ],
  open: [
    'my name is dana',
    "I'm looking for a truck",
    'we saw the blue one online',
    'call me tomorrow when it is in',
    'je cherche un camion',
    'je suis là',
    "j'aimerais voir la civic bleue",
    'quiero ver el civic azul',
    'busco una camioneta usada',
    'how much',
  ],
  fragment: [
    'hey',
    'Hi Jack',
    'Hello!',
    'Good morning.',
    'hi there',
    'so I was wondering,',
    'I have a 2018 F-150 and',
    'what about the',
    'I want to trade my',
    'looking for something with',
    'hold on...',
    'one sec…',
    'the blue one',
    '2021 civic',
    'two things:',
    'do you have a civic or',
    'bonjour',
    'Bonsoir!',
    'je cherche un',
    'je voudrais une voiture pour',
    'la bleue',
    "j'ai une question et",
    'hola',
    'Buenas tardes',
    'busco una camioneta para',
    'quiero el azul pero',
    'el azul',
    '',
    '  ',
  ],
};

describe('When more is to be expected', () => {
  const rows = Object.entries(TABLE).flatMap(([completeness, bodies]) =>
    bodies.map((body) => [body, completeness] as const),
  );
  it.each(rows)('%j is taken as %s', (body, completeness) => {
    expect(completenessOf(body)).toBe(completeness);
  });

  it.each([
    ['hey', 3_000],
    ['my name is dana', 1_500],
    ['Is it still there?', 500],
  ])('%j waits %i ms with the default window', (body, ms) => {
    expect(quietWindow(body, windowAround(1_500))).toBe(ms);
  });

  it('answers at once with a window of 0, whatever was said', () => {
    for (const [body] of rows) expect(quietWindow(body, windowAround(0))).toBe(0);
    expect(quietWindow('hey', { shortestMs: 500, normalMs: 0, longestMs: 3_000 })).toBe(0);
  });

  it('takes any text, in time that a flood of strange ones cannot stretch', () => {
    const windows = [500, 1_500, 3_000];
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 400 }), (body) => {
        expect(windows).toContain(quietWindow(body, windowAround(1_500)));
      }),
    );
    const startedAt = performance.now();
    for (const piece of ['.', ' ', "'", 'a ', '👍', '1,']) completenessOf(piece.repeat(1_600));
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });
});
