import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { introduce, introducingAssistant, signFirstText } from '../../../services/assistant/introduction.js';
import { countSegments } from '../../../services/sms/segments.js';
import { startConversation } from './_conversation.js';

const who = { dealership: 'Harbour Motors', assistantName: 'Jack' };
const IDENTIFIED = /Harbour Motors[\s\S]*\b(?:STOP|ARRET)\b/;

const BODIES = {
  en: 'The 2021 Civic is here. You can see it with us on Saturday for a test drive.',
  fr: 'La Civic 2021 est ici. Vous pouvez venir la voir avec nous samedi pour un essai.',
  es: 'El Civic 2021 sigue con nosotros. Puede venir el sábado para verlo.',
};

describe('The first text of a conversation', () => {
  it.each([
    ['en', /^This is Jack, the AI assistant at Harbour Motors\. .* Reply STOP to opt out\.$/],
    ['fr', /^Ici Jack, l'assistant IA de Harbour Motors\. .* Répondez ARRET pour vous désabonner\.$/],
    ['es', /^Soy Jack, el asistente de IA de Harbour Motors\. .* Responda STOP para darse de baja\.$/],
  ] as const)('When an engine answers in %s, then it says who writes and how to stop', (language, words) => {
    const text = introduce(BODIES[language], who);
    expect(text).toMatch(words);
    expect(countSegments(introduce(BODIES[language].replace('á', 'a'), who)).segments).toBeLessThanOrEqual(2);
  });

  it('When the reply is of any length, then both stand in it, in two segments wherever that can be', () => {
    for (let length = 1; length <= 480; length += 1) {
      const body = 'We have it here. '.repeat(30).slice(0, length).trim();
      const text = introduce(body, who);
      expect(text).toMatch(IDENTIFIED);
      expect(text.length).toBeLessThanOrEqual(480);
      if (length <= 220) expect(countSegments(text).segments).toBeLessThanOrEqual(2);
    }
  });

  it('When the reply says it already, then it stays as it is', () => {
    const body = 'Hi, this is Jack, the AI assistant at Harbour Motors. It is here. Reply STOP to opt out.';
    expect(introduce(body, who)).toBe(body);
    expect(introduce(introduce(BODIES.en, who), who)).toBe(introduce(BODIES.en, who));
  });

  it('When the engine says nothing of it, then the first reply does, and the second need not', async () => {
    const curt = { name: 'curt', reply: async () => ({ body: 'It is.', slots: {}, summary: '' }) };
    const shopper = startConversation({ name: 'Harbour Motors' }, introducingAssistant(curt));
    expect((await shopper.text('is it there?')).body).toMatch(IDENTIFIED);
    expect((await shopper.text('sure?')).body).toBe('It is.');
  });
});

describe('The first text of a conversation when a person writes it', () => {
  it.each([
    [
      'I am Pat. When can I call you?',
      'Harbour Motors: I am Pat. When can I call you? Reply STOP to opt out.',
    ],
    ['Pat from Harbour Motors here.', 'Pat from Harbour Motors here. Reply STOP to opt out.'],
    [
      'Bonjour, ici Luc. Je vous appelle demain.',
      'Harbour Motors: Bonjour, ici Luc. Je vous appelle demain. Répondez ARRET pour vous désabonner.',
    ],
    ['Harbour Motors: hello. Reply STOP to end.', 'Harbour Motors: hello. Reply STOP to end.'],
  ])('%s', (body, expected) => {
    expect(signFirstText(body, 'Harbour Motors', 1600)).toBe(expected);
  });

  it('When there is no room for it, then the text stays as it was written', () => {
    expect(signFirstText('x'.repeat(1590), 'Harbour Motors', 1600)).toBe('x'.repeat(1590));
  });
});

/** Whatever an English speaking shopper may begin with: the texts of the corpus that are no revocation. */
const openings = readFileSync(new URL('../../corpora/revocation.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { text: string; lang: string; label: string })
  .filter(({ lang, label }) => lang === 'en' && label === 'none')
  .map(({ text }) => text);

describe('The scripted assistant', () => {
  it('says in every first reply who writes and how to stop, in three segments at the very most', async () => {
    for (const opening of openings) {
      const { body } = await startConversation({ name: 'Harbour Motors' }).text(opening);
      expect(body).toMatch(IDENTIFIED);
      expect(body).toMatch(/\bAI assistant\b/);
      expect(countSegments(body).segments).toBeLessThanOrEqual(3);
      expect(introduce(body, who)).toBe(body);
    }
  });

  /**
   * A carrier takes YES, START, STOP, CANCEL, END, QUIT, HELP and INFO for itself, so no question may have one of them as
   * its natural answer: none that yes or no answers, unless it names the choices. "Could you put it another way?" asks
   * for words, not for a yes.
   */
  it('asks nothing that a keyword of the carrier would answer', async () => {
    const asked = new Set<string>();
    for (const opening of openings) {
      const shopper = startConversation();
      await shopper.text('is the civic there?');
      await shopper.text(opening);
      await shopper.text('tomorrow maybe');
      await shopper.text('ok');
      for (const reply of shopper.replies) {
        for (const question of reply.match(/[^.?!]*\?/g) ?? []) asked.add(question.trim());
      }
    }
    expect(asked.size).toBeGreaterThan(8);
    const isYesOrNo =
      /(?:^|[,;] )(?:do|does|did|is|are|was|can|could|would|will|shall|should|have|has|may) (?!you put|you send)/i;
    expect([...asked].filter((question) => isYesOrNo.test(question) && !/ or /.test(question))).toEqual([]);
    expect(
      [...asked].filter((question) => /\b(?:cancel|start|stop|end|quit|help|info)\b/i.test(question)),
    ).toEqual([]);
  });
});
