/** Leads from sites, listing services and CRMs: JSON, or ADF in whatever it was wrapped. The key says whose they are. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { JackError } from '../services/errors.js';
import type { LeadRequest } from '../services/leads/desk.js';
import type { StoredInquiry } from '../services/record/inquiries.js';
import { leadBodySchema, toJsonLead } from './leadWebhook/body.js';
import { parseInput } from './openapi/input.js';
import { defineRoute, type Route, reply } from './openapi/route.js';
import { sourceSchema } from './schemas.js';

type Context = Pick<AppContext, 'leadDesk'>;

const adf = z.string().meta({ description: 'ADF 1.0: 256 kB at most, without a DTD.' });
const wrapped = z.string().meta({ description: 'With ADF in it: a mail, a page, a form.' });

const storedSchema = z
  .strictObject({
    leadId: z.uuid().nullable(),
    inquiryId: z.uuid().nullable(),
    outcome: z.enum(['created', 'appended', 'repeated', 'refused']).meta({
      description:
        '`appended`: the person was known. `repeated`: so was this inquiry, and nothing changed. `refused`: there is no ' +
        'phone, and the e-mail address is not one of a lead.',
    }),
    matchedBy: z.enum(['phone', 'email']).nullable(),
    firstTouch: z.strictObject({
      state: z.enum(['due', 'none']),
      reason: z
        .enum([
          'no_consent_basis',
          'asked_not_to_be_texted',
          'already_greeted',
          'opted_out',
          'human_owns_conversation',
          'repeated',
          'no_phone',
        ])
        .nullable(),
    }),
    guessed: z
      .array(z.string())
      .readonly()
      .meta({ description: 'What the document did not say as it should.' }),
  })
  .meta({ id: 'StoredInquiry' });

export const leadWebhookRoute = ({ leadDesk }: Context): Route =>
  defineRoute({
    access: 'organization',
    tag: 'Leads',
    method: 'post',
    path: '/api/webhooks/leads',
    summary:
      'Takes inquiries. The same request may be sent any number of times; the same person keeps their lead and is greeted once.',
    headers: z.object({
      'idempotency-key': z
        .string()
        .trim()
        .min(1)
        .max(255)
        .optional()
        .meta({ description: 'Without it the same bytes within a day are the same request.' }),
    }),
    query: z.strictObject({
      source: sourceSchema.optional().meta({ description: 'Instead of what the document says.' }),
    }),
    documents: {
      'application/json': leadBodySchema,
      'application/x-adf+xml': adf,
      'application/adf+xml': adf,
      'application/xml': adf,
      'text/xml': adf,
      'text/plain': wrapped,
      'text/html': wrapped,
      'message/rfc822': wrapped,
      'multipart/form-data': wrapped,
      'multipart/mixed': wrapped,
      'multipart/alternative': wrapped,
      'application/x-www-form-urlencoded': wrapped,
      'application/octet-stream': wrapped,
    },
    answers: {
      202: {
        description: 'In the record. A text that is due leaves when the outbound door allows it.',
        schema: z.strictObject({
          leadId: z.uuid().meta({ description: 'Of the first inquiry that has one.' }),
          leads: z.array(storedSchema).readonly(),
        }),
      },
    },
    problems: ['E_CONFLICT', 'E_LEAD_UNREACHABLE'],
    handle: async ({ caller: { organizationId }, headers, query, document }) => {
      const request: LeadRequest = {
        ...document,
        idempotencyKey: headers['idempotency-key'],
        source: query.source,
      };
      const stored = isJson(document.contentType, document.bytes)
        ? await leadDesk.receiveJson(organizationId, request, toJsonLead(parseLead(document.bytes)))
        : await leadDesk.receiveAdf(organizationId, request);
      const leads = stored.map(toAnswer);
      const leadId = leads.find((lead) => lead.leadId !== null)?.leadId;
      if (!leadId) throw new JackError('E_LEAD_UNREACHABLE', 'Nobody in this document can be reached.');
      return reply(202, { leadId, leads });
    },
  });

/** By what it says it is or, when it says nothing, by what it looks like. */
const isJson = (contentType: string | undefined, bytes: Buffer): boolean =>
  contentType === undefined || /^(?:text\/plain|application\/octet-stream)/i.test(contentType)
    ? /^\s*\{/.test(bytes.subarray(0, 100).toString('utf8'))
    : /^application\/json\b/i.test(contentType);

function parseLead(bytes: Buffer): z.output<typeof leadBodySchema> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new JackError('E_INPUT_INVALID', 'The body is not JSON in UTF-8.', {
      problems: [{ pointer: '/body', detail: 'must be JSON in UTF-8' }],
    });
  }
  return parseInput(leadBodySchema, value, 'body') as z.output<typeof leadBodySchema>;
}

function toAnswer(stored: StoredInquiry): z.input<typeof storedSchema> {
  if (stored.outcome === 'refused') {
    return {
      leadId: null,
      inquiryId: null,
      outcome: 'refused',
      matchedBy: null,
      firstTouch: { state: 'none', reason: stored.reason },
      guessed: stored.guessed,
    };
  }
  const { firstTouch } = stored;
  return {
    leadId: stored.leadId,
    inquiryId: stored.inquiryId,
    outcome: stored.outcome,
    matchedBy: stored.matchedBy,
    firstTouch: { state: firstTouch.state, reason: firstTouch.state === 'none' ? firstTouch.reason : null },
    guessed: stored.guessed,
  };
}
