/** Typing as a shopper. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { TwilioFault } from '../faults.js';
import { schedules } from '../schedules.js';
import type { Session } from './session.js';

const HELP = `  anything               is texted to the dealership
  /as +16045550124       text as another shopper from here on
  /twice Hello           the webhook comes twice, at once
  /fault 429 [times]     the next sends fail: 429, 500-before, 500-after-accept, hang-before, hang-after-accept,
                         reset-before, reset-after-accept, garbage-after-accept, slow-body
  /undelivered 30003     the next text does not arrive, with this code
  /counts                what was counted so far
  /quit                  ends; so does Ctrl-D`;

const FAULTS: ReadonlySet<string> = new Set<TwilioFault>([
  '429',
  '500-before',
  '500-after-accept',
  'hang-before',
  'hang-after-accept',
  'reset-before',
  'reset-after-accept',
  'garbage-after-accept',
  'slow-body',
]);

/** Resolves at the end of the input, at /quit, or when the session is over. */
export async function typeTexts(session: Session, input: Readable, firstPhone: string): Promise<void> {
  let phone = firstPhone;
  session.print(`You are ${phone}. /help tells what else can be typed.`);
  const lines = createInterface({ input, terminal: false });
  const close = () => lines.close();
  session.onEnd(close);
  for await (const raw of lines) {
    const line = raw.trim();
    const [word = '', ...rest] = line.split(/\s+/);
    if (line === '') continue;
    if (word === '/quit') break;
    if (word === '/as' && /^\+\d{7,15}$/.test(rest[0] ?? '')) phone = rest[0] ?? phone;
    else if (word === '/twice') void session.text(phone, rest.join(' '), 2);
    else if (word.startsWith('/')) command(session, word, rest);
    else void session.text(phone, line);
  }
  close();
}

function command(session: Session, word: string, [first = '', second = '1']: readonly string[]): void {
  if (word === '/fault' && FAULTS.has(first)) {
    session.simulator.failNext(first as TwilioFault, Number(second) || 1);
  } else if (word === '/undelivered' && /^\d{5}$/.test(first)) {
    session.simulator.scheduleNext(schedules.undelivered(Number(first)));
  } else if (word === '/counts') session.print(JSON.stringify(session.report()));
  else session.print(HELP);
}
