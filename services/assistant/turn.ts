/** One turn as the engine sees it: the texts to answer, what was said before, and the dealership's facts. */
import type { ContextMessage, ConversationSnapshot, Vehicle } from '../types.js';
import { type CivilMinute, civilMinute } from './civilTime.js';
import { toGsm } from './gsm.js';
import { readWeek, type Week } from './hours.js';
import { scrubIdentifiers } from './identifiers.js';
import type { AssistantRequest } from './types.js';
import { plainText } from './words.js';

const MAX_TEXTS = 20;
/** Of a longer burst only the end is read: a person would do the same. */
const MAX_CHARACTERS = 6000;

export interface Dealership {
  readonly name: string;
  readonly assistantName: string;
  readonly address?: string;
  readonly publicPhone?: string;
  readonly website?: string;
  readonly week: Week | undefined;
  readonly inventory: readonly Vehicle[];
}

export interface Turn {
  readonly dealership: Dealership;
  readonly now: CivilMinute;
  /** The texts to answer, oldest first, credit identifiers blanked. */
  readonly texts: readonly string[];
  readonly sentIdentifiers: boolean;
  readonly hasMedia: boolean;
  /** Bodies of everything sent to the shopper so far. */
  readonly said: readonly string[];
  readonly lastSaid: string;
  /** Plain texts of the shopper's turn before this one. */
  readonly before: readonly string[];
  /** Nothing has been sent in this conversation yet. */
  readonly isFirst: boolean;
  /** The assistant has spoken, and no person since: the shopper knows who writes. */
  readonly isIntroduced: boolean;
  /** What was said after the assistant's last text and before the texts to answer, credit identifiers blanked. */
  readonly meanwhile: readonly ContextMessage[];
}

export function readTurn({ agent, conversation, now }: AssistantRequest): Turn {
  const { organization, inventory } = agent;
  const { pending, earlier } = split(conversation);
  const scrubbed = pending.slice(-MAX_TEXTS).map(({ body }) => scrubIdentifiers(body.slice(0, 1600)));
  const outbound = earlier.filter(isOutbound);
  return {
    dealership: readDealership(organization, inventory),
    now: civilMinute(now, organization.timezone),
    texts: latest(scrubbed.map(({ text }) => text.trim()).filter((text) => text !== '')),
    sentIdentifiers: scrubbed.some(({ found }) => found),
    hasMedia: pending.some(({ media }) => media.length > 0),
    said: outbound.map(({ body }) => body),
    lastSaid: outbound.at(-1)?.body ?? '',
    before: previousTexts(earlier),
    isFirst: outbound.length === 0,
    isIntroduced: outbound.findLast(({ sender }) => sender !== 'system')?.sender === 'assistant',
    meanwhile: earlier
      .slice(earlier.findLastIndex(isAssistants) + 1)
      .map((message) => ({ ...message, body: scrubIdentifiers(message.body.slice(0, 1600)).text })),
  };
}

function latest(texts: readonly string[]): string[] {
  const kept: string[] = [];
  let total = 0;
  for (const text of [...texts].reverse()) {
    total += text.length;
    if (total > MAX_CHARACTERS) break;
    kept.unshift(text);
  }
  return kept;
}

const isAssistants = ({ sender }: ContextMessage): boolean => sender === 'assistant';
const isOutbound = ({ direction }: ContextMessage): boolean => direction === 'outbound';

/** The texts after the last one we sent, and everything up to there. */
function split({ messages }: ConversationSnapshot): {
  pending: readonly ContextMessage[];
  earlier: readonly ContextMessage[];
} {
  const lastOut = messages.findLastIndex(isOutbound);
  return { pending: messages.slice(lastOut + 1), earlier: messages.slice(0, lastOut + 1) };
}

function previousTexts(earlier: readonly ContextMessage[]): string[] {
  const lastIn = earlier.findLastIndex((message) => !isOutbound(message));
  const until = earlier.slice(0, lastIn + 1);
  const start = until.findLastIndex(isOutbound) + 1;
  return until.slice(start).map(({ body }) => plainText(body));
}

function readDealership(
  { name, settings }: AssistantRequest['agent']['organization'],
  inventory: readonly Vehicle[],
): Dealership {
  const address = words(settings.address, 100);
  const publicPhone = words(settings.publicPhone, 30);
  const website = words(settings.website, 80);
  return {
    name: words(name, 50) ?? 'the dealership',
    assistantName: words(settings.assistantName, 20) ?? 'Jack',
    ...(address === undefined ? {} : { address }),
    ...(publicPhone === undefined ? {} : { publicPhone }),
    ...(website === undefined ? {} : { website }),
    week: readWeek(settings.hours),
    inventory,
  };
}

/** A setting as it can stand in a text; undefined when nothing of it remains. */
function words(value: string | undefined, limit: number): string | undefined {
  const text = toGsm(value ?? '')
    .slice(0, limit)
    .trim();
  return /[A-Za-z0-9]/.test(text) ? text : undefined;
}
