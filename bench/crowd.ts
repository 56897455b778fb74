/**
 * Shoppers who text one at a time: a reply that reaches somebody who waits is the one to their text, so each can be timed
 * from the moment its text was due until the carrier has it. Whoever was answered longest ago texts next.
 */
import type { TwilioDouble } from '../test/support/twilioDouble.js';
import { until } from '../test/support/until.js';
import type { PreparedRequest } from './openLoop.js';
import { shopperPhone, signedText } from './signedText.js';

export interface CrowdOptions {
  readonly twilio: TwilioDouble;
  /** Of the dealerships; a shopper texts always the same one. */
  readonly numbers: readonly string[];
  /** So many text before one of them texts again. When nobody is free, somebody new texts. */
  readonly shoppers: number;
  /** Where the phones begin, for crowds beside each other; 0. */
  readonly firstShopper?: number;
}

/** A text and its reply; times are those of `performance.now()`. */
export interface Exchange {
  readonly phone: string;
  readonly dueAtMs: number;
  readonly repliedAtMs: number;
}

export interface Crowd {
  /** The next text; due now when nothing is said. */
  next(dueAtMs?: number): PreparedRequest;
  /** How many have no reply to their text yet. */
  waiting(): number;
  /** @throws Error when somebody has no reply after the time. */
  answered(timeoutMs?: number): Promise<void>;
  /** What was answered since the last call, in the order of the replies. */
  take(): Exchange[];
  /** Replies to somebody who had one. */
  doubled(): number;
}

// Different from one text to the next, or the assistant would take a repetition for annoyance and call a person.
export const BODIES: readonly string[] = [
  'Do you have any SUVs?',
  'What are your hours today?',
  'My name is Dana',
  'Where are you?',
  'This week',
];

interface Member {
  readonly phone: string;
  readonly number: string;
  texts: number;
  /** Of the text without a reply. */
  dueAtMs: number | undefined;
}

export function createCrowd({ twilio, numbers, shoppers, firstShopper = 0 }: CrowdOptions): Crowd {
  const members = new Map<string, Member>();
  const free: Member[] = [];
  let exchanges: Exchange[] = [];
  let waiting = 0;
  let doubled = 0;

  function add(): Member {
    const n = firstShopper + members.size;
    const number = numbers[n % numbers.length] as string;
    const member: Member = { phone: shopperPhone(n), number, texts: 0, dueAtMs: undefined };
    members.set(member.phone, member);
    return member;
  }

  twilio.onHandset((event) => {
    const member = event.by === 'account' ? members.get(event.text.to) : undefined;
    if (!member) return;
    if (member.dueAtMs === undefined) {
      doubled += 1;
      return;
    }
    exchanges.push({ phone: member.phone, dueAtMs: member.dueAtMs, repliedAtMs: performance.now() });
    member.dueAtMs = undefined;
    waiting -= 1;
    free.push(member);
  });

  return {
    next: (dueAtMs = performance.now()) => {
      const member = (members.size < shoppers ? undefined : free.shift()) ?? add();
      const body = BODIES[member.texts % BODIES.length] as string;
      member.texts += 1;
      member.dueAtMs = dueAtMs;
      waiting += 1;
      return signedText(twilio, { from: member.phone, to: member.number, body });
    },
    waiting: () => waiting,
    answered: async (timeoutMs = 60_000) => {
      await until(() => waiting === 0, { timeoutMs, everyMs: 20, what: () => `${waiting} replies` });
    },
    take: () => {
      const taken = exchanges;
      exchanges = [];
      return taken;
    },
    doubled: () => doubled,
  };
}

/** From due to handset in milliseconds, ascending. */
export const timesMs = (exchanges: readonly Exchange[]): Float64Array =>
  Float64Array.from(exchanges, ({ dueAtMs, repliedAtMs }) => repliedAtMs - dueAtMs).sort();
