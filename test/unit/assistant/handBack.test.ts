/** The assistant speaks again after a person did. */
import { describe, expect, it } from '@jest/globals';
import { startConversation } from './_conversation.js';

describe('After a person has spoken', () => {
  it('When the shopper answered a question of staff, then the assistant knows the answer and asks it no more', async () => {
    const shopper = startConversation();
    await shopper.text('is the civic still available?');
    shopper.staff('Sam here. Do you have anything to trade in?');
    shopper.toStaff('yes, a 2015 Corolla');
    shopper.staff('Great, and what is your name?');
    shopper.toStaff('Dana');
    shopper.staff('Thanks Dana, we will have a look at it.');
    const replies = [
      await shopper.text('what are your hours?'),
      await shopper.text('ok'),
      await shopper.text('great'),
    ];
    expect(shopper.slots).toMatchObject({ name: 'Dana', tradeIn: expect.stringMatching(/2015.*Corolla/i) });
    for (const { body } of replies)
      expect(body).not.toMatch(/trading in|who should i say|what name|your name/i);
  });

  it('When staff have put a question that waits, then the answer to it is understood', async () => {
    const shopper = startConversation();
    await shopper.text('is the civic still available?');
    shopper.staff('It is. How soon are you hoping to buy?');
    await shopper.text('this month');
    expect(shopper.slots.timeframe).toBe('this month');
    shopper.staff('Anything to trade in?');
    await shopper.text('nope');
    expect(shopper.slots.tradeIn).toBe('none');
  });

  it('When staff asked for a visit, then the assistant does not ask for one again', async () => {
    const shopper = startConversation();
    await shopper.text('is the civic still available?');
    shopper.staff('Would you like to come in for a test drive?');
    shopper.toStaff('let me think about it');
    shopper.staff('Of course, take your time.');
    for (const text of ['how many km does it have?', 'nothing to trade in', 'this week', 'I am Dana'])
      await shopper.text(text);
    for (const body of shopper.replies.slice(1)) expect(body).not.toMatch(/suit you|come in|Reply 1/i);
  });

  it('When the shopper told staff of another vehicle, then that is the one from then on', async () => {
    const shopper = startConversation();
    await shopper.text('is the civic still available?');
    shopper.staff('It was sold this morning, sorry.');
    shopper.toStaff('then what about the model 3?');
    shopper.staff('That one is here.');
    await shopper.text('how many km does it have?');
    expect(shopper.slots.vehicle).toMatch(/Model 3/);
    expect(shopper.replies.at(-1)).toMatch(/km/);
  });

  it('When staff spoke last, then the assistant says that it is the one who writes now', async () => {
    const shopper = startConversation();
    await shopper.text('hi');
    shopper.staff('Sam here, ask me anything.');
    expect((await shopper.text('what are your hours?')).body).toMatch(/^Jack here, the AI assistant at/);
    expect((await shopper.text('where are you?')).body).not.toMatch(/^Jack here/);
  });

  it('When staff answered after a text that was not understood, then the next one is the first again', async () => {
    const shopper = startConversation();
    await shopper.text('flurb the wozzle');
    shopper.staff('I think you mean the Civic. Yes, it is here.');
    expect((await shopper.text('zzz qqq')).handoff).toBeUndefined();
  });

  it('When times were offered before staff spoke, then a number picks none of them', async () => {
    const shopper = startConversation();
    await shopper.text('is the civic still available?');
    await shopper.text('can I come see it?');
    expect(shopper.replies.at(-1)).toMatch(/1/);
    shopper.staff('We have two of those: 1 is blue, 2 is red. Which one?');
    await shopper.text('2');
    expect(shopper.slots.visitStatus).not.toBe('agreed');
  });

  it('When the assistant had handed over, then nothing of that stays in what it reads', async () => {
    const shopper = startConversation();
    await shopper.text('is the civic still available?');
    const { handoff } = await shopper.text('can I talk to a person?');
    expect(handoff?.trigger).toBe('person');
    shopper.staff('Sam here. What can I do for you?');
    shopper.toStaff('just wanted to know who I talk to');
    shopper.staff('All good then.');
    const reply = await shopper.text('what are your hours?');
    expect(reply.handoff).toBeUndefined();
    expect(reply.body).toMatch(/Our hours/);
    expect(`${reply.summary} ${JSON.stringify(reply.slots)}`).not.toMatch(/hand|person|team/i);
  });

  it('When the shopper told staff a credit identifier, then it is in nothing that the assistant keeps', async () => {
    const shopper = startConversation();
    await shopper.text('hi');
    shopper.staff('What is your name?');
    shopper.toStaff('Dana, my ssn is 123-45-6789');
    shopper.staff('Please do not text that.');
    const reply = await shopper.text('ok sorry, what are your hours?');
    expect(JSON.stringify([reply.body, reply.slots, reply.summary])).not.toContain('6789');
  });

  it('When a follow-up of ours came between a question and its answer, then the answer still counts', async () => {
    const shopper = startConversation();
    await shopper.text('is the model 3 available?');
    const question = shopper.slots.lastQuestion;
    expect(question).toBe('tradeIn');
    shopper.system('Just checking in: still looking?');
    await shopper.text('no trade');
    expect(shopper.slots.tradeIn).toBe('none');
    expect(shopper.replies.at(-1)).not.toMatch(/trading in/);
  });
});
