import { describe, expect, it } from '@jest/globals';
import { startConversation } from './_conversation.js';

const PROMISE = /follow up with you here|get back to you in this chat/;

describe('Handing over to a person', () => {
  it.each([
    ['can I talk to a human', /person/],
    ['I want to speak with a real person please', /person/],
    ['call me', /person/],
    ['please call me back at 604-555-0142', /person/],
    ['can someone call me tomorrow?', /person/],
    ['let me speak to your manager', /person/],
    ['agent', /person/],
    ["je veux parler à quelqu'un", /person/],
    ['quiero hablar con una persona', /person/],
    ['this is bullshit', /anger/],
    ['worst service ever, I want to file a complaint', /anger/],
    ['you will hear from my lawyer', /legal/],
    ['is there a recall on the airbags?', /safety/],
    ["what's your best price on the civic", /negotiation/],
    ['would you take 20k for it', /negotiation/],
    ['can you knock off $1000', /negotiation/],
    ['what would my monthly payment be', /payments/],
    ['what interest rate can I get', /payments/],
    ['can I get it for 400 a month', /payments/],
    ['habla espanol?', /language/],
    ['I need an oil change', /service/],
  ])(
    'When a shopper writes "%s", then the team takes over and the shopper is told so',
    async (text, reason) => {
      const shopper = startConversation();
      await shopper.text('hi');
      const reply = await shopper.text(text);
      expect(reply.handoff?.reason).toMatch(reason);
      expect(reply.body).toMatch(PROMISE);
      expect(reply.body).not.toMatch(/\?|\$\d/);
      expect(reply.summary).not.toMatch(/hand|team/i);
    },
  );

  it.each([
    'are you a real person?',
    'I have terrible credit',
    'call me Dana',
    'do you take trades',
    'will you take my trade in',
    'in a month',
    'I am Sue',
    'damn nice truck',
  ])('When a shopper writes "%s", then nobody is called for it', async (text) => {
    const shopper = startConversation();
    await shopper.text('hi');
    expect((await shopper.text(text)).handoff).toBeUndefined();
  });

  it.each([
    ['my ssn is 123-45-6789', '6789'],
    ['SIN 046 454 286', '286'],
    ['card 4111 1111 1111 1111 exp 12/29', '1111'],
    ['date of birth 03/04/1990, can I get approved?', '1990'],
    ['my drivers license is 1234567', '1234567'],
  ])(
    'When a shopper sends "%s", then nothing of it is repeated and a safe way is shown',
    async (text, secret) => {
      const shopper = startConversation();
      const reply = await shopper.text(text);
      expect(reply.handoff?.reason).toMatch(/identifier/);
      expect(reply.body).toMatch(/don't text card, ID or social insurance numbers.*in person or by phone/);
      expect(JSON.stringify([reply.body, reply.slots, reply.summary])).not.toContain(secret);
    },
  );

  it('When a shopper only sends a phone number, then it is not taken for an identifier', async () => {
    const shopper = startConversation();
    await shopper.text('is the civic there?');
    expect((await shopper.text('my number is 604-555-0142')).handoff?.reason ?? '').not.toMatch(/identifier/);
  });

  it('When two texts in a row are not understood, then a person comes', async () => {
    const shopper = startConversation();
    expect((await shopper.text('flurb the wozzle')).handoff).toBeUndefined();
    const reply = await shopper.text('zzz qqq');
    expect(reply.handoff?.reason).toMatch(/not understood/);
    expect(reply.body).toMatch(PROMISE);
  });

  it('When a text in between is understood, then the count begins anew', async () => {
    const shopper = startConversation();
    await shopper.text('flurb the wozzle');
    await shopper.text('what are your hours');
    expect((await shopper.text('zzz qqq')).handoff).toBeUndefined();
  });

  it('When the same question comes again, then it is answered again and a person comes', async () => {
    const shopper = startConversation();
    await shopper.text('what are your hours?');
    const reply = await shopper.text('What are your hours');
    expect(reply.handoff?.reason).toMatch(/repeats/);
    expect(reply.body).toMatch(/9 am to 7 pm.*follow up/);
  });

  it('When a question comes along with the request, then it is answered too', async () => {
    const reply = await startConversation().text('where are you? and can I talk to someone');
    expect(reply.body).toMatch(/100 Example Harbour Way.*follow up/);
  });

  it('When the dealership is closed, then the shopper learns when somebody is there', async () => {
    const reply = await startConversation({ now: '2026-11-22T20:00:00Z' }).text('can I talk to a human');
    expect(reply.body).toMatch(/closed right now and open tomorrow at 9 am/);
  });

  it('When the number is wrong, then the reply apologises and sells nothing', async () => {
    const shopper = startConversation();
    const reply = await shopper.text('wrong number');
    expect(reply.body).toMatch(/Sorry to have bothered you/);
    expect(reply.body).not.toMatch(/\?/);
    expect(reply.handoff).toBeDefined();
  });
});
