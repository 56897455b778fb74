/** A conversation's messages: an array of objects or of lines such as `Customer: hello`, oldest first. */
import { maskIdentifiers } from '../../privacy/mask.js';
import type { Direction, Media, MessageStatus, Sender } from '../../types.js';
import type { ImportedMessage } from '../types.js';
import { invalid, type Shaped, valid } from './shape.js';
import { type Fields, fieldsOf, isYes, pick, storable, timeOf, unwrapped, wordsOf } from './values.js';

const MAX_MESSAGES = 20_000;
const MAX_BODY_CHARACTERS = 20_000;

interface Voice {
  readonly direction: Direction;
  readonly sender: Sender;
}

const LEAD: Voice = { direction: 'inbound', sender: 'lead' };
const ASSISTANT: Voice = { direction: 'outbound', sender: 'assistant' };
const STAFF: Voice = { direction: 'outbound', sender: 'staff' };

const VOICES: Readonly<Record<string, Voice>> = {
  ...voices(LEAD, 'user customer lead shopper contact client inbound incoming in received'),
  ...voices(ASSISTANT, 'assistant bot ai jack model outbound outgoing out sent outbound-api outbound-reply'),
  ...voices(STAFF, 'staff agent human salesperson rep manager operator outbound-call'),
};
/** Instructions and tool calls of a model: nobody sent or received them. */
const UNSPOKEN = new Set(['system', 'tool', 'function', 'developer']);
const LINE = /^\s*([A-Za-z-]{2,20})\s*:\s*([\s\S]*)$/;

export function shapeHistory(given: unknown): Shaped<readonly ImportedMessage[]> {
  const value = unwrapped(given);
  const list = Array.isArray(value) ? value : pick(fieldsOf(value) ?? {}, ['messages', 'history', 'turns']);
  if (!Array.isArray(list)) return invalid('history_is_not_a_list');
  if (list.length > MAX_MESSAGES) return invalid('history_is_too_long');
  const notes: string[] = [];
  const messages = list.flatMap((entry: unknown) => {
    const message = shapeMessage(entry);
    if (typeof message !== 'string') return message;
    notes.push(message);
    return [];
  });
  if (messages.length === 0 && list.length > 0) return invalid(notes[0] ?? 'history_has_no_messages');
  return valid(oldestFirst(messages), notes);
}

/** @returns why not, as the note that counts it. */
function shapeMessage(entry: unknown): ImportedMessage | string {
  if (typeof entry === 'string') return shapeLine(entry);
  const fields = fieldsOf(entry);
  if (!fields) return 'message_left_out:not_an_object';
  const role = pick(fields, ['role', 'sender', 'direction', 'type', 'from']);
  if (typeof fields.role === 'string' && UNSPOKEN.has(fields.role.toLowerCase())) {
    return 'message_left_out:instruction';
  }
  const voice = voiceOf(fields);
  if (!voice) return role === undefined ? 'message_left_out:no_speaker' : 'message_left_out:unknown_speaker';
  const body = bodyOf(pick(fields, ['body', 'content', 'text', 'message', 'Body']));
  const media = mediaOf(pick(fields, ['media', 'mediaUrls', 'mediaUrl', 'MediaUrl0']));
  if (body === undefined && media.length === 0) return 'message_left_out:no_text';
  if (body !== undefined && body.length > MAX_BODY_CHARACTERS) return 'message_left_out:too_long';
  return {
    ...voice,
    body: body ?? '',
    media,
    status: statusOf(fields.status, voice.direction),
    sourceId: wordsOf(pick(fields, ['id', '_id', 'messageId']), 200),
    accountSid: sidOf(pick(fields, ['accountSid', 'AccountSid', 'account_sid']), 'AC'),
    messageSid: sidOf(
      pick(fields, ['messageSid', 'MessageSid', 'message_sid', 'sid', 'twilioSid']),
      '(?:SM|MM)',
    ),
    atMs: timeOf(pick(fields, ['createdAt', 'timestamp', 'created_at', 'date', 'time', 'ts', 'sentAt'])),
  };
}

function shapeLine(text: string): ImportedMessage | string {
  const [, name, words] = LINE.exec(text) ?? [];
  const voice = VOICES[name?.toLowerCase() ?? ''];
  const body = bodyOf(words);
  // Who spoke is never guessed: the assistant would take its own words for the shopper's.
  if (!voice) return 'message_left_out:no_speaker';
  if (body === undefined) return 'message_left_out:no_text';
  if (body.length > MAX_BODY_CHARACTERS) return 'message_left_out:too_long';
  return {
    ...voice,
    body,
    media: [],
    status: statusOf(undefined, voice.direction),
    sourceId: undefined,
    accountSid: undefined,
    messageSid: undefined,
    atMs: undefined,
  };
}

/** A sender is more exact than a direction, which is more exact than a model's role. */
function voiceOf(fields: Fields): Voice | undefined {
  for (const name of ['sender', 'direction', 'role', 'author', 'from', 'type']) {
    const value = fields[name];
    if (typeof value !== 'string') continue;
    // Models call the shopper a human; of a sender it means that no machine wrote.
    const isModelName = value.toLowerCase() === 'human' && (name === 'role' || name === 'type');
    const voice = isModelName ? LEAD : VOICES[value.toLowerCase()];
    if (voice) return voice;
  }
  const isFromShopper = pick(fields, ['isUser', 'fromUser', 'fromCustomer', 'isInbound', 'inbound']);
  if (isFromShopper !== undefined) return isYes(isFromShopper) ? LEAD : ASSISTANT;
  return undefined;
}

/** Text, or the parts that models use: `[{type: 'text', text: 'hello'}]`. */
function bodyOf(value: unknown): string | undefined {
  const text = Array.isArray(value) ? value.map(partOf).join('') : value;
  if (typeof text !== 'string') return undefined;
  // What must not be in the record is not moved into it.
  const body = maskIdentifiers(storable(text)).text;
  return body.trim() === '' ? undefined : body;
}

function partOf(part: unknown): string {
  const text = typeof part === 'string' ? part : fieldsOf(part)?.text;
  return typeof text === 'string' ? text : '';
}

function mediaOf(value: unknown): Media[] {
  const list = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return list.slice(0, 10).flatMap((item: unknown) => {
    const fields = typeof item === 'string' ? { url: item } : (fieldsOf(item) ?? {});
    const url = wordsOf(pick(fields, ['url', 'mediaUrl', 'href']), 2_000);
    const contentType = wordsOf(pick(fields, ['contentType', 'mimeType', 'type']), 100);
    return url && /^https?:\/\//.test(url)
      ? [{ url, contentType: contentType ?? 'application/octet-stream' }]
      : [];
  });
}

function statusOf(value: unknown, direction: Direction): MessageStatus {
  if (direction === 'inbound') return 'received';
  const given = typeof value === 'string' ? value.toLowerCase() : '';
  // Another server's queue is not ours to work off, so what it was about to send counts as sent.
  return given === 'delivered' || given === 'undelivered' || given === 'failed' ? given : 'sent';
}

const sidOf = (value: unknown, prefix: string): string | undefined =>
  typeof value === 'string' && new RegExp(`^${prefix}[0-9a-fA-F]{32}$`).test(value) ? value : undefined;

/** Some servers keep the newest first. */
function oldestFirst(messages: readonly ImportedMessage[]): readonly ImportedMessage[] {
  const times = messages.flatMap(({ atMs }) => atMs ?? []);
  const isFalling = times.every((atMs, index) => index === 0 || atMs <= (times[index - 1] ?? atMs));
  const spans = times.length > 1 && (times[0] ?? 0) > (times.at(-1) ?? 0);
  return times.length === messages.length && spans && isFalling ? messages.toReversed() : messages;
}

function voices(voice: Voice, names: string): Record<string, Voice> {
  return Object.fromEntries(names.split(' ').map((name) => [name, voice]));
}
