import { describe, expect, it } from '@jest/globals';
import { readName } from '../../../services/assistant/names.js';
import { readTimeframe, readTimeframeAnswer } from '../../../services/assistant/timeframe.js';
import { startConversation } from './_conversation.js';

describe('Names', () => {
  it.each([
    ["I'm Dana", 'Dana'],
    ['im dana', 'Dana'],
    ['hey im dana and i want a truck', 'Dana'],
    ['My name is Dana Okafor-Reyes', 'Dana Okafor-Reyes'],
    ['this is Tom. Is it there?', 'Tom'],
    ["name's O'Neil", "O'Neil"],
    ['I\u2019m Zoë', 'Zoë'],
    ["je m'appelle Luc", 'Luc'],
    ['Great truck! - Priya', 'Priya'],
    ['MY NAME IS DANA', 'Dana'],
  ])('When a text says "%s", then the name is %s', (text, name) => {
    expect(readName(text, false)).toBe(name);
  });

  it.each([
    "I'm interested",
    "I'm looking for a truck",
    'im good thanks',
    "I'm just looking",
    'I am driving right now',
    'im canadian',
    "I'm at work",
    "it's Saturday",
    'this is ridiculous',
    'call me back',
    "I'm Interested in the Civic",
    'im preapproved',
    "I'm trading my truck",
    'dana',
  ])('When a text says "%s", then no name is taken', (text) => {
    expect(readName(text, false)).toBeUndefined();
  });

  it.each([
    ['dana', 'Dana'],
    ['dana smith', 'Dana Smith'],
    ['Dana, thanks', 'Dana'],
    ["it's dana", 'Dana'],
    ['sure, Dana', 'Dana'],
    ['no', undefined],
    ['later', undefined],
    ['why do you need it?', undefined],
  ])('When the name was asked for and "%s" comes, then it is read as %s', (text, name) => {
    expect(readName(text, true)).toBe(name);
  });
});

describe('Timeframes', () => {
  it.each([
    ['this weekend', 'this weekend'],
    ['hoping for next month', 'next month'],
    ['just looking', 'just looking'],
    ['no rush at all', 'no rush'],
    ['in 2-3 weeks', 'in 2-3 weeks'],
    ['within a couple of weeks', 'within a couple of weeks'],
    ['asap please', 'as soon as possible'],
    ['by christmas', 'by Christmas'],
  ])('When a text says "%s", then the timeframe is "%s"', (text, timeframe) => {
    expect(readTimeframe(text)).toBe(timeframe);
  });

  it('When somebody is just looking for something, then that is no timeframe', () => {
    expect(readTimeframe('just looking for a truck')).toBeUndefined();
  });

  it('When the timeframe was asked for, then bare words are enough', () => {
    expect(readTimeframeAnswer('couple weeks')).toBe('in a couple weeks');
    expect(readTimeframeAnswer('saturday')).toBe('Saturday');
    expect(readTimeframeAnswer('when my lease ends')).toBe('when my lease ends');
    expect(readTimeframeAnswer('do you have a civic')).toBeUndefined();
  });
});

describe('Collecting facts', () => {
  it.each([
    [['any trucks?', "I'm Dana, trading in my 2018 F-150", 'this weekend']],
    [
      [
        'this weekend I want a truck',
        'no name yet, trading in my 2018 F-150',
        'any trucks?',
        'my name is Dana',
      ],
    ],
    [["hi, I'm Dana. I need a truck this weekend and I'm trading in my 2018 F-150"]],
  ])(
    'When the facts come in the order of %j, then all are known and none is asked for again',
    async (texts) => {
      const shopper = startConversation();
      for (const text of texts) await shopper.text(text);
      expect(shopper.slots).toMatchObject({
        name: 'Dana',
        tradeIn: '2018 Ford F-150',
        timeframe: 'this weekend',
      });
      await shopper.text('ok');
      const after = shopper.replies.slice(texts.length).join(' ');
      expect(after).not.toMatch(/trading in|When are you hoping|first name/i);
    },
  );

  it.each([
    ['trading in my 2018 F-150', '2018 Ford F-150'],
    ["I've got a 2015 Mazda3 to trade with 120k km", '2015 Mazda3'],
    ['want to trade my 09 pontiac vibe for a civic', '2009 Pontiac Vibe'],
    ['no trade', 'none'],
    ["I don't have a trade in", 'none'],
    ['my trade is a 2012 chevy cruze', '2012 Chevrolet Cruze'],
    ['I have a trade', 'yes, vehicle not named yet'],
  ])('When a shopper says "%s", then the trade-in is %s', async (text, tradeIn) => {
    const shopper = startConversation();
    await shopper.text(text);
    expect(shopper.slots.tradeIn?.replace('Mazda Mazda3', 'Mazda3')).toMatch(new RegExp(`^${tradeIn}`));
  });

  it('When a shopper trades one for another, then the two are not mixed up', async () => {
    const shopper = startConversation();
    await shopper.text('want to trade my 2009 Corolla for the outback');
    expect(shopper.slots).toMatchObject({ tradeIn: '2009 Toyota Corolla', vehicle: '2020 Subaru Outback' });
  });

  it.each([
    ['nope', 'none'],
    ['2018 f150', '2018 Ford F-150'],
    ["my wife's old van", "wife's old van"],
  ])('When the trade-in was asked for, then a bare "%s" is the answer', async (text, tradeIn) => {
    const shopper = startConversation();
    await shopper.text('is the outback there?');
    expect(shopper.slots.lastQuestion).toBe('tradeIn');
    await shopper.text(text);
    expect(shopper.slots.tradeIn).toBe(tradeIn);
  });

  it('When a fact is corrected, then the new one replaces the old', async () => {
    const shopper = startConversation();
    await shopper.text("I'm Dan, is the outback there? no trade");
    await shopper.text("sorry, my name is Dana. And actually I'm trading in a 2012 Civic");
    expect(shopper.slots).toMatchObject({
      name: 'Dana',
      tradeIn: '2012 Honda Civic',
      vehicle: '2020 Subaru Outback',
    });
  });

  it('When questions go unanswered, then none of them is asked a second time', async () => {
    const shopper = startConversation();
    await shopper.text('is the outback there?');
    for (const text of ['ok', 'what are your hours', 'ok', 'where are you', 'ok', 'cool', 'nice', 'ok great'])
      await shopper.text(text);
    for (const question of [
      'trading in, if anything',
      'When are you hoping',
      'Who should I say',
      'suit you better',
    ]) {
      expect(shopper.replies.filter((body) => body.includes(question)).length).toBeLessThanOrEqual(1);
    }
  });

  it('When any question is asked, then its natural answer is not a carrier keyword', async () => {
    const keywords = /\b(?:yes|start|cancel|end|quit|info|help|unstop)\b/i;
    const shopper = startConversation();
    for (const text of [
      'hi',
      'trucks?',
      '1',
      'i have a trade',
      '2010 civic',
      'this week',
      'monday 9pm',
      '1',
      'Dana',
    ]) {
      const { body } = await shopper.text(text);
      expect(body.replace('Reply STOP to opt out.', '')).not.toMatch(keywords);
      expect(body).not.toMatch(/\b(?:Do you|Is that|Are you|Can you|Does that|Shall I|Should we)\b[^.?]*\?/);
    }
  });
});
