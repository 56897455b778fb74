/** What the phone page may send, and who may send it. */
import type { Request } from 'express';
import { z } from 'zod';
import { JackError } from '../../services/errors.js';
import { type E164, isOrganizationId, type OrganizationId, toE164 } from '../../services/types.js';

const organizationId = z.string().refine(isOrganizationId, 'must be an organization id');
const phone = z.string().transform((value, context): E164 => {
  const number = toE164(value);
  if (number) return number;
  context.addIssue({ code: 'custom', message: 'must be a phone number such as +16045550123' });
  return z.NEVER;
});

export const conversationQuery = z.object({ organizationId, phone });

/** The phone that a page texts as from now on. */
export const handsetBody = z.strictObject({ organizationId, phone });

export const textBody = z.strictObject({
  organizationId,
  from: phone,
  body: z.string().min(1, 'must not be empty').max(1600, 'must have at most 1600 characters'),
  /** 2: the carrier delivers the same text twice at once. */
  copies: z.union([z.literal(1), z.literal(2)]).default(1),
  /** A text that is tried again keeps its id, as it would with a carrier. */
  messageSid: z
    .string()
    .regex(/^SM[0-9a-f]{32}$/, 'must be SM and 32 hexadecimal digits')
    .optional(),
});

export const redisBody = z.strictObject({ off: z.boolean() });

export interface ConversationKey {
  readonly organizationId: OrganizationId;
  readonly phone: E164;
}

/** @param place where the value was in the request: `body` or `query`. @throws JackError E_INPUT_INVALID */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  place: 'body' | 'query',
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => ({
    pointer: `/${[place, ...issue.path].map(String).join('/')}`,
    detail: issue.message,
  }));
  throw new JackError(
    'E_INPUT_INVALID',
    problems.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; '),
    {
      problems,
    },
  );
}

/**
 * A page of another site may make a browser call this machine. Such a call names its origin, and cannot say JSON
 * without asking first, which is never granted.
 * @throws JackError E_INPUT_INVALID, E_MEDIA_TYPE
 */
export function refuseForeignPage(req: Request): void {
  const site = req.get('sec-fetch-site');
  const isForeign = site ? site !== 'same-origin' && site !== 'none' : !isOwnOrigin(req);
  if (isForeign)
    throw new JackError('E_INPUT_INVALID', 'This call is for the phone page of this server only.');
  if (!req.is('application/json')) throw new JackError('E_MEDIA_TYPE', 'This call takes application/json.');
}

function isOwnOrigin(req: Request): boolean {
  const origin = req.get('origin');
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === req.get('host');
}
