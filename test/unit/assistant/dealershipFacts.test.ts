import { describe, expect, it } from '@jest/globals';
import { startConversation } from './_conversation.js';

/** Saturday 11:00, Saturday 18:30, Sunday noon, Monday 08:00, all on the wall in Vancouver. */
const AT = {
  saturday11: '2026-11-21T19:00:00Z',
  saturday1830: '2026-11-22T02:30:00Z',
  sundayNoon: '2026-11-22T20:00:00Z',
  monday8: '2026-11-23T16:00:00Z',
} as const;

describe('Facts of the dealership', () => {
  it.each([
    ['are you open now?', AT.saturday11, /Yes, we're open now, until 5 pm today/],
    ['are you open?', AT.saturday1830, /closed right now and open again Mon, Nov 23 at 9 am/],
    ['you guys open?', AT.monday8, /closed right now and open again today at 9 am/],
    [
      'what are your hours',
      AT.sundayNoon,
      /Mon-Thu 9 am to 7 pm, Fri 9 am to 6 pm, Sat 10 am to 5 pm, Sun closed/,
    ],
    ['are you open tomorrow', AT.saturday11, /closed tomorrow and open again Mon, Nov 23 at 9 am/],
    ['are you open tomorrow', AT.sundayNoon, /Tomorrow we're open 9 am to 7 pm/],
    ['what time do you close on friday?', AT.saturday11, /On Friday we're open 9 am to 6 pm/],
    ['open sunday?', AT.monday8, /closed on Sunday/],
    ['are you open friday at 8pm', AT.saturday11, /No, on Friday we're open 9 am to 6 pm/],
    ['are you open friday at 2', AT.saturday11, /Yes, on Friday we're open 9 am to 6 pm/],
    ['are you open this weekend', AT.monday8, /Saturday 10 am to 5 pm, Sunday closed/],
    ['are you open today?', AT.saturday1830, /We've closed for today and open again Mon, Nov 23 at 9 am/],
    ["what's your address?", AT.saturday11, /100 Example Harbour Way, Vancouver, BC/],
    ['where are you guys located', AT.saturday11, /100 Example Harbour Way/],
    ['can i call you?', AT.saturday11, /call us at 604-555-0101/],
    ['do you have a website', AT.saturday11, /https:\/\/harbor-motors\.example/],
  ])(
    'When asked "%s" at %s, then the settings answer in the dealership\'s own time',
    async (question, now, holds) => {
      const reply = await startConversation({ now }).text(question);
      expect(reply.body).toMatch(holds);
      expect(reply.handoff).toBeUndefined();
    },
  );

  it('When "and Monday?" follows an answer about hours, then it is about hours too', async () => {
    const shopper = startConversation();
    await shopper.text('are you open sunday?');
    expect((await shopper.text('and monday?')).body).toMatch(/On Monday we're open 9 am to 7 pm/);
  });

  it.each([
    ['what are your hours?', /don't have our opening hours/],
    ['where are you?', /don't have our address/],
    ['what is your phone number', /don't have a number for calls/],
    ['website?', /don't have a website/],
  ])('When "%s" is asked and nothing is configured, then the reply says so', async (question, holds) => {
    const reply = await startConversation({ settings: {} }).text(question);
    expect(reply.body).toMatch(holds);
  });

  it('When several things are asked at once, then all are answered in one reply', async () => {
    const reply = await startConversation().text(
      'Hi what are your hours, where are you, and do you have any trucks?',
    );
    expect(reply.body).toMatch(/Mon-Thu.*100 Example Harbour Way.*F-150/);
    expect(reply.body.length).toBeLessThanOrEqual(480);
  });

  it('When the zone is another one, then "now" is read there', async () => {
    const reply = await startConversation({ timezone: 'America/Toronto', now: '2026-11-21T22:30:00Z' }).text(
      'are you open now?',
    );
    expect(reply.body).toMatch(/closed right now/); // 17:30 in Toronto, 14:30 in Vancouver
  });
});
