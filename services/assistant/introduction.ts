/**
 * The first text of a conversation says which dealership writes, that it is an AI assistant, and how to stop
 * (DOMAIN.md 8.5, 8.6). Kept here for every engine: what a reply says already is not said again.
 */
import { clamp } from './gsm.js';
import type { Assistant, AssistantReply, AssistantRequest } from './types.js';

export interface Introduced {
  readonly dealership: string;
  readonly assistantName: string;
}

/** Of a reply, as `AssistantReply.body`. */
const MAX_BODY = 480;
const MAX_NAME = 50;

const WORDS = {
  en: {
    who: (name: string, dealership: string) => `This is ${name}, the AI assistant at ${dealership}.`,
    stop: 'Reply STOP to opt out.',
  },
  fr: {
    who: (name: string, dealership: string) => `Ici ${name}, l'assistant IA de ${dealership}.`,
    stop: 'Répondez ARRET pour vous désabonner.',
  },
  es: {
    who: (name: string, dealership: string) => `Soy ${name}, el asistente de IA de ${dealership}.`,
    stop: 'Responda STOP para darse de baja.',
  },
} as const;

const FRENCH = /\b(?:vous|nous|votre|notre|avec|pour|bonjour|merci|est|les|des)\b/gi;
const SPANISH = /\b(?:usted|nosotros|su|con|para|hola|gracias|el|los|las|tenemos|nuestro)\b/gi;
const ENGLISH = /\b(?:you|we|your|our|with|for|hi|hello|thanks|is|the|it)\b/gi;

/** @returns at most 480 characters; a reply is shortened at a sentence rather than that who writes is left out. */
export function introduce(body: string, { dealership, assistantName }: Introduced): string {
  const name = dealership.slice(0, MAX_NAME).trim();
  const words = WORDS[languageOf(body)];
  const isNamed = body.includes(name) && /\b(?:A\.?I\.?|IA)\b|artificial/i.test(body);
  const before = isNamed ? '' : `${words.who(assistantName.slice(0, MAX_NAME), name)} `;
  const after = hasStop(body) ? '' : ` ${words.stop}`;
  return `${before}${clamp(body, MAX_BODY - before.length - after.length)}${after}`;
}

/**
 * The first text of a conversation when a person writes it: which dealership, and how to stop. One that leaves no room for it
 * (the carrier takes `maxLength` characters) stays as the person wrote it.
 */
export function signFirstText(body: string, dealership: string, maxLength: number): string {
  const name = dealership.slice(0, MAX_NAME).trim();
  const before = body.includes(name) ? '' : `${name}: `;
  const signed = `${before}${body}${hasStop(body) ? '' : ` ${WORDS[languageOf(body)].stop}`}`;
  return signed.length > maxLength ? body : signed;
}

const hasStop = (body: string): boolean => /\b(?:STOP|ARRET|ARR\u00caT)\b/.test(body);

function languageOf(body: string): keyof typeof WORDS {
  const count = (pattern: RegExp) => body.match(pattern)?.length ?? 0;
  const [en, fr, es] = [count(ENGLISH), count(FRENCH), count(SPANISH)];
  if (fr > en && fr >= es) return 'fr';
  return es > en ? 'es' : 'en';
}

/** An engine whose first words to a shopper cannot lack them. */
export const introducingAssistant = (assistant: Assistant): Assistant => ({
  name: assistant.name,
  reply: async (request) => withIntroduction(await assistant.reply(request), request),
});

export function withIntroduction(
  reply: AssistantReply,
  { agent, conversation }: Pick<AssistantRequest, 'agent' | 'conversation'>,
): AssistantReply {
  if (!isFirstText(conversation)) return reply;
  const { name, settings } = agent.organization;
  return {
    ...reply,
    body: introduce(reply.body, { dealership: name, assistantName: settings.assistantName ?? 'Jack' }),
  };
}

/** Only the last messages are known: of a longer conversation, none of them is the first. */
const isFirstText = ({ messages, lastSeq }: AssistantRequest['conversation']): boolean =>
  messages.length === lastSeq && messages.every(({ direction }) => direction === 'inbound');
