/** The JSON database of a chat library: `{conversations: [{id, userName, messages}], keys: [{key, queries, …}]}`. */
import { z } from 'zod';
import type { ImportedChat, ImportedProviderKey } from '../types.js';
import { invalid, type Shaped, valid } from './shape.js';
import { type Fields, storable, timeOf, wordsOf } from './values.js';

const MAX_MESSAGES = 10_000;
const MAX_CHARACTERS = 8_000_000;

const chatSchema = z.looseObject({
  id: z.union([z.string(), z.number()]).transform(String).pipe(z.string().min(1).max(200)),
  userName: z.string().max(200).nullish(),
  messages: z.array(z.record(z.string(), z.unknown())).max(MAX_MESSAGES),
});

export function shapeChat(given: unknown): Shaped<ImportedChat> {
  const parsed = chatSchema.safeParse(given);
  if (!parsed.success) return invalid(`chat_${problemOf(parsed.error)}`);
  const { id, userName, messages } = parsed.data;
  const text = JSON.stringify(messages);
  if (text.length > MAX_CHARACTERS) return invalid('chat_is_too_large');
  const times = messages.flatMap((message) => timeOf(message.date) ?? []);
  return valid({
    id: storable(id),
    userName: storable(userName ?? ''),
    messages: JSON.parse(text, (_name, value: unknown) =>
      typeof value === 'string' ? storable(value) : value,
    ) as Fields[],
    lastMessageAtMs: times.length > 0 ? times.reduce((last, atMs) => Math.max(last, atMs)) : undefined,
  });
}

const count = z.coerce.number().min(0).max(Number.MAX_SAFE_INTEGER).catch(0);
const keySchema = z.looseObject({
  key: z.string(),
  queries: count,
  tokens: count,
  balance: z.coerce.number().optional().catch(undefined),
});

export function shapeProviderKey(given: unknown): Shaped<ImportedProviderKey> {
  const parsed = keySchema.safeParse(given);
  if (!parsed.success) return invalid(`key_${problemOf(parsed.error)}`);
  const key = wordsOf(parsed.data.key, 2_000);
  if (key === undefined) return invalid('key_is_empty');
  const { queries, tokens, balance } = parsed.data;
  return valid({ key, queries: Math.floor(queries), tokens: Math.floor(tokens), balance });
}

/** Which field is wrong; what stands in it is not repeated. */
function problemOf(error: z.ZodError): string {
  const place = error.issues[0]?.path[0];
  return typeof place === 'string' && /^[a-zA-Z]{1,20}$/.test(place)
    ? `has_a_bad_${place}`
    : 'is_not_an_object';
}
