/** What a server has learned in a conversation, and its summary. */

import type { Slots } from '../../types.js';
import { toE164 } from '../../types.js';
import type { ImportedContext } from '../types.js';
import { invalid, type Shaped, valid } from './shape.js';
import { type Fields, fieldsOf, isYes, pick, storable, timeOf, unreadNotes, wordsOf } from './values.js';

const MAX_SLOT_CHARACTERS = 200;
const MAX_SUMMARY_CHARACTERS = 4_000;

const NAMES = {
  name: ['name', 'customerName', 'leadName', 'firstName', 'first_name'],
  vehicle: ['vehicle', 'vehicleInterest', 'vehicle_interest', 'vehicleOfInterest', 'interestedIn'],
  stockNumber: ['stockNumber', 'stock_number', 'stock'],
  tradeIn: ['tradeIn', 'trade_in', 'tradeInVehicle'],
  timeframe: ['timeframe', 'time_frame', 'purchaseTimeframe', 'timeline'],
  visitAt: ['visitAt', 'visit_at', 'appointment', 'appointmentAt', 'appointmentTime'],
  visitStatus: ['visitStatus', 'visit_status', 'appointmentStatus'],
  lastQuestion: ['lastQuestion', 'last_question'],
  asked: ['asked'],
  optedOut: [
    'optedOut',
    'opted_out',
    'optOut',
    'opt_out',
    'unsubscribed',
    'isOptedOut',
    'doNotText',
    'stopped',
  ],
  optedOutAt: ['optedOutAt', 'opted_out_at', 'optOutAt', 'unsubscribedAt'],
  owner: ['owner'],
  ownerName: ['ownerName', 'owner_name', 'agentName', 'assignedTo'],
  human: ['humanTakeover', 'human_takeover', 'agentTakeover', 'isHumanControlled', 'handoff', 'takenOver'],
  number: ['dealershipNumber', 'dealership_number', 'twilioNumber', 'businessNumber', 'to'],
  email: ['email', 'customerEmail'],
  summary: ['summary', 'conversationSummary'],
  updatedAt: ['updatedAt', 'updated_at', 'lastUpdated', 'lastActivity', 'lastMessageAt', 'timestamp'],
} as const;
/** Said by the key or by another Map already. */
const KNOWN_BY_OTHERS =
  'slots organizationId organization_id phone phoneNumber leadId lead_id id history messages';
const READ = new Set([...Object.values(NAMES).flat(), ...KNOWN_BY_OTHERS.split(' ')] as string[]);

export function shapeContext(given: unknown): Shaped<ImportedContext> {
  const outer = fieldsOf(given);
  if (!outer) return invalid('context_is_not_an_object');
  const fields: Fields = { ...outer, ...fieldsOf(outer.slots) };
  const owner = pick(fields, NAMES.owner);
  const isHuman = isYes(pick(fields, NAMES.human)) || owner === 'human' || owner === 'staff';
  const number = wordsOf(pick(fields, NAMES.number), 40);
  const notes = unreadNotes(fields, READ);
  const summary = summaryOf(pick(fields, NAMES.summary));
  return valid(
    {
      slots: slotsOf(fields),
      summary,
      isOptedOut: isYes(pick(fields, NAMES.optedOut)),
      optedOutAtMs: timeOf(pick(fields, NAMES.optedOutAt)),
      owner: isHuman ? 'human' : undefined,
      ownerName: isHuman ? wordsOf(pick(fields, NAMES.ownerName), 100) : undefined,
      dealershipNumber: number === undefined ? undefined : toE164(number),
      email: emailOf(pick(fields, NAMES.email)),
      updatedAtMs: timeOf(pick(fields, NAMES.updatedAt)),
    },
    notes,
  );
}

export function shapeSummary(given: unknown): Shaped<{ readonly summary: string }> {
  const fields = fieldsOf(given);
  const summary = summaryOf(fields ? pick(fields, ['summary', 'text', 'content']) : given);
  return summary === undefined ? invalid('summary_is_not_text') : valid({ summary });
}

export const emailOf = (value: unknown): string | undefined => {
  const email = wordsOf(value, 254);
  return email && /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email) ? email : undefined;
};

/** A longer one keeps its beginning. */
const summaryOf = (value: unknown): string | undefined =>
  typeof value === 'string'
    ? wordsOf(storable(value).slice(0, MAX_SUMMARY_CHARACTERS), MAX_SUMMARY_CHARACTERS)
    : undefined;

const QUESTIONS = ['vehicle', 'tradeIn', 'timeframe', 'name', 'visit'] as const;
const LOCAL_TIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(:\d{2}(\.\d+)?)?$/;

function slotsOf(fields: Fields): Slots {
  const words = (names: readonly string[]) => wordsOf(pick(fields, names), MAX_SLOT_CHARACTERS);
  // A time with a zone would need the dealership's to be read, so only local times are taken.
  const visitAt = LOCAL_TIME.exec(words(NAMES.visitAt) ?? '')?.[1];
  const status = words(NAMES.visitStatus)?.toLowerCase();
  const question = words(NAMES.lastQuestion);
  const lastQuestion = QUESTIONS.find((name) => name === question);
  const asked = fields.asked;
  const slots: Slots = {
    ...withText('name', words(NAMES.name)),
    ...withText('vehicle', vehicleOf(pick(fields, NAMES.vehicle))),
    ...withText('stockNumber', words(NAMES.stockNumber)),
    ...withText('tradeIn', vehicleOf(pick(fields, NAMES.tradeIn))),
    ...withText('timeframe', words(NAMES.timeframe)),
    ...(visitAt === undefined
      ? {}
      : {
          visitAt,
          visitStatus: /^(agreed|confirmed|booked|scheduled)$/.test(status ?? '') ? 'agreed' : 'proposed',
        }),
    ...(lastQuestion ? { lastQuestion } : {}),
    ...(Array.isArray(asked) ? { asked: asked.flatMap((note) => wordsOf(note, 200) ?? []).slice(-24) } : {}),
  };
  return slots;
}

const withText = (name: keyof Slots, text: string | undefined): Slots =>
  text === undefined ? {} : { [name]: text };

/** `2021 Honda Civic`, also when it is kept in parts. */
function vehicleOf(value: unknown): string | undefined {
  const parts = fieldsOf(value);
  if (!parts) return wordsOf(value, MAX_SLOT_CHARACTERS);
  const named = ['year', 'make', 'model', 'trim'].flatMap((name) => wordsOf(parts[name], 60) ?? []);
  return wordsOf(named.join(' '), MAX_SLOT_CHARACTERS);
}
