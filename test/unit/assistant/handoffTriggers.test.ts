/** Each trigger of DOMAIN.md 9.3 with texts that must call a person and texts that look like it and must not. */
import { describe, expect, it } from '@jest/globals';
import { startConversation } from './_conversation.js';

const CALLS: Readonly<Record<string, readonly string[]>> = {
  person: [
    'Can I talk to a real person?',
    'get me a manager please',
    'is there somebody who can call me back',
    'I would rather speak with a salesperson',
    'please have someone contact me',
    'un conseiller svp',
    'llámeme por favor',
  ],
  anger: [
    'This is ridiculous, nobody ever answers',
    'I want to file a complaint',
    'you guys are a scam',
    'worst dealership I have ever dealt with',
    'what a waste of my time',
    'I am really upset with how I was treated',
    'c’est inacceptable',
    'quiero poner una queja',
  ],
  legal: [
    'my lawyer will be in touch',
    'I will sue you',
    'see you in small claims court',
    'I am contacting my attorney',
  ],
  negotiation: [
    "what's the lowest you will go on the civic?",
    'would you take 18k cash',
    "I'll give you 20 for it today",
    'what is the out the door price',
    'can you do any better on price',
    'can you match the price at the other dealer',
  ],
  payment: [
    'how much would the payments be on that',
    'can I do 350 a month',
    'what interest rate would I get',
    'what is the monthly payment with 2000 down',
  ],
  safety: [
    'is there an open recall on the CR-V?',
    'the brakes failed on the car I bought from you',
    'the airbag light is on, is it safe to drive?',
    'my engine caught fire',
  ],
  identifiers: ['my social is 123-45-6789', 'visa 4111 1111 1111 1111'],
  repetition: [
    'I already told you that',
    'you did not answer my question',
    'I asked you twice now',
    'you keep asking me the same thing',
  ],
};

/** Texts with the same words that mean something else. */
const DO_NOT_CALL: Readonly<Record<string, readonly string[]>> = {
  person: [
    'are you a real person?',
    'is the manager special still on?',
    'my wife is a real estate agent, we need something roomy',
    'call me Sam',
    'how many people does the CR-V seat?',
  ],
  anger: [
    'holy shit that is a nice truck',
    'I am sick of my old car, time for something new',
    'worst case I can come Sunday',
    'my truck gets terrible gas mileage',
    'I have horrible credit',
    'fed up with my minivan breaking down, what do you have?',
    'the weather is awful today, are you open?',
  ],
  legal: [
    'my wife is a lawyer and needs a sedan',
    "I'm an attorney, looking for an Accord",
    'my name is Sue',
    'pursuing a blue one',
  ],
  negotiation: [
    'do you accept trades?',
    'do you take debit cards?',
    'I will take a look at it tomorrow',
    'what is your best selling SUV?',
    'are you lower on Main Street or further up?',
  ],
  payment: [
    'I drive about 2000 km per month',
    'can I come in on apr 5?',
    'in a month or so',
    'I put 20000 miles a year on it',
  ],
  safety: [
    'I recall you had a red one last week',
    'what is the safety rating of the CR-V?',
    'I want something safe for my kids',
    'how many airbags does it have?',
    'that deal is on fire',
  ],
  identifiers: [
    'stock number 123456',
    'my budget is 20,000 to 25,000',
    'my number is 604-555-0142',
    '2019 with 45 000 km',
  ],
  repetition: [
    'I already told my wife about it',
    'can you answer a question',
    'I asked my brother twice',
    'I will ask the same thing of my bank',
  ],
};

const cases = (table: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(table).flatMap(([trigger, texts]) => texts.map((text) => [trigger, text] as const));

async function answerTo(text: string) {
  const shopper = startConversation();
  await shopper.text('hi');
  return await shopper.text(text);
}

describe('Hand-over triggers', () => {
  it.each(cases(CALLS))('calls a person (%s): %s', async (trigger, text) => {
    const { handoff, body } = await answerTo(text);
    expect(handoff?.trigger).toBe(trigger);
    expect(handoff?.reason).not.toContain(text);
    expect(body).not.toMatch(/\?$/);
  });

  it.each(cases(DO_NOT_CALL))('calls nobody (not %s): %s', async (_trigger, text) => {
    expect((await answerTo(text)).handoff).toBeUndefined();
  });

  it.each([
    ['what are your hours?', 'What are your hours'],
    ['what is the price of the red one', 'so what is the price of the red one??'],
    ['do you have any pickups in stock', 'hello? do you have any pickups in stock'],
    ['do you have any pickups in stock', 'I asked do you have any pickups in stock'],
  ])('calls a person when a question comes again: "%s", "%s"', async (first, second) => {
    const shopper = startConversation();
    await shopper.text('hi');
    expect((await shopper.text(first)).handoff).toBeUndefined();
    expect((await shopper.text(second)).handoff?.trigger).toBe('repetition');
  });

  it.each([
    ['is the civic still available?', 'is the accord still available?'],
    ['are you open today?', 'are you open tomorrow?'],
    ['sounds good', 'sounds good'],
    ['ok thanks', 'ok thanks'],
    ['how much is the red one', 'how much is the blue one'],
  ])('calls nobody when it only sounds like the one before: "%s", "%s"', async (first, second) => {
    const shopper = startConversation();
    await shopper.text('hi');
    await shopper.text(first);
    expect((await shopper.text(second)).handoff?.trigger).not.toBe('repetition');
  });

  it('calls a person when two texts in a row are not understood, and not when one is', async () => {
    const shopper = startConversation();
    expect((await shopper.text('flurb the wozzle')).handoff).toBeUndefined();
    expect((await shopper.text('zzz qqq')).handoff?.trigger).toBe('not_understood');
  });
});
