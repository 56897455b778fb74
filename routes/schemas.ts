/** What goes in and out of the API. Descriptions and names here are those of the OpenAPI document. */
import { z } from 'zod';
import { ERRORS } from '../services/errors.js';
import { isOrganizationId, isUuid, type LeadId, type OrganizationId, toE164 } from '../services/types.js';

/** Refined and not transformed where possible: the document shows what a caller writes. */
const uuid = z.string().refine(isUuid, 'must be a UUID in lower case').meta({ format: 'uuid' });

export const organizationIdSchema = z
  .string()
  .refine(
    isOrganizationId,
    'must have 1 to 64 letters, digits, ".", "_" or "-" and begin with a letter or digit',
  )
  .transform((value) => value as OrganizationId)
  .meta({ type: 'string', example: 'north-shore' });

export const leadIdSchema = uuid
  .transform((value) => value as LeadId)
  .meta({ type: 'string', format: 'uuid' });
export const keyIdSchema = uuid;

export const phoneSchema = z
  .string()
  .transform((value, context) => {
    const phone = toE164(value);
    if (phone) return phone;
    context.addIssue({ code: 'custom', message: 'must be a phone number in E.164, such as +16045550123' });
    return z.NEVER;
  })
  .meta({ type: 'string', example: '+16045550123' });

const trimmed = (most: number) => z.string().trim().min(1).max(most);

export const organizationNameSchema = trimmed(100);
export const personNameSchema = trimmed(200);
export const emailSchema = z.email().max(254);
export const statusSchema = trimmed(50);
export const sourceSchema = trimmed(100);

export const timezoneSchema = z
  .string()
  .max(64)
  .refine(isTimezone, 'must be an IANA time zone such as America/Vancouver')
  .meta({ example: 'America/Vancouver' });

/** Intl also knows offsets such as +05:00, which have no daylight saving and are not what a dealership means. */
function isTimezone(value: string): boolean {
  if (!/^[A-Za-z]/.test(value)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    return false;
  }
}

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be a time such as 09:00');
const span = z.tuple([clockTime, clockTime]).refine(([from, to]) => from < to, 'must open before it closes');
const daySchema = z.array(span).max(6);
const hoursSchema = z
  .strictObject(Object.fromEntries([0, 1, 2, 3, 4, 5, 6].map((day) => [day, daySchema.optional()])))
  .meta({ description: 'Opening spans a weekday, 0 is Sunday, in local time. An absent day is closed.' });

export const settingsSchema = z
  .strictObject({
    address: trimmed(300).optional(),
    publicPhone: trimmed(40).optional(),
    website: z
      .url({ protocol: /^https?$/ })
      .max(300)
      .optional(),
    hours: hoursSchema.optional(),
    assistantName: trimmed(40).optional(),
  })
  .meta({ id: 'OrganizationSettings' });

export const settingsChangeSchema = z
  .strictObject({
    address: trimmed(300).nullable().optional(),
    publicPhone: trimmed(40).nullable().optional(),
    website: z
      .url({ protocol: /^https?$/ })
      .max(300)
      .nullable()
      .optional(),
    hours: hoursSchema.nullable().optional(),
    assistantName: trimmed(40).nullable().optional(),
  })
  .meta({ description: 'Merged into what is stored; null takes a setting away.' });

const attributeNameSchema = z.string().min(1).max(100);
/** Lengths and depth are bounded as a whole. */
export const attributesSchema = z.record(attributeNameSchema, z.unknown()).meta({
  type: 'object',
  additionalProperties: true,
  description: 'Whatever a form or CRM adds: 16,384 characters of JSON at most.',
});

/** For answers that hold what was checked when it came in. */
const objectSchema = z
  .custom<object>((value) => typeof value === 'object' && value !== null)
  .meta({ type: 'object', additionalProperties: true });

export const organizationSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    timezone: z.string(),
    phoneNumbers: z.array(z.string()).readonly(),
    settings: objectSchema,
  })
  .meta({ id: 'Organization' });

const time = z.iso.datetime();

export const leadSchema = z
  .strictObject({
    id: z.uuid(),
    phone: z.string(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    status: z.string(),
    source: z.string(),
    attributes: z.record(z.string(), z.unknown()).readonly(),
    createdAt: time,
  })
  .meta({ id: 'Lead' });

const ownerSchema = z.enum(['assistant', 'human']);
const directionSchema = z.enum(['inbound', 'outbound']);

export const messageSchema = z
  .strictObject({
    seq: z.int().min(1),
    id: z.uuid(),
    direction: directionSchema,
    sender: z.enum(['lead', 'assistant', 'staff', 'system']),
    body: z.string(),
    media: z.array(z.strictObject({ url: z.string(), contentType: z.string() }).readonly()).readonly(),
    segments: z.int().min(0),
    status: z.enum([
      'received',
      'queued',
      'sending',
      'sent',
      'delivered',
      'undelivered',
      'failed',
      'canceled',
    ]),
    errorCode: z.int().nullable(),
    retracted: z.boolean().optional().meta({ description: "True: taken out of the assistant's context." }),
    createdAt: time,
  })
  .meta({ id: 'Message' });

const headShape = {
  lead: z.strictObject({ id: z.uuid(), phone: z.string(), name: z.string().nullable() }),
  owner: ownerSchema,
  ownerName: z.string().nullable(),
  optedOut: z.boolean(),
  lastSeq: z.int().min(0),
  lastMessageAt: time,
};

export const conversationHeadSchema = z.strictObject(headShape).meta({ id: 'ConversationHead' });

export const contextChangeSchema = z
  .strictObject({
    ...headShape,
    retracted: z
      .array(z.int())
      .readonly()
      .meta({ description: 'The seqs that were taken out, lowest first.' }),
  })
  .meta({ id: 'ContextChange' });

export const inboxItemSchema = z
  .strictObject({
    ...headShape,
    lastMessage: z.strictObject({ body: z.string(), direction: directionSchema, createdAt: time }).nullable(),
  })
  .meta({ id: 'InboxItem' });

export const conversationSchema = z
  .strictObject({
    lead: leadSchema,
    owner: ownerSchema,
    ownerName: z.string().nullable(),
    optedOut: z.boolean(),
    lastSeq: z.int().min(0),
    summary: z.string(),
    slots: objectSchema.meta({
      type: 'object',
      additionalProperties: true,
      description: 'What the assistant has learned.',
    }),
    messages: z.array(messageSchema).readonly(),
  })
  .meta({ id: 'Conversation' });

export const listOf = (item: z.ZodType, id: string) =>
  z
    .strictObject({
      items: z.array(item).readonly(),
      nextCursor: z.string().nullable().meta({ description: 'Null on the last page.' }),
    })
    .meta({ id });

/** A whole number in a query. */
export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, 'must be a whole number')
    .transform(Number)
    .refine((n) => n >= least && n <= most, `must be between ${least} and ${most}`)
    .meta({ type: 'integer', minimum: least, maximum: most });

export const limitSchema = (byDefault: number) =>
  wholeNumber(1, 100)
    .default(byDefault)
    .meta({ type: 'integer', minimum: 1, maximum: 100, default: byDefault });

export const yesNoSchema = z
  .enum(['true', 'false'])
  .transform((value) => value === 'true')
  .meta({ type: 'boolean' });

export const problemSchema = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code: z.enum(Object.keys(ERRORS)),
    requestId: z.string(),
    instance: z.string(),
    errors: z.array(z.strictObject({ pointer: z.string(), detail: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });

const checkSchema = z.strictObject({
  componentType: z.string(),
  status: z.enum(['pass', 'warn', 'fail']),
  time,
  observedValue: z.number().optional(),
  observedUnit: z.string().optional(),
  output: z.string().optional(),
  since: time.optional().meta({ description: 'Since when it is not as it should be.' }),
});

export const healthReportSchema = z
  .strictObject({
    status: z.enum(['healthy', 'degraded', 'unhealthy']),
    version: z.string(),
    uptimeSeconds: z.int(),
    mode: z.strictObject({
      cache: z.enum(['redis', 'memory', 'unavailable']),
      record: z.enum(['postgres', 'pglite']),
      sms: z.enum(['simulated', 'twilio']),
      assistant: z.string(),
    }),
    checks: z.record(z.string(), z.array(checkSchema)),
  })
  .meta({ id: 'Health' });
