/**
 * What a text to a staff phone says: for which dealership, what happened, in which conversation by its id. Never a name, a phone
 * or words of a shopper: whoever sees the lock screen sees this. One segment.
 */
import type { AlertKind } from '../db/schema/alerts.js';
import type { ToldAlert } from '../record/alertTexts.js';
import { isGsm7, normaliseToGsm7, septetsOf } from '../sms/gsm7.js';

/** A longer name is cut; what is left of the segment holds the longest of the sentences below and an id. */
const NAME_SEPTETS = 40;
const MAX_TRIGGER = 24;

const WORDS: Readonly<Record<AlertKind, string>> = {
  handoff_requested: 'a shopper needs a person',
  assistant_failed: 'the assistant had no answer',
  keyword_collision: 'a shopper may not have meant to unsubscribe',
  revoked_in_words: 'a shopper wants no more texts',
  wrong_number: "a number is somebody else's",
  delivery_failed: 'a text was not delivered',
  not_textable: 'a phone gets no texts',
  sending_stopped: 'texts are not going out',
  texts_missed: 'texts of shoppers were missed',
  loop_detected: 'two machines may be texting each other',
  identifiers_masked: 'card or identity numbers were removed',
  media_refused: 'a picture or file was refused',
};

/** Those after which a person is needed in the conversation: counted together. */
const ASKS_FOR_PERSON: ReadonlySet<AlertKind> = new Set([
  'handoff_requested',
  'assistant_failed',
  'keyword_collision',
  'loop_detected',
]);

const STOP = ' Reply STOP to end.';

/** @param isFirst the phone has not been texted before: it is told how to stop. */
export function alertText({
  dealership,
  alerts,
  isFirst,
}: {
  readonly dealership: string;
  /** At least one, oldest first. */
  readonly alerts: readonly ToldAlert[];
  readonly isFirst: boolean;
}): string {
  return `Jack for ${shortName(dealership)}: ${whatHappened(alerts)}${isFirst ? STOP : ''}`;
}

function whatHappened(alerts: readonly ToldAlert[]): string {
  const [first] = alerts;
  if (!first) throw new Error('A text tells of at least one alert.');
  const leads = new Set(alerts.map(({ leadId }) => leadId));
  if (leads.size > 1 || (alerts.length > 1 && first.leadId === null))
    return `${countsOf(alerts)}. See /api/alerts.`;
  const [told = first] = alerts.filter(({ kind }) => ASKS_FOR_PERSON.has(kind));
  return told.leadId === null
    ? `${sentence(told)}. See /api/alerts.`
    : `${sentence(told)}. Lead ${told.leadId}.`;
}

const sentence = ({ kind, trigger }: ToldAlert): string =>
  kind === 'handoff_requested' && trigger !== null
    ? `${WORDS[kind]} (${trigger.slice(0, MAX_TRIGGER).replaceAll('_', ' ')})`
    : WORDS[kind];

/** Conversations, not alerts: three about one shopper are one thing to look at. */
function countsOf(alerts: readonly ToldAlert[]): string {
  const waiting = new Set(
    alerts.flatMap(({ kind, leadId }) => (ASKS_FOR_PERSON.has(kind) && leadId !== null ? [leadId] : [])),
  );
  const others = alerts.filter(({ leadId }) => leadId === null || !waiting.has(leadId)).length;
  const needs =
    waiting.size === 1 ? '1 conversation needs a person' : `${waiting.size} conversations need a person`;
  if (waiting.size === 0) return `${others} alerts`;
  return others === 0 ? needs : `${needs}, ${others} other alert${others === 1 ? '' : 's'}`;
}

/** In GSM-7, so that one letter does not make three texts of one: what the alphabet lacks loses its accent or goes. */
function shortName(name: string): string {
  let short = '';
  let septets = 0;
  for (const letter of normaliseToGsm7(name.trim())) {
    const plain = isGsm7(letter) ? letter : (letter.normalize('NFD')[0] ?? '');
    const more = septetsOf(plain);
    if (more === undefined) continue;
    if (septets + more > NAME_SEPTETS) break;
    short += plain;
    septets += more;
  }
  return short.trim() || 'your dealership';
}
