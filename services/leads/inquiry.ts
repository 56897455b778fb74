/** What an inquiry means for the record: who it is from, whether that person may be texted, and why not. Pure. */
import type { CountryCode } from 'libphonenumber-js/min';
import type { InquiryConsent } from '../db/schema/inquiries.js';
import type { E164 } from '../types.js';
import { maskProspect } from './maskProspect.js';
import { choosePhone } from './phones.js';
import type { Prospect, ProspectVehicle, ReadProspect } from './prospect.js';

/** Why nobody is texted first because of an inquiry. */
export type NoTextReason = 'no_consent_basis' | 'asked_not_to_be_texted';

export interface NewInquiry extends ReadProspect {
  readonly source: string;
  /** The source's own id of it; null when it gave none. */
  readonly externalId: string | null;
  readonly phone: E164 | undefined;
  readonly email: string | null;
  readonly name: string | null;
  /** For the lead. */
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly consent: InquiryConsent;
  readonly noTextReason: NoTextReason | null;
  /** Kinds of identifiers that were masked in it. */
  readonly masked: readonly string[];
}

export interface InquiryFacts {
  readonly source: string;
  /** What the caller said of consent; undefined: nothing. */
  readonly consent: InquiryConsent | undefined;
  readonly doNotText: boolean;
  readonly attributes?: Readonly<Record<string, unknown>> | undefined;
  /** Of phones without a country code. */
  readonly country: CountryCode;
}

export function toInquiry({ guessed, ...read }: ReadProspect, facts: InquiryFacts): NewInquiry {
  const { prospect, masked } = maskProspect(read.prospect);
  const { contact, comments } = prospect;
  const [id] = prospect.ids ?? [];
  const consent = facts.consent ?? { basis: null };
  const isRefused = facts.doNotText || (comments !== undefined && asksForNoTexts(comments));
  return {
    prospect,
    guessed,
    masked,
    source: facts.source,
    externalId: id?.value ?? null,
    phone: choosePhone(contact.phones ?? [], facts.country),
    email: contact.email ?? null,
    name: fullName(prospect),
    attributes: { ...leadAttributes(prospect), ...facts.attributes },
    consent,
    noTextReason: isRefused ? 'asked_not_to_be_texted' : consent.basis === null ? 'no_consent_basis' : null,
  };
}

/** Words of forms and of people; a doubt costs a first text and nothing else, for people see the lead all the same. */
const asksForNoTexts = (comments: string): boolean =>
  /\b(?:do\s*n[o']?t|don’t|no|not|never|stop)\s+(?:be\s+)?(?:text|texts|texting|txt|sms)\b|\b(?:e-?mail|call|phone)\s+only\b|\bonly\s+(?:e-?mail|call|phone)\b|\bpas de (?:textos?|sms)\b|\bno (?:me )?(?:env[ií]en? )?mensajes\b/i.test(
    comments.slice(0, 4_000),
  );

export function fullName({ contact: { name } }: Prospect): string | null {
  if (!name) return null;
  const parts = [name.first, name.middle, name.last, name.suffix].filter((part) => part !== undefined);
  return (name.full ?? parts.join(' ')).slice(0, 200) || null;
}

/** `2021 Honda Civic Sport`, or undefined when the vehicle is not said. */
export function vehicleWords(vehicle: ProspectVehicle | undefined): string | undefined {
  if (!vehicle) return undefined;
  const { year, make, model, trim } = vehicle;
  if (make === undefined && model === undefined) return undefined;
  return [year, make, model, trim]
    .filter((part) => part !== undefined)
    .join(' ')
    .slice(0, 120);
}

/** The vehicle that the person wants; what they give up is another. */
export const wantedVehicle = ({ vehicles = [] }: Prospect): ProspectVehicle | undefined =>
  vehicles.find(({ interest }) => interest !== 'trade-in' && interest !== 'sell');

export const tradedVehicle = ({ vehicles = [] }: Prospect): ProspectVehicle | undefined =>
  vehicles.find(({ interest }) => interest === 'trade-in' || interest === 'sell');

/** For the lead: where the person is (the outbound door asks that for its hours) and what language they read. */
function leadAttributes({ contact: { address, language } }: Prospect): Record<string, unknown> {
  const { city, region, postalCode, country } = address ?? {};
  return Object.fromEntries(
    Object.entries({ city, region, postalCode, country, language }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}
