/**
 * What happens on a day at many dealerships, the same for the same seed: shoppers text in sittings, most of them in the
 * morning and in the evening, some come back later; the dealership's people look at what was said.
 */
import { createRandom } from '../random.js';

export const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
export const DAY_MS = 24 * HOUR_MS;

export type DayEvent =
  /** A shopper's text, and Jack's turn. */
  | { readonly kind: 'text'; readonly atMs: number; readonly organization: number; readonly shopper: number }
  /** A person opens or refreshes a conversation in the console. */
  | { readonly kind: 'read'; readonly atMs: number; readonly organization: number; readonly shopper: number };

export interface DayOptions {
  readonly organizations: number;
  /** Of each organization. */
  readonly shoppers: number;
  readonly seed: number;
}

/** How likely a sitting begins in each hour of the day. */
const HOURS = [0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1, 3, 7, 10, 9, 6, 5, 5, 5, 5, 6, 9, 10, 8, 5, 3, 1.5, 0.5];
/** How many of the shoppers come back for another sitting, on the same day. */
const RETURNING = 0.35;
const TEXTS = { least: 4, most: 14 };
/** Between the texts of a sitting, on average. */
const BETWEEN_TEXTS_MS = 75_000;
/** How often a person looks at a conversation after a text, on average; half of the looks come at once, the rest later. */
const LOOKS = 0.6;

/** @returns all that happens, in its order. */
export function writeDay({ organizations, shoppers, seed }: DayOptions): DayEvent[] {
  const random = createRandom(seed);
  const events: DayEvent[] = [];
  const soon = (meanMs: number) => -Math.log(1 - random()) * meanMs;

  function sitting(organization: number, shopper: number, beginsAtMs: number): number {
    const texts = TEXTS.least + Math.floor(random() * (TEXTS.most - TEXTS.least + 1));
    let atMs = beginsAtMs;
    for (let n = 0; n < texts; n += 1) {
      events.push({ kind: 'text', atMs, organization, shopper });
      if (random() < LOOKS) look(organization, shopper, atMs);
      atMs += 5_000 + soon(BETWEEN_TEXTS_MS);
    }
    return atMs;
  }

  /** Whoever looks, looks again: at the answer, or from another desk. */
  function look(organization: number, shopper: number, textAtMs: number): void {
    const firstAtMs = textAtMs + 3_000 + soon(30_000);
    for (const atMs of [firstAtMs, firstAtMs + soon(20_000)]) {
      events.push({ kind: 'read', atMs, organization, shopper });
    }
  }

  for (let organization = 0; organization < organizations; organization += 1) {
    for (let shopper = 0; shopper < shoppers; shopper += 1) {
      let overAtMs = sitting(organization, shopper, hourOf(random) * HOUR_MS + random() * HOUR_MS);
      while (random() < RETURNING) {
        overAtMs = sitting(organization, shopper, overAtMs + 10 * MINUTE_MS + soon(2 * HOUR_MS));
      }
    }
  }
  return events.filter(({ atMs }) => atMs < DAY_MS).sort((a, b) => a.atMs - b.atMs);
}

function hourOf(random: () => number): number {
  let left = random() * HOURS.reduce((sum, weight) => sum + weight, 0);
  return Math.max(
    0,
    HOURS.findIndex((weight) => {
      left -= weight;
      return left < 0;
    }),
  );
}
