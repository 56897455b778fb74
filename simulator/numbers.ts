/** The account's numbers and Messaging Services: how fast a sender is, and who deals with keywords. */
import { isTollFree } from './geography.js';

export type NumberKind = 'long_code' | 'toll_free' | 'short_code';

/**
 * Who answers STOP, START and HELP: Twilio with its fixed texts, a Messaging Service with Advanced Opt-Out (and then
 * `OptOutType` in the webhook), the toll-free network, or nobody.
 */
export type KeywordMode = 'standard' | 'advanced' | 'toll_free' | 'off';

export interface NumberSettings {
  readonly phoneNumber: string;
  /** Absent: the simulator's first account. */
  readonly accountSid?: string;
  /** Absent: by the number itself. */
  readonly kind?: NumberKind;
  /** Absent: `standard`, `toll_free` for a toll-free number, `off` for a short code. */
  readonly keywords?: KeywordMode;
  /** With its connection overrides (`#rc=2&rp=all`); absent: texts to it are kept and told to nobody. */
  readonly smsUrl?: string;
  readonly smsFallbackUrl?: string;
}

export interface OwnedNumber extends NumberSettings {
  readonly accountSid: string;
  readonly kind: NumberKind;
  readonly keywords: KeywordMode;
  readonly messagingServiceSid: string | null;
}

export interface MessagingService {
  readonly sid: string;
  readonly accountSid: string;
  readonly numbers: readonly string[];
  readonly hasAdvancedOptOut: boolean;
}

const SHORT_CODE = /^\d{5,6}$/;

export class Numbers {
  readonly #numbers = new Map<string, OwnedNumber>();
  readonly #services = new Map<string, MessagingService>();
  /** Service and receiver → the sender that the receiver knows. */
  readonly #sticky = new Map<string, string>();

  add(settings: NumberSettings & { readonly accountSid: string }): OwnedNumber {
    const kind = settings.kind ?? kindOf(settings.phoneNumber);
    const known = this.#numbers.get(settings.phoneNumber);
    const number: OwnedNumber = {
      ...settings,
      kind,
      keywords: settings.keywords ?? modeOf(kind),
      messagingServiceSid: known?.messagingServiceSid ?? null,
    };
    this.#numbers.set(number.phoneNumber, number);
    return number;
  }

  /** The numbers must be there already; with Advanced Opt-Out the service deals with their keywords from now on. */
  addService(service: MessagingService): void {
    this.#services.set(service.sid, service);
    for (const phoneNumber of service.numbers) {
      const number = this.#numbers.get(phoneNumber);
      if (!number) throw new Error(`${phoneNumber} is no number of this account yet`);
      const keywords = service.hasAdvancedOptOut ? 'advanced' : number.keywords;
      this.#numbers.set(phoneNumber, { ...number, keywords, messagingServiceSid: service.sid });
    }
  }

  get(phoneNumber: string): OwnedNumber | undefined {
    return this.#numbers.get(phoneNumber);
  }

  service(sid: string): MessagingService | undefined {
    return this.#services.get(sid);
  }

  /** @returns the pool's number that this receiver has had before, else the next one; undefined for an empty pool. */
  senderFor(service: MessagingService, to: string): string | undefined {
    const key = `${service.sid}>${to}`;
    const known = this.#sticky.get(key);
    if (known !== undefined) return known;
    const sender = service.numbers[this.#sticky.size % Math.max(1, service.numbers.length)];
    if (sender !== undefined) this.#sticky.set(key, sender);
    return sender;
  }
}

export function kindOf(phoneNumber: string): NumberKind {
  if (SHORT_CODE.test(phoneNumber)) return 'short_code';
  return isTollFree(phoneNumber) ? 'toll_free' : 'long_code';
}

function modeOf(kind: NumberKind): KeywordMode {
  if (kind === 'toll_free') return 'toll_free';
  return kind === 'short_code' ? 'off' : 'standard';
}

/** Segments per second (support article 115002943027). */
export const SEGMENTS_PER_SECOND: Readonly<Record<NumberKind, number>> = {
  long_code: 1,
  toll_free: 3,
  short_code: 100,
};
