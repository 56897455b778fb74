/** What goes in and out of the API. Descriptions and names here are those of the OpenAPI document. */
import { z } from 'zod';
import { ALERT_KINDS, TEXTED_KINDS } from '../services/db/schema/alerts.js';
import { ERRORS } from '../services/errors.js';
import { TEMPLATE_FIELDS } from '../services/leads/outreachText.js';
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
export const alertIdSchema = uuid;

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

const waitMs = z.number().int().min(0).max(60_000);
const replyWindowSchema = z
  .union([
    z.literal('off'),
    z
      .strictObject({ shortestMs: waitMs, normalMs: waitMs, longestMs: waitMs })
      .refine(
        ({ shortestMs, normalMs, longestMs }) => shortestMs <= normalMs && normalMs <= longestMs,
        'must not fall from shortestMs to longestMs',
      ),
  ])
  .meta({
    description:
      'Milliseconds without a text until it is answered: after a finished sentence, normally, after a fragment. ' +
      'Whatever waits longest is answered after REPLY_MAX_WAIT_MS. "off": every text is answered at once.',
  });

const sendingSchema = z.enum(['on', 'off']).meta({ description: 'off: nothing leaves, whoever asks.' });
const quietHoursSchema = z
  .strictObject({ holdReplies: z.boolean().optional() })
  .meta({ description: "holdReplies: replies to a shopper's text wait for the recipient's morning too." });
const limitsSchema = z
  .strictObject({
    startedPerPersonAndDay: z.int().min(0).max(3).optional(),
    segmentsPerText: z.int().min(1).max(24).optional(),
    textsPerDay: z.int().min(0).max(1_000_000).optional(),
    segmentsPerSecond: z.number().min(0.1).max(1_000).optional(),
  })
  .meta({
    description:
      'Texts that we start to one person within 24 hours; segments of one text; texts of the assistant and the system ' +
      'within a day of the organization, counted from when this is set; the speed of each of its numbers, by default 1 for a ' +
      'long code, 3 for toll-free, 100 for a short code.',
  });
/** Six months: no inquiry is permission for longer (DOMAIN.md 8.4). */
const MAX_FOLLOW_UP_HOURS = 24 * 182;
const followUpsSchema = z
  .array(
    z.strictObject({
      afterHours: z.number().min(0.01).max(MAX_FOLLOW_UP_HOURS),
      text: trimmed(480).refine(
        (text) => [...text.matchAll(/\{([^}]*)\}/g)].every(([, name = '']) => TEMPLATE_FIELDS.includes(name)),
        'may name {name}, {vehicle}, {dealership} and {assistant}',
      ),
    }),
  )
  .max(10)
  .refine(
    (steps) => steps.every(({ afterHours }, at) => afterHours > (steps[at - 1]?.afterHours ?? 0)),
    'must come in the order of their hours',
  )
  .meta({
    description:
      'Texts to somebody who inquired and has not answered, by hours since the inquiry arrived. They end by themselves with ' +
      'a reply, an opt-out, a takeover or an agreed visit. Who writes and how to stop is added where a text does not say it.',
  });

const takeoverSchema = z.strictObject({ returnAfterMinutes: z.int().min(1).max(10_080).optional() }).meta({
  description:
    'After so many minutes without a text of staff, since the takeover or their last text, the assistant speaks again. ' +
    'Absent: only when the conversation is released.',
});
const alertsSchema = z.strictObject({
  webhookUrl: z
    .url({ protocol: /^https?$/ })
    .max(500)
    .refine((url) => !hasCredentials(url), 'must not hold a user name or password')
    .optional()
    .meta({
      description:
        'Gets every alert as a POST signed by Standard Webhooks; POST /api/organization/webhook-secret makes the secret. ' +
        'https in production, and never an address that is not public.',
    }),
  phones: z
    .array(phoneSchema)
    .max(5)
    .refine((phones) => new Set(phones).size === phones.length, 'must hold each phone once')
    .optional()
    .meta({
      description:
        "Of the dealership's own people. They are texted when a person is needed; what they text back is kept, and " +
        'the assistant does not answer it.',
    }),
  textedKinds: z
    .array(z.enum(ALERT_KINDS))
    .optional()
    .meta({ description: `Which kinds are texted. Absent: ${TEXTED_KINDS.join(', ')}.` }),
  textsPerHour: z
    .int()
    .min(1)
    .max(60)
    .optional()
    .meta({ description: 'To one phone; what is more is counted in the next text. Absent: 6.' }),
});

const hasCredentials = (url: string): boolean => {
  const { username, password } = new URL(url);
  return username !== '' || password !== '';
};

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
    replyWindow: replyWindowSchema.optional(),
    sending: sendingSchema.optional(),
    quietHours: quietHoursSchema.optional(),
    limits: limitsSchema.optional(),
    followUps: followUpsSchema.optional(),
    takeover: takeoverSchema.optional(),
    alerts: alertsSchema.optional(),
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
    replyWindow: replyWindowSchema.nullable().optional(),
    sending: sendingSchema.nullable().optional(),
    quietHours: quietHoursSchema.nullable().optional(),
    limits: limitsSchema.nullable().optional(),
    followUps: followUpsSchema.nullable().optional(),
    takeover: takeoverSchema.nullable().optional(),
    alerts: alertsSchema.nullable().optional(),
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

const mediaSchema = z.strictObject({
  id: z.uuid().optional().meta({
    description: 'Of what a shopper sent: GET /api/conversations/{leadId}/media/{mediaId} has it.',
  }),
  url: z.string().meta({
    description: 'With an id: that path. Otherwise, as of imported messages: where it was said to be.',
  }),
  contentType: z.string().meta({ description: 'As it was announced.' }),
});

export const messageSchema = z
  .strictObject({
    seq: z.int().min(1),
    id: z.uuid(),
    direction: directionSchema,
    sender: z.enum(['lead', 'assistant', 'staff', 'system']),
    body: z.string(),
    media: z.array(mediaSchema.readonly()).readonly(),
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
      'read',
    ]),
    errorCode: z.int().nullable(),
    retracted: z.boolean().optional().meta({ description: "True: taken out of the assistant's context." }),
    masked: z.array(z.string()).readonly().optional().meta({
      description:
        'Kinds of numbers that were removed from the body before it was stored: card, social_number, …',
    }),
    createdAt: time,
  })
  .meta({ id: 'Message' });

const ownerTimes = {
  ownerSince: time.nullable(),
  ownerUntil: time.nullable().meta({
    description: 'When the assistant speaks again by itself, unless staff text before; null: not by itself.',
  }),
};

const headShape = {
  lead: z.strictObject({ id: z.uuid(), phone: z.string(), name: z.string().nullable() }),
  owner: ownerSchema,
  ownerName: z.string().nullable(),
  ...ownerTimes,
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
    ...ownerTimes,
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
