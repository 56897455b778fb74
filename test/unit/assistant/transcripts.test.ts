/**
 * Whole conversations. Each row is what the shopper sends (one text or a burst) and what the reply has to hold;
 * the rules that are true of every reply are checked on every row.
 */
import { describe, expect, it } from '@jest/globals';
import { isGsm } from '../../../services/assistant/gsm.js';
import type { AssistantReply } from '../../../services/assistant/types.js';
import type { Slots } from '../../../services/types.js';
import { startConversation } from './_conversation.js';

type Row = readonly [send: string | readonly string[], holds: RegExp, not?: RegExp];
interface Story {
  readonly name: string;
  readonly rows: readonly Row[];
  readonly slots: Slots;
}

const STORIES: readonly Story[] = [
  {
    name: 'a shopper asks for one car, trades in a truck and comes the same day',
    rows: [
      [
        'Hi, is the 2021 Civic still there?',
        /^Hi, this is Jack, the AI assistant at Harbor Example Motors\. Yes, the 2021 Honda Civic Sport.*\$22,995 plus tax and fees.*trading in.*Reply STOP to opt out\.$/,
      ],
      ['how many km?', /^It has 61,200 km on it\.$/],
      [
        'ok. trading in my 2018 F-150 with 142,000 km',
        /a 2018 Ford F-150 with 142,000 km.*this week, this month or later/,
      ],
      ['this week', /today \(Sat\) at 2 pm or 3:30 pm.*2021 Honda Civic.*Reply 1 or 2/],
      ['2', /set for Sat, Nov 21 at 3:30 pm to see the 2021 Honda Civic.*100 Example Harbour Way.*What name/],
      ['dana', /^Thanks, Dana\. See you then\.$/],
      ['thanks!', /^You're welcome, Dana\. See you Sat, Nov 21 at 3:30 pm\.$/],
    ],
    slots: {
      name: 'Dana',
      vehicle: '2021 Honda Civic',
      stockNumber: 'P4471',
      tradeIn: '2018 Ford F-150 with 142,000 km',
      timeframe: 'this week',
      visitAt: '2026-11-21T15:30',
      visitStatus: 'agreed',
    },
  },
  {
    name: 'a browser picks from a list, is not pressed, and gets the facts asked for',
    rows: [
      ['hi', /What kind of vehicle are you after\?/],
      [
        'do you have any SUVs under 30k',
        /1\) 2018 Mazda CX-5.*2\) 2020 Toyota RAV4.*plus tax and fees.*Which/,
      ],
      ['the second one', /2020 Toyota RAV4 XLE AWD \(stock P4438\)/, /\$/],
      ['no', /No trade-in/],
      ['just looking', /No pressure/, /\?|Reply 1/],
      ['what are your hours?', /Mon-Thu 9 am to 7 pm, Fri 9 am to 6 pm, Sat 10 am to 5 pm, Sun closed/],
      ['where are you located', /100 Example Harbour Way/],
      ['bye', /^(?:Take care|Bye)/, /\?/],
    ],
    slots: { vehicle: '2020 Toyota RAV4', stockNumber: 'P4438', tradeIn: 'none', timeframe: 'just looking' },
  },
  {
    name: 'a burst of four texts is answered once, then the visit is moved twice',
    rows: [
      [
        ['Hey', "I'm Dana", 'looking for a truck', 'no trade'],
        /^Hi Dana, this is Jack.*No trade-in.*1\) 2021 Ford F-150.*2\) 2023 Toyota Tacoma/,
      ],
      ['1', /2021 Ford F-150 XLT SuperCrew.*When are you hoping/],
      ['next month', /Plenty of time/, /Reply 1/],
      ['Can I come Saturday at 10?', /set for Sat, Nov 28 at 10 am/],
      ['tomorrow at 3', /closed on Sundays.*Mon, Nov 23 at 9 am/],
      ['1', /^Moved: Mon, Nov 23 at 9 am/],
      ['actually make it 4pm', /^Moved: Mon, Nov 23 at 4 pm/],
      ['thank you', /You're welcome, Dana\. See you Mon, Nov 23 at 4 pm/],
    ],
    slots: {
      name: 'Dana',
      vehicle: '2021 Ford F-150',
      stockNumber: 'P4460',
      tradeIn: 'none',
      timeframe: 'next month',
      visitAt: '2026-11-23T16:00',
      visitStatus: 'agreed',
    },
  },
  {
    name: 'everything comes in one long text',
    rows: [
      [
        'Hi Jack, this is Tom. Wife and I want to come look at the Tacoma Tuesday at 5. We have a 2014 Silverado to trade.',
        /^Hi Tom.*2014 Chevrolet Silverado.*set for Tue, Nov 24 at 5 pm to see the 2023 Toyota Tacoma/,
      ],
      ['perfect thanks', /^You're welcome, Tom\. See you Tue, Nov 24 at 5 pm\.$/],
    ],
    slots: {
      name: 'Tom',
      vehicle: '2023 Toyota Tacoma',
      stockNumber: 'P4515',
      tradeIn: '2014 Chevrolet Silverado',
      visitAt: '2026-11-24T17:00',
      visitStatus: 'agreed',
    },
  },
  {
    name: 'the wish is corrected, the trade-in comes in two texts, the times offered do not suit',
    rows: [
      ["I'm interested in the CR-V", /1\) 2022 Honda CR-V.*2\) 2026 Honda CR-V/, /Hi Interested/],
      ['actually the Outback', /2020 Subaru Outback Limited.*\$26,995.*trading in/],
      ['yeah', /What year, make and model/],
      ['2012 honda fit', /a 2012 Honda Fit.*When are you hoping/],
      ['asap', /Would today \(Sat\) at 2 pm or 3:30 pm/],
      ['neither', /Text me a day and time/],
      ['how about tuesday afternoon', /Tue, Nov 24 at 2 pm or 3:30 pm/],
      ['the first one', /set for Tue, Nov 24 at 2 pm.*What name/],
      ["I can't make it anymore", /taken the visit off/],
    ],
    slots: {
      vehicle: '2020 Subaru Outback',
      stockNumber: 'P4427',
      tradeIn: '2012 Honda Fit',
      timeframe: 'as soon as possible',
    },
  },
  {
    name: 'a car that is not there, a budget that narrows, a choice by colour',
    rows: [
      ['Do you have a Camry?', /don't see a Toyota Camry.*closest: 1\) 2019 Toyota Corolla/],
      [
        'anything in blue?',
        /1\) 2021 Honda Civic.*2\) 2021 Ford F-150.*3\) 2026 Toyota RAV4.*price on request/,
      ],
      ['how much is the civic', /2021 Honda Civic Sport.*\$22,995 plus tax and fees/],
      ['no trade', /When are you hoping/],
      ['in the spring', /Plenty of time.*first name/i],
      ['Maria', /Nice to meet you, Maria\./],
    ],
    slots: {
      name: 'Maria',
      vehicle: '2021 Honda Civic',
      stockNumber: 'P4471',
      tradeIn: 'none',
      timeframe: 'in the spring',
    },
  },
];

function expectDecent(reply: AssistantReply, earlier: readonly string[]): void {
  expect(reply.body.length).toBeLessThanOrEqual(480);
  expect(isGsm(reply.body)).toBe(true);
  expect(reply.body.match(/\?/g)?.length ?? 0).toBeLessThanOrEqual(1);
  expect(reply.body).not.toMatch(/undefined|NaN|null|\{|\}/);
  expect(earlier).not.toContain(reply.body);
  expect(reply.summary).not.toMatch(/\d{3}[ -]\d{3}[ -]\d{4}/);
}

describe('Whole conversations', () => {
  it.each(STORIES)(
    'When $name, then every reply fits and the slots hold what was said',
    async ({ rows, slots }) => {
      const shopper = startConversation();
      for (const [send, holds, not] of rows) {
        const earlier = [...shopper.replies];
        const reply = await shopper.text(...[send].flat());
        expect(reply.body).toMatch(holds);
        if (not) expect(reply.body).not.toMatch(not);
        expectDecent(reply, earlier);
        expect(reply.handoff).toBeUndefined();
      }
      const { asked: _asked, lastQuestion: _last, ...known } = shopper.slots;
      expect(known).toEqual(slots);
    },
  );

  it('When a conversation has run, then the summary says it in one paragraph without a phone number', async () => {
    const shopper = startConversation();
    await shopper.text(
      "I'm Dana, call 604-555-0142 if needed. Is the 2021 Civic there? Trading in my 2018 F-150",
    );
    await shopper.text('this weekend');
    expect(shopper.summary).toContain('Dana is after a 2021 Honda Civic (stock P4471)');
    expect(shopper.summary).toContain('Trade-in: a 2018 Ford F-150');
    expect(shopper.summary).toContain('Timeframe: this weekend');
    expect(shopper.summary).not.toMatch(/555|\n/);
  });

  it('When the same conversation is played twice, then the replies are the same', async () => {
    const texts = ['hi', 'any trucks?', '1', 'no trade', 'this week', '2'];
    const [one, two] = [startConversation(), startConversation()];
    for (const text of texts) expect((await one.text(text)).body).toBe((await two.text(text)).body);
  });
});
