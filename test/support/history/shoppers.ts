/** Shoppers who text whatever process there is, with everything that a carrier does to their texts on the way. */
import { setTimeout as pause } from 'node:timers/promises';
import type { JackProcess } from '../jackProcess.js';
import { newSid } from '../signTwilio.js';
import type { Dealership, Stage } from '../stageOn.js';
import type { ShopperHistory } from './checker.js';

export interface HistoryShoppersOptions {
  readonly stage: Stage;
  readonly dealerships: readonly Dealership[];
  readonly shoppers: number;
  readonly random: () => number;
  /** How often somebody stops instead of saying something, 0 to 1. */
  readonly stops: number;
  /** Those that are up. */
  jacks(): readonly JackProcess[];
}

export interface HistoryShoppers {
  readonly histories: readonly ShopperHistory[];
  /** How often what happened. */
  readonly counts: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

const WORDS =
  'civic truck red blue price hours saturday trade finance winter tires lease mileage family hybrid garage sunroof towing seats camera warranty insurance colour dealer weekend morning evening manual automatic budget'.split(
    ' ',
  );
const TRIES = 40;

export function startHistoryShoppers(options: HistoryShoppersOptions): HistoryShoppers {
  const { stage, dealerships, random, jacks } = options;
  const counts: Record<string, number> = {};
  const count = (what: string) => {
    counts[what] = (counts[what] ?? 0) + 1;
  };
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  let isRunning = true;
  let texts = 0;

  const all = Array.from({ length: options.shoppers }, (_, n) => {
    const dealership = dealerships[n % dealerships.length]!;
    const shopper = stage.newShopper(dealership);
    return {
      shopper,
      history: {
        phone: shopper.phone,
        organizationId: dealership.id,
        number: dealership.number,
        acknowledged: new Set<string>(),
        stops: [] as { fromMs: number; untilMs: number }[],
      },
    };
  });
  type Own = (typeof all)[number];

  const words = () => Array.from({ length: 4 + Math.floor(random() * 8) }, () => pick(WORDS)).join(' ');

  /** Until some process takes it, as a carrier with retries and a fallback does. @returns whether one did. */
  async function deliver(
    { shopper, history }: Own,
    body: string,
    messageSid = newSid('SM'),
  ): Promise<boolean> {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const jack = pick(jacks());
      const status = jack ? await shopper.text(jack.url, body, { messageSid }) : 0;
      if (status === 200) {
        history.acknowledged.add(messageSid);
        return true;
      }
      count('not taken at once');
      await pause(100 + 200 * random());
    }
    return false;
  }

  async function say(own: Own): Promise<void> {
    texts += 1;
    const body = `${words()} ${texts}`;
    const choice = random();
    if (choice < 0.1) {
      count('copies at once');
      const sid = newSid('SM');
      await Promise.all([deliver(own, body, sid), deliver(own, body, sid), deliver(own, body, sid)]);
    } else if (choice < 0.2) {
      count('burst');
      await Promise.all([deliver(own, body), deliver(own, words()), deliver(own, words())]);
    } else if (choice < 0.25) {
      count('late copy');
      const sid = newSid('SM');
      await deliver(own, body, sid);
      await pause(500 * random());
      await deliver(own, body, sid);
    } else await deliver(own, body);
    count('texts');
  }

  async function stopAndStart(own: Own): Promise<void> {
    count('stop');
    if (!(await deliver(own, 'STOP'))) return;
    own.history.stops.push({ fromMs: Date.now(), untilMs: Number.POSITIVE_INFINITY });
    await say(own);
    // What is said when nothing of before can be on its way any more.
    await pause(2_200 + 500 * random());
    await say(own);
    await pause(500);
    if (random() < 0.7) {
      // From the moment it is sent it may be taken, and it ends earlier opt-outs too.
      const untilMs = Date.now();
      for (const each of own.history.stops) each.untilMs = Math.min(each.untilMs, untilMs);
      await deliver(own, 'START');
      count('start');
    }
  }

  async function live(own: Own): Promise<void> {
    while (isRunning) {
      await (random() < options.stops ? stopAndStart(own) : say(own));
      // Some wait for the answer, some do not.
      await pause(random() < 0.3 ? 50 * random() : 400 + 1_500 * random());
    }
  }

  const living = all.map(live);
  return {
    histories: all.map(({ history }) => history),
    counts,
    stop: async () => {
      isRunning = false;
      await Promise.all(living);
    },
  };
}
