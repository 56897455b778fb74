/**
 * What a carrier's error code makes us do, as data. Codes and reactions are those of DOMAIN.md 4.3; each is explained at
 * https://www.twilio.com/docs/api/errors/<code>.
 */
import type { HoldKind, HoldScope } from '../db/schema/delivery.js';

export interface Reaction {
  /** For staff and the log; follows "The carrier says:". */
  readonly meaning: string;
  /**
   * What becomes of the text. `fails`: it is never sent again. `waits`: the carrier did not take it, and it goes when the
   * hold is over. `once_more`: it was not delivered, and is sent a second time, but no third.
   */
  readonly text: 'fails' | 'waits' | 'once_more';
  /** How long until it is sent once more; `later` is hours, and inside the hours for texts. */
  readonly again?: 'soon' | 'later';
  /** What it says of the person's phone. */
  readonly phone?: 'opted_out' | 'not_textable';
  readonly hold?: Hold;
  readonly alert: Alert;
}

interface Hold {
  readonly kind: HoldKind;
  readonly scope: HoldScope;
  /** `lifted`: until somebody does. `backoff`: minutes, longer each time. `tomorrow`: as the carriers of the US count days. */
  readonly until: 'lifted' | 'backoff' | 'tomorrow';
}

/**
 * Who is told. `conversation`: staff, of this text. `phone`: staff, that this phone gets no texts. `organization`: staff, that
 * nothing leaves, and of this text if it is lost. `rate`: of this text, and of the organization when there are several. `loop`: two
 * machines talk. `ours`: of this text, and the log as an error of ours. `none`: of this text if it is lost.
 */
export type Alert = 'conversation' | 'phone' | 'organization' | 'rate' | 'loop' | 'ours' | 'none';

const fails = (meaning: string, alert: Alert = 'conversation'): Reaction => ({
  meaning,
  text: 'fails',
  alert,
});
const notTextable = (meaning: string): Reaction => ({
  meaning,
  text: 'fails',
  phone: 'not_textable',
  alert: 'phone',
});
const slow = (scope: HoldScope): Hold => ({ kind: 'slow', scope, until: 'backoff' });

export const REACTIONS: Readonly<Record<number, Reaction>> = {
  20003: {
    meaning: 'the account SID or auth token is wrong',
    text: 'waits',
    hold: { kind: 'credentials', scope: 'all', until: 'lifted' },
    alert: 'organization',
  },
  20404: fails('the account or address does not exist', 'organization'),
  20429: { meaning: 'too many requests at once', text: 'waits', alert: 'none' },
  21211: notTextable('this is not a phone number'),
  21212: fails('the sending number is not valid', 'organization'),
  21408: fails('texts to this country are switched off for the account'),
  21606: fails('the sending number is not of this account or cannot send texts', 'organization'),
  21610: { meaning: 'this person has opted out', text: 'fails', phone: 'opted_out', alert: 'none' },
  21611: {
    meaning: 'the queue of the sending number is full',
    text: 'waits',
    hold: slow('all'),
    alert: 'none',
  },
  21612: notTextable('no text can be routed to this number'),
  21614: notTextable('this is not a mobile number'),
  21617: fails('the text is longer than 1600 characters', 'ours'),
  21635: notTextable('this is a landline'),
  21658: fails('the text is not composed as it must be', 'ours'),
  14103: fails('the text is empty or not composed as it must be', 'ours'),
  14107: fails('too many replies between two numbers in a short time', 'loop'),
  30001: {
    meaning: 'the queue of the service overflowed',
    text: 'fails',
    hold: slow('all'),
    alert: 'conversation',
  },
  30003: {
    meaning: 'the handset is not reachable',
    text: 'once_more',
    again: 'later',
    alert: 'conversation',
  },
  30004: fails('the text was blocked'),
  30005: notTextable('the handset is unknown'),
  30006: notTextable('this is a landline, or its carrier takes no texts'),
  30007: fails('the text was filtered as spam', 'rate'),
  30008: { meaning: 'an unknown error', text: 'once_more', again: 'soon', alert: 'conversation' },
  30022: {
    meaning: 'more texts a minute than the registration allows',
    text: 'fails',
    hold: slow('us'),
    alert: 'conversation',
  },
  30023: {
    meaning: 'more texts a day than the registration allows',
    text: 'fails',
    hold: { kind: 'daily_cap', scope: 'us', until: 'tomorrow' },
    alert: 'organization',
  },
  30034: {
    meaning: 'the number is not registered for texts to the United States',
    text: 'fails',
    hold: { kind: 'registration', scope: 'us', until: 'lifted' },
    alert: 'organization',
  },
};

const UNLISTED = fails('it could not be delivered');

/** @param code null where the carrier gave none. */
export const reactionTo = (code: number | null): Reaction =>
  code === null ? UNLISTED : (REACTIONS[code] ?? UNLISTED);

/** So many texts filtered as spam within `SPAM_WINDOW_MS` are no chance: the words, or the list, need a person. */
export const SPAM_ALARM_COUNT = 3;
export const SPAM_WINDOW_MS = 3_600_000;

/** Holds of kind `slow`: the first, and the longest. Long enough for a long code (one segment a second) to work off some. */
export const FIRST_BACKOFF_MS = 60_000;
export const LONGEST_BACKOFF_MS = 30 * 60_000;

/** Until a text is sent once more. 30008 has no known cause; 30003 is a phone that is off or out of reach. */
export const SOON_MS = 5 * 60_000;
export const LATER_MS = 4 * 3_600_000;
