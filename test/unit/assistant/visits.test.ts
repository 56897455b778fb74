import { describe, expect, it } from '@jest/globals';
import {
  civilDay,
  civilMinute,
  DAY_MIN,
  fromIso,
  isoOf,
  sayMinute,
} from '../../../services/assistant/civilTime.js';
import { readWeek } from '../../../services/assistant/hours.js';
import { judgeTime, nearestTimes, proposeTimes } from '../../../services/assistant/visitSlots.js';
import { parseWhen } from '../../../services/assistant/when.js';
import { DEMO_DEALERSHIP } from '../../../services/demo/dealership.js';
import { startConversation } from './_conversation.js';

const week = readWeek(DEMO_DEALERSHIP.settings.hours)!;
const at = (iso: string): number => fromIso(iso)!;
/** Saturday */
const NOW = at('2026-11-21T11:00');

describe('The wall clock', () => {
  it.each([
    ['2026-11-01T08:59:00Z', '2026-11-01T01:59'],
    ['2026-11-01T09:00:00Z', '2026-11-01T01:00'],
    ['2027-03-14T09:59:00Z', '2027-03-14T01:59'],
    ['2027-03-14T10:00:00Z', '2027-03-14T03:00'],
  ])('When it is %s, then Los Angeles reads %s, over both changes of the clock', (utc, local) => {
    expect(isoOf(civilMinute(new Date(utc), 'America/Los_Angeles'))).toBe(local);
  });

  it('When the clock changes between now and the visit, then the agreed time stays what was said', async () => {
    const shopper = startConversation({ now: '2027-03-13T20:00:00Z', timezone: 'America/Los_Angeles' });
    expect((await shopper.text('can I come monday at 10:30am?')).body).toMatch(/Mon, Mar 15 at 10:30 am/);
    expect(shopper.slots.visitAt).toBe('2027-03-15T10:30');
  });

  it('When the zone is not a zone, then UTC is read and nothing is thrown', () => {
    expect(isoOf(civilMinute(new Date('2026-11-21T19:00:00Z'), 'Mars/Olympus'))).toBe('2026-11-21T19:00');
  });

  it.each([
    [720, 'noon'],
    [630, '10:30 am'],
    [840, '2 pm'],
    [0, '12 am'],
    [1440, 'midnight'],
  ])('When the minute is %d, then it is said %s', (minute, words) => {
    expect(sayMinute(minute)).toBe(words);
  });

  it.each(['2026-02-30T10:00', '2026-13-01T10:00', 'tomorrow', ''])(
    'When "%s" is no time, then it is not read',
    (iso) => {
      expect(fromIso(iso)).toBeUndefined();
    },
  );
});

describe('Days and times in words', () => {
  it.each([
    ['tomorrow at 3', '2026-11-22', [900, 180]],
    ['Saturday 10am', '2026-11-21', [600]],
    ['next friday at 2pm', '2026-11-27', [840]],
    ['monday 2:30', '2026-11-23', [870, 150]],
    ['nov 24 at noon', '2026-11-24', [720]],
    ['the 24th', '2026-11-24', undefined],
    ['24 nov', '2026-11-24', undefined],
    ['11/24', '2026-11-24', undefined],
    ['jan 5', '2027-01-05', undefined],
    ['today', '2026-11-21', undefined],
    ['in an hour', '2026-11-21', [720]],
    ['wednesday 14:30', '2026-11-25', [870]],
    ['day after tomorrow', '2026-11-23', undefined],
    ['this weekend', '2026-11-21', undefined],
  ])('When a shopper writes "%s", then it is %s', (text, date, minutes) => {
    const when = parseWhen(text.toLowerCase(), NOW);
    expect(isoOf((when?.day ?? 0) * DAY_MIN).slice(0, 10)).toBe(date);
    expect(when?.minutes).toEqual(minutes);
  });

  it.each(['about 20k', 'under 30000', 'i have 2 kids', '2018 f-150', 'around 5 years old', 'sunroof?'])(
    'When a shopper writes "%s", then it is no time',
    (text) => expect(parseWhen(text, NOW)).toBeUndefined(),
  );
});

describe('Which times exist', () => {
  it('When times are proposed, then they lie in the opening hours, an hour ahead, on an open day', () => {
    for (let hour = 0; hour < 24 * 14; hour += 1) {
      const now = NOW + hour * 60;
      const times = proposeTimes(week, now, Math.floor(now / DAY_MIN));
      expect(times.length).toBeGreaterThan(0);
      for (const time of times) {
        expect(time).toBeGreaterThanOrEqual(now + 60);
        expect(judgeTime(week, now, time)).toBe('free');
      }
    }
  });

  it('When a wish is outside, then the nearest open times come back', () => {
    expect(nearestTimes(week, NOW, at('2026-11-23T20:00')).map(isoOf)).toEqual([
      '2026-11-23T18:30',
      '2026-11-23T17:30',
    ]);
    expect(judgeTime(week, NOW, at('2026-11-22T12:00'))).toBe('closedDay');
    expect(judgeTime(week, NOW, at('2026-11-21T10:30'))).toBe('past');
    expect(judgeTime(week, NOW, at('2026-11-21T16:45'))).toBe('outside');
  });

  it('When the hours are malformed, then they count as unknown or are left out', () => {
    expect(readWeek({ 1: [['18:00', '09:00']], 2: [['x', 'y']] } as never)).toBeUndefined();
    expect(readWeek({ 1: 'nine to five', 2: [['09:00', '17:00']] } as never)?.[2]).toEqual([
      { from: 540, to: 1020 },
    ]);
    expect(readWeek({})).toBeUndefined();
  });

  it('When a date is counted in days, then weekdays come out right', () => {
    expect(civilDay(1970, 1, 1)).toBe(0);
    expect(isoOf(civilDay(2028, 2, 29) * DAY_MIN)).toBe('2028-02-29T00:00');
  });
});

async function offered(now?: string): Promise<ReturnType<typeof startConversation>> {
  const shopper = startConversation(now === undefined ? {} : { now });
  const { body } = await shopper.text('can I test drive the outback?');
  expect(body).toMatch(/Reply 1 or 2/);
  expect(shopper.slots).toMatchObject({ lastQuestion: 'visit', visitStatus: 'proposed' });
  return shopper;
}

describe('Agreeing on a visit', () => {
  it.each([
    ['1', '2026-11-21T14:00'],
    ['2', '2026-11-21T15:30'],
    ['2 please', '2026-11-21T15:30'],
    ['ok 1', '2026-11-21T14:00'],
    ["i'll take 2", '2026-11-21T15:30'],
    ['the second one', '2026-11-21T15:30'],
    ['3:30 works', '2026-11-21T15:30'],
    ['2pm is good', '2026-11-21T14:00'],
    ['either', '2026-11-21T14:00'],
    ['how about 4', '2026-11-21T16:00'],
    ['Tuesday at 11', '2026-11-24T11:00'],
    ['monday 9am', '2026-11-23T09:00'],
    ['friday noon', '2026-11-27T12:00'],
  ])(
    'When two times were offered and "%s" comes, then the visit is agreed for %s',
    async (answer, visitAt) => {
      const shopper = await offered();
      const { body } = await shopper.text(answer);
      expect(body).toMatch(/You're set for .* to see the 2020 Subaru Outback\./);
      expect(shopper.slots).toMatchObject({ visitAt, visitStatus: 'agreed' });
      expect(shopper.slots.lastQuestion).not.toBe('visit');
    },
  );

  it.each([
    ['sunday at 2', /closed on Sundays.*Mon, Nov 23 at 9 am or 10 am.*Reply 1/],
    ['monday 8pm', /Mondays we're open 9 am to 7 pm.*5:30 pm or 6:30 pm/],
    ['today at 9am', /already gone by.*Reply 1/],
    ['3am', /we're open 10 am to 5 pm|already gone by/],
  ])(
    'When "%s" is outside the opening hours, then it is refused with the nearest open time',
    async (answer, holds) => {
      const shopper = await offered();
      const { body } = await shopper.text(answer);
      expect(body).toMatch(holds);
      expect(shopper.slots.visitStatus).toBe('proposed');
      await shopper.text('1');
      expect(shopper.slots.visitStatus).toBe('agreed');
      expect(judgeTime(week, NOW, at(shopper.slots.visitAt ?? ''))).toBe('free');
    },
  );

  it.each([
    ['wednesday', /Wed, Nov 25 at 10:30 am or 2 pm/],
    ['tomorrow', /closed on Sundays.*Mon, Nov 23/],
    ['monday morning', /Mon, Nov 23 at 10:30 am or 11 am/],
    ['evening works better on tuesday', /Tue, Nov 24 at 5 pm/],
  ])('When only "%s" is said, then times of then are offered', async (answer, holds) => {
    const shopper = await offered();
    expect((await shopper.text(answer)).body).toMatch(holds);
  });

  it('When two times were offered and only "ok" comes, then the reply asks which', async () => {
    const shopper = await offered();
    expect((await shopper.text('ok')).body).toMatch(/Reply 1 for .* or 2 for/);
    expect(shopper.slots.visitStatus).toBe('proposed');
  });

  it('When the offered time has passed before the answer, then it is not agreed', async () => {
    const shopper = await offered();
    shopper.wait(60 * 24);
    const { body } = await shopper.text('1');
    expect(body).not.toMatch(/You're set/);
    expect(body).toMatch(/gone by.*tomorrow \(Mon\)/);
  });

  it('When hours are asked with an offer open, then they are answered and the offer stays', async () => {
    const shopper = await offered();
    expect((await shopper.text('what time do you close on friday?')).body).toMatch(
      /On Friday we're open 9 am to 6 pm\.$/,
    );
    await shopper.text('2');
    expect(shopper.slots.visitAt).toBe('2026-11-21T15:30');
  });

  it('When the vehicle has to be chosen first, then the visit waits and is offered right after', async () => {
    const shopper = startConversation();
    expect((await shopper.text('can I come see the CR-V sunday?')).body).toMatch(/1\) 2022 Honda CR-V.*2\)/);
    expect(shopper.slots.visitAt).toBeUndefined();
    expect((await shopper.text('1')).body).toMatch(/Would .* to see the 2022 Honda CR-V\?.*Reply 1 or 2/);
  });

  it('When an agreed visit is to be changed without a time, then other times are offered', async () => {
    const shopper = await offered();
    await shopper.text('1');
    expect((await shopper.text('I need to reschedule')).body).toMatch(/Reply 1 or 2/);
    expect(shopper.slots).toMatchObject({ visitAt: '2026-11-21T14:00', visitStatus: 'agreed' });
    expect((await shopper.text('tuesday noon')).body).toMatch(/^Moved: Tue, Nov 24 at noon/);
  });

  it('When nobody knows the opening hours, then the team has to confirm the time', async () => {
    const shopper = startConversation({ settings: {} });
    expect((await shopper.text('can I come see the outback?')).body).toMatch(/What day and time/);
    const reply = await shopper.text('tuesday at 3');
    expect(reply.body).toMatch(/noted Tue, Nov 24 at 3 pm.*will confirm/);
    expect(reply.handoff?.reason).toMatch(/confirm/);
    expect(shopper.slots).toMatchObject({ visitAt: '2026-11-24T15:00', visitStatus: 'proposed' });
  });

  it('When it is late on Saturday, then Sunday is skipped', async () => {
    const shopper = await offered('2026-11-22T02:30:00Z');
    expect(shopper.slots.visitAt).toBe('2026-11-23T10:30');
  });
});
