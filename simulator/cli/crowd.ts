/** Many shoppers at a steady rate. Each waits for a reply before the next text, so that a second reply cannot hide. */
import { shopperPhones } from './phones.js';
import type { Session } from './session.js';

export interface CrowdSettings {
  readonly shoppers: number;
  /** Texts per second, of all together. */
  readonly rate: number;
  readonly seconds: number;
}

// Different from one to the next, or the assistant would take a repetition for annoyance and call a person.
const BODIES = [
  'Do you have any SUVs?',
  'What are your hours today?',
  'My name is Dana',
  'Where are you?',
  'This week',
];

/** @returns how many texts were not sent because everybody waited for a reply. */
export async function sendCrowd(
  session: Session,
  { shoppers, rate, seconds }: CrowdSettings,
): Promise<number> {
  const phones = shopperPhones(shoppers, session.settings.number);
  const counts = new Map<string, number>();
  const startedAtMs = Date.now();
  const total = Math.round(rate * seconds);
  let heldBack = 0;
  for (let n = 0; n < total && !session.isOver; n += 1) {
    // By the clock and not by pauses, which add up.
    const pauseMs = startedAtMs + (n * 1_000) / rate - Date.now();
    if (pauseMs > 0) await session.pause(pauseMs);
    const phone = nextIdle(session, phones);
    if (phone === undefined) {
      heldBack += 1;
      continue;
    }
    const count = counts.get(phone) ?? 0;
    counts.set(phone, count + 1);
    void session.text(phone, BODIES[count % BODIES.length] ?? 'Hi');
  }
  return heldBack;
}

/** The one who has been quiet the longest; `phones` is kept in that order. */
function nextIdle(session: Session, phones: string[]): string | undefined {
  const index = phones.findIndex((phone) => !session.isWaiting(phone));
  if (index === -1) return undefined;
  const [phone] = phones.splice(index, 1);
  if (phone !== undefined) phones.push(phone);
  return phone;
}
