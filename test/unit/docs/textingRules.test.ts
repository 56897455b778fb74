import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_ROOT } from '../../../scripts/lib/programs.js';
import { TEXTING_HOURS } from '../../../services/outbound/rules/quietHours.js';
import { REGIONS } from '../../../services/outbound/rules/regions.js';

const page = readFileSync(path.join(PROJECT_ROOT, 'docs/TEXTING_RULES.md'), 'utf8');

/** Rows `| hours | states |` of the page. */
const rows = [...page.matchAll(/^\| (\d[\w ,]+) \| ([A-Za-z, ]+) \|$/gm)].map(
  ([, hours = '', where = '']) => ({
    hours,
    where,
  }),
);

const span = ([from, to]: readonly [number, number]): string => `${from / 60} to ${to / 60}`;

/** `8 to 21`, and what is different at the weekend. */
function say({ windows }: (typeof TEXTING_HOURS)[number]): string {
  const [weekday, saturday, sunday] = [span(windows[1]), span(windows[6]), span(windows[0])];
  if (saturday !== weekday) return `${weekday}, weekend ${saturday}`;
  return sunday === weekday ? weekday : `${weekday}, Sunday ${sunday}`;
}

describe('The page of texting rules', () => {
  it('lists the hours of every region as the data has them', () => {
    const expected = TEXTING_HOURS.map((entry) => ({
      hours: say(entry),
      where: entry.regions.map((region) => REGIONS[region]?.name ?? 'everywhere').sort(),
    }));
    const listed = rows.map(({ hours, where }) => ({ hours, where: where.split(', ').sort() }));
    const byHours = (a: { hours: string }, b: { hours: string }) => a.hours.localeCompare(b.hours);
    expect(listed.sort(byHours)).toEqual(expected.sort(byHours));
  });
});
