import { describe, expect, it } from '@jest/globals';
import { startConversation } from './_conversation.js';

describe('First words, identity and courtesy', () => {
  it('When a shopper texts for the first time, then the dealership, the AI assistant and the way out are named once', async () => {
    const shopper = startConversation();
    const first = await shopper.text('what time do you close today?');
    expect(first.body).toMatch(/Jack, the AI assistant at Harbor Example Motors/);
    expect(first.body).toMatch(/open 10 am to 5 pm/i);
    expect(first.body).toMatch(/Reply STOP to opt out\.$/);
    const second = await shopper.text('and where are you?');
    expect(second.body).not.toMatch(/AI assistant|STOP/);
  });

  it('When the dealership gave the assistant a name, then it speaks under that name', async () => {
    const shopper = startConversation({ settings: { assistantName: 'Robin' }, name: 'Delta Example Auto' });
    expect((await shopper.text('hello')).body).toContain(
      'this is Robin, the AI assistant at Delta Example Auto',
    );
  });

  it.each([
    'are you a bot?',
    'Are you a real person',
    'is this a robot?',
    'am I talking to a human?',
    'who is this?',
    'u a bot?',
    'es-tu un robot?',
    'eres un robot?',
  ])('When asked "%s", then the truth comes first and nobody is handed over', async (question) => {
    const shopper = startConversation();
    await shopper.text('hi');
    const reply = await shopper.text(question);

    expect(reply.body).toMatch(/^I'm Jack, an AI assistant for Harbor Example Motors, not a person\./);
    expect(reply.handoff).toBeUndefined();
  });

  it('When a shopper asks whether it is a bot and about a car, then both are answered, the truth first', async () => {
    const reply = await startConversation().text('are you a real person? is the model 3 available?');
    expect(reply.body).toMatch(/AI assistant.*not a person\. .*2022 Tesla Model 3/);
  });

  it('When staff wrote first and hand back, then the assistant says who it is without the opt-out line', async () => {
    const shopper = startConversation();
    shopper.staff('Hi, Sam from sales here. Any questions, just text.');
    const reply = await shopper.text('what are your hours?');
    expect(reply.body).toMatch(/^Jack here, the AI assistant at Harbor Example Motors\. Our hours:/);
    expect(reply.body).not.toContain('STOP');
  });

  it.each([
    ['thanks', /You're welcome/],
    ['ok bye', /Take care/],
    ['\u{1F44D}', /./],
    ['how are you?', /All good/],
  ])(
    'When a shopper sends "%s" in the middle, then the answer is short and pushes nothing',
    async (text, holds) => {
      const shopper = startConversation();
      await shopper.text('what are your hours?');
      const reply = await shopper.text(text);
      expect(reply.body).toMatch(holds);
      expect(reply.body.length).toBeLessThan(70);
      expect(reply.handoff).toBeUndefined();
    },
  );

  it('When a photo comes without words, then it is acknowledged honestly', async () => {
    const shopper = startConversation();
    await shopper.text('hi');
    expect((await shopper.photo()).body).toMatch(/Got your photo.*can't view pictures/);
  });

  it('When an empty text comes, then the reply says so instead of guessing', async () => {
    const shopper = startConversation();
    await shopper.text('hi');
    expect((await shopper.text('')).body).toMatch(/empty/);
  });

  it('When a text is not understood, then one honest clarifying question is asked', async () => {
    const shopper = startConversation();
    await shopper.text('hi');
    const reply = await shopper.text('flurb the wozzle');
    expect(reply.body).toMatch(/didn't quite get that.*\?$/);
    expect(reply.handoff).toBeUndefined();
  });
});
