/**
 * The words of texts that we start. What came from a form is a stranger's: only names that read like names and vehicles
 * that read like vehicles get into a text, so that nobody can have a dealership send their link.
 */
import { vehicleWords, wantedVehicle } from './inquiry.js';
import type { Prospect } from './prospect.js';

export interface OutreachFacts {
  readonly dealership: string;
  readonly assistantName: string;
  readonly prospect: Prospect;
}

/** Says who writes, that it is an AI assistant, about what, and how to stop; asks nothing that one word could answer. */
export function firstTouchText({ dealership, assistantName, prospect }: OutreachFacts): string {
  const vehicle = plainVehicle(vehicleWords(wantedVehicle(prospect)));
  const name = greetingName(prospect);
  if (isFrench(prospect)) {
    return [
      `Bonjour${name === undefined ? '' : ` ${name}`}, ici ${assistantName}, l'assistant IA de ${dealership}.`,
      vehicle === undefined
        ? 'Merci de votre intérêt. Quel véhicule cherchez-vous ?'
        : `Merci de votre intérêt pour ${vehicle}. Que puis-je vous dire à son sujet ?`,
      'Répondez ARRET pour ne plus recevoir de textos.',
    ].join(' ');
  }
  return [
    `Hi${name === undefined ? '' : ` ${name}`}, this is ${assistantName}, the AI assistant at ${dealership}.`,
    vehicle === undefined
      ? 'Thanks for reaching out. What kind of vehicle are you looking for?'
      : `Thanks for asking about the ${vehicle}. What would you like to know about it?`,
    'Reply STOP to opt out.',
  ].join(' ');
}

/** Fills the organization's template and adds what may not be missing: who writes, and how to stop. */
export function followUpText(template: string, facts: OutreachFacts): string {
  const vehicle = plainVehicle(vehicleWords(wantedVehicle(facts.prospect)));
  const values: Readonly<Record<string, string>> = {
    name: greetingName(facts.prospect) ?? '',
    vehicle: vehicle ?? (isFrench(facts.prospect) ? 'votre prochain véhicule' : 'your next vehicle'),
    dealership: facts.dealership,
    assistant: facts.assistantName,
  };
  const filled = template
    .replace(/\{(\w+)\}/g, (braces, key: string) => values[key] ?? braces)
    .replace(/ {2,}/g, ' ')
    .replace(/ +([,.!?])/g, '$1')
    .trim();
  const named = filled.includes(facts.dealership) ? filled : `${facts.dealership}: ${filled}`;
  if (/\b(?:STOP|ARRET|ARRÊT)\b/.test(named)) return named;
  return `${named} ${isFrench(facts.prospect) ? 'Répondez ARRET pour arrêter.' : 'Reply STOP to opt out.'}`;
}

/** The names that a template may use. */
export const TEMPLATE_FIELDS: readonly string[] = ['name', 'vehicle', 'dealership', 'assistant'];

const greetingName = ({ contact: { name } }: Prospect): string | undefined =>
  plainName(name?.first ?? name?.full?.split(' ')[0]);

export const plainName = (name: string | undefined): string | undefined =>
  name !== undefined && /^\p{L}[\p{L}\p{M}'’-]{0,24}$/u.test(name) ? name : undefined;

/** Letters, digits and the marks of model names; nothing that a phone would make a link of. */
export const plainVehicle = (words: string | undefined): string | undefined =>
  words !== undefined && words.length <= 60 && /^[\p{L}\p{N}](?:[\p{L}\p{N} &+/-]|\.(?=\d))*$/u.test(words)
    ? words
    : undefined;

const isFrench = ({ contact: { language, address } }: Prospect): boolean =>
  language === 'fr' || (language === undefined && /^(?:QC|PQ|Qu[eé]bec)$/i.test(address?.region ?? ''));
