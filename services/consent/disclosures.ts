/**
 * The texts about consent that people are shown, each with a version: the ledger keeps `id@version`, so what somebody
 * agreed to can be shown years later. A text that was in use is never changed: a new wording is a new version.
 */
export type DisclosureId =
  /** Under a form that asks for a phone. */
  | 'web_form'
  /** What the first text of a conversation says, whoever composes it. */
  | 'first_text'
  /** After an opt-out that the carrier does not answer. No marketing in it (DOMAIN.md 8.2). */
  | 'opt_out_confirmation'
  /** After START, where the carrier does not answer. */
  | 'opt_in_confirmation'
  /** After HELP, where the carrier does not answer. */
  | 'help_answer';

export type DisclosureLanguage = 'en' | 'fr' | 'es';

export interface Disclosure {
  readonly id: DisclosureId;
  readonly version: number;
  readonly language: DisclosureLanguage;
  /** `{dealership}` and `{contact}` are filled in. In GSM-7 where a text of ours is meant. */
  readonly text: string;
  /** The first day of use, ISO 8601. */
  readonly since: string;
}

const SINCE = '2026-11-21';
const first = { version: 1, since: SINCE } as const;

export const DISCLOSURES: readonly Disclosure[] = [
  {
    ...first,
    id: 'web_form',
    language: 'en',
    text: 'By giving your number you agree that {dealership} may text you about your inquiry, also with automated texts. Consent is not a condition of purchase. Message and data rates may apply. Reply STOP to opt out, HELP for help.',
  },
  {
    ...first,
    id: 'web_form',
    language: 'fr',
    text: "En donnant votre numéro, vous acceptez que {dealership} vous envoie des textos au sujet de votre demande, y compris des textos automatisés. Ce consentement n'est pas une condition d'achat. Des frais de messagerie peuvent s'appliquer. Répondez ARRET pour vous désabonner, AIDE pour de l'aide.",
  },
  {
    ...first,
    id: 'web_form',
    language: 'es',
    text: 'Al dar su número acepta que {dealership} le envíe mensajes de texto sobre su consulta, también automáticos. El consentimiento no es condición de compra. Pueden aplicarse tarifas de mensajes y datos. Responda STOP para darse de baja, HELP para ayuda.',
  },
  {
    ...first,
    id: 'first_text',
    language: 'en',
    text: '{assistant}, the AI assistant at {dealership}. Reply STOP to opt out.',
  },
  {
    ...first,
    id: 'opt_out_confirmation',
    language: 'en',
    text: 'You are unsubscribed from {dealership} and will get no more texts. Reply START to get them again.',
  },
  {
    ...first,
    id: 'opt_out_confirmation',
    language: 'fr',
    text: 'Désabonnement de {dealership} confirmé: aucun autre texto ne sera envoyé. Répondez START pour en recevoir de nouveau.',
  },
  {
    ...first,
    id: 'opt_out_confirmation',
    language: 'es',
    text: 'Su baja de {dealership} es efectiva: ya no se le mandan textos. Responda START para recibirlos de nuevo.',
  },
  {
    ...first,
    id: 'opt_in_confirmation',
    language: 'en',
    text: 'You get texts from {dealership} again. Reply HELP for help, STOP to opt out.',
  },
  {
    ...first,
    id: 'help_answer',
    language: 'en',
    text: '{dealership}: text your question to this number{contact}. Message and data rates may apply. Reply STOP to opt out.',
  },
];

/** The newest version; English where the language has none. */
export function disclosureOf(id: DisclosureId, language: DisclosureLanguage): Disclosure {
  const newest = (wanted: DisclosureLanguage) =>
    DISCLOSURES.filter((entry) => entry.id === id && entry.language === wanted).sort(
      (a, b) => b.version - a.version,
    )[0];
  const found = newest(language) ?? newest('en');
  if (!found) throw new Error(`No disclosure is called ${id}.`);
  return found;
}

/** What the ledger keeps: `opt_out_confirmation.fr@1`. */
export const disclosureRef = ({ id, language, version }: Disclosure): string =>
  `${id}.${language}@${version}`;

/** Of a longer name the beginning stands in a text. */
const MAX_NAME = 60;

export const fillDisclosure = (
  { text }: Disclosure,
  facts: { readonly dealership: string; readonly contact?: string },
): string =>
  text
    .replaceAll('{dealership}', facts.dealership.slice(0, MAX_NAME).trim())
    .replaceAll('{contact}', facts.contact ? ` or call ${facts.contact}` : '');
