/**
 * Numbers that must never be in a text: social security and insurance numbers, cards, birth dates, licences, bank
 * accounts. They are blanked before anything else reads the text, so no answer, slot or summary can repeat them.
 */

const PATTERNS: readonly RegExp[] = [
  /\b\d{3}[- .]\d{2}[- .]\d{4}\b/g,
  /(?<![\d+-])\d{3}[- ]\d{3}[- ]\d{3}\b(?![- ]?\d)/g,
  /\b(?:ssn|s\.s\.n\.?|social(?: security| insurance)?|sin)\b[^\d\n]{0,24}\d[\d -]{6,12}/gi,
  /\b(?:dob|d\.o\.b\.?|date of birth|born on|birth ?date)\b[^\d\n]{0,24}\d[\d/. -]{3,10}/gi,
  /\b(?:driver'?s? licen[cs]e|licen[cs]e (?:number|no\.?|#))[^\d\n]{0,16}\d[\d -]{4,16}/gi,
  /\b(?:account|routing|transit)(?: (?:number|no\.?)| ?#)?[^\d\n]{0,6}\d[\d -]{5,16}/gi,
];
const CARD = /(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)/g;

export interface Scrubbed {
  readonly text: string;
  readonly found: boolean;
}

export function scrubIdentifiers(text: string): Scrubbed {
  let found = false;
  const blank = (): string => {
    found = true;
    return ' ';
  };
  let clean = text.replace(CARD, (run) => (passesLuhn(run) ? blank() : run));
  for (const pattern of PATTERNS) clean = clean.replace(pattern, blank);
  return { text: clean, found };
}

/** The check digit every payment card has; other long numbers (a tracking code) seldom pass. */
function passesLuhn(run: string): boolean {
  const digits = [...run.replace(/\D/g, '')].reverse().map(Number);
  const sum = digits.reduce((total, digit, at) => {
    const doubled = at % 2 === 1 ? digit * 2 : digit;
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}
