/**
 * When a business may text first, in the recipient's local time, by region. Engineering requirements from secondary
 * sources and not legal advice: counsel has to confirm them. A window in law is data here and never a constant in code.
 */
export interface TextingHours {
  /** ISO 3166-2; `*` is the floor that holds everywhere. */
  readonly regions: readonly string[];
  /** `0` Sunday … `6` Saturday → minutes of the local day, from (inclusive) to (exclusive). */
  readonly windows: Readonly<
    Record<0 | 1 | 2 | 3 | 4 | 5 | 6, readonly [fromMinute: number, toMinute: number]>
  >;
  readonly source: string;
  /** When somebody last compared this entry with its source. */
  readonly reviewedOn: string;
}

const VENDOR_TABLES =
  'support.referrizer.com "TCPA quiet hours and state-specific rules"; usestello.com/compliance (of 8 Apr 2026)';
const TEXAS_NOTES =
  'attentive.com/blog/sms-compliance-texas-amendments; support.telnyx.com/en/articles/12141904 (SB 140)';

const hours = (from: number, to: number): readonly [number, number] => [from * 60, to * 60];
const daily = (from: number, to: number): TextingHours['windows'] => byDay(hours(from, to), hours(from, to));

function byDay(
  weekday: readonly [number, number],
  saturday: readonly [number, number],
  sunday = saturday,
): TextingHours['windows'] {
  return { 0: sunday, 1: weekday, 2: weekday, 3: weekday, 4: weekday, 5: weekday, 6: saturday };
}

const entry = (
  regions: string,
  windows: TextingHours['windows'],
  source = VENDOR_TABLES,
  reviewedOn = '2026-11-21',
): TextingHours => ({
  regions: regions.split(' ').map((region) => (region === '*' ? region : `US-${region}`)),
  windows,
  source,
  reviewedOn,
});

export const TEXTING_HOURS: readonly TextingHours[] = [
  // The floor is that of the TCPA; it is kept for Canada and elsewhere too, where the law names no hours for texts.
  entry('*', daily(8, 21), '47 CFR 64.1200(c)(1)'),
  entry('CT', daily(9, 20)),
  entry('AL FL LA MA MD MS NJ OK', daily(8, 20)),
  entry('CA IL MI MN', daily(9, 21)),
  entry('KY', daily(10, 21)),
  entry('TX', byDay(hours(9, 21), hours(9, 21), hours(12, 21)), TEXAS_NOTES),
  entry('RI', byDay(hours(9, 18), hours(10, 17))),
];
