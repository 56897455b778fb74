/** Values of the Map in a form that leaves the process: what an operator saves before a restart in the middle of an outage. */
import { z } from 'zod';
import type { StoredEntry, Tag } from './types.js';

const MAX_VALUE_CHARACTERS = 1024 * 1024;

export const fallbackValueSchema = z.strictObject({
  name: z.string().min(1).max(500),
  value: z.base64().max(MAX_VALUE_CHARACTERS).meta({ description: 'The bytes as stored, in base64.' }),
  ttlMs: z.number().positive().meta({ description: 'How long it lives from now.' }),
  tags: z.array(z.string().min(1).max(500)).min(1).max(10),
});

export type FallbackValue = z.output<typeof fallbackValueSchema>;

export const toFallbackValue = ({ name, value, ttlMs, tags }: StoredEntry): FallbackValue => ({
  name,
  value: value.toString('base64'),
  ttlMs: Math.ceil(ttlMs),
  tags: [...tags],
});

export const toEntry = ({ name, value, ttlMs, tags }: FallbackValue): StoredEntry => ({
  name,
  value: Buffer.from(value, 'base64'),
  ttlMs,
  tags: tags as Tag[],
});
