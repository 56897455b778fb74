/** When the shopper means to buy, in a few words of ours. */

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [
    /\b(?:just (?:looking|browsing)(?! (?:for|at)\b)|only looking(?! (?:for|at)\b)|window shopping|just started|early stages)/,
    'just looking',
  ],
  [/\b(?:no (?:rush|hurry)|not in (?:a|any) (?:rush|hurry)|no set (?:date|time)|whenever)\b/, 'no rush'],
  [/\bnot for a (?:while|bit|few|couple)\b|\bnot any ?time soon\b/, 'later on'],
  [/\b(?:asap|as soon as possible|right away|immediately|urgent(?:ly)?|yesterday)\b/, 'as soon as possible'],
  [/\bthis week ?end\b/, 'this weekend'],
  [/\bnext week ?end\b/, 'next weekend'],
  [/\bthis week\b/, 'this week'],
  [/\bnext week\b/, 'next week'],
  [/\b(?:this month|end of the month|later this month)\b/, 'this month'],
  [/\b(?:next month|in a month|about a month|a month or so)\b/, 'next month'],
  [/\b(?:next year|in the new year|new year)\b/, 'next year'],
  [/\b(?:this year|end of (?:the )?year)\b/, 'this year'],
];
const COUNT = '(?:a|a couple(?: of)?|a few|two|three|four|six|\\d{1,2})';
const SPAN = new RegExp(
  `\\b(?:in|within|about|next|maybe|for) (?:the next |about |like )?${COUNT}(?: ?(?:-|to|or) ?${COUNT})? (?:days?|weeks?|months?)\\b(?! old)`,
);
const BARE_SPAN =
  /^(?:a |about |maybe |like )?((?:couple(?: of)?|few|two|three|four|six|\d{1,2})(?: ?(?:-|to|or) ?\d{1,2})? (?:days?|weeks?|months?))\b/;
const SEASON =
  /\b(?:by|in|this|next|before|after|around|until) (the )?(spring|summer|fall|autumn|winter|christmas|holidays|january|february|march|april|june|july|august|september|october|november|december)\b/;

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** A timeframe said in so many words. */
export function readTimeframe(plain: string): string | undefined {
  const known = PATTERNS.find(([pattern]) => pattern.test(plain));
  if (known) return known[1];
  const span = SPAN.exec(plain)?.[0];
  if (span !== undefined)
    return span.replace(/^(?:about|maybe|next|for) /, 'in ').replace(/^in the next/, 'within');
  const bare = /^[\w -]{1,32}$/.test(plain.replace(/[.!]+$/, '')) ? BARE_SPAN.exec(plain) : null;
  if (bare && bare[0].length >= plain.length - 2) return sayBare(bare[1] ?? '');
  const season = SEASON.exec(plain)?.[0];
  return season?.replace(
    /\b(january|february|march|april|june|july|august|september|october|november|december|christmas)\b/,
    capital,
  );
}

const DAY = /\b(today|tonight|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday|weekend)\b/;
const VAGUE = /\b(?:soon|later|week|month|year|season|when|once|until|after|before|eventually)\b/;

/** The same in answer to "when": bare words count too. @returns undefined when the text is about something else. */
export function readTimeframeAnswer(plain: string): string | undefined {
  const said = readTimeframe(plain);
  if (said !== undefined) return said;
  const span = BARE_SPAN.exec(plain)?.[1];
  if (span !== undefined) return sayBare(span);
  if (/^(?:later|later on|not sure|not yet|no idea|don'?t know|idk|unsure)\b/.test(plain)) return 'later on';
  const day = DAY.exec(plain)?.[1];
  if (day !== undefined && !plain.includes('?')) return sayDayWord(day);
  const isShort = plain.split(' ').length <= 7 && !/[?\d]/.test(plain);
  return isShort && VAGUE.test(plain) ? plain.replace(/[.!,]+$/, '') : undefined;
}

const sayBare = (span: string): string => `in ${/^(?:couple|few)/.test(span) ? 'a ' : ''}${span}`;

function sayDayWord(day: string): string {
  if (day === 'weekend') return 'this weekend';
  return day.endsWith('day') && day !== 'today' ? capital(day) : day;
}

const FAR = /\b(?:month|months|year|later|spring|summer|fall|autumn|winter|rush|looking)\b/;

/** No visit is pressed on people who are far from buying. */
export const isFar = (timeframe: string): boolean => FAR.test(timeframe) && !timeframe.includes('this month');
export const isSoon = (timeframe: string): boolean =>
  /\b(?:today|tonight|tomorrow|soon as possible|this week|this weekend)\b/.test(timeframe);
