/**
 * Webhooks of an ElevenLabs voice agent: what it is told when a call comes in, and what was said when it is over. Whose
 * call it is follows from the dealership's number, never from the body's word for an organization.
 */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { JackError } from '../services/errors.js';
import { isSameSecret } from '../services/secrets.js';
import { toE164 } from '../services/types.js';
import type { FinishedCall } from '../services/voice/calls.js';
import { isSignedByElevenLabs } from '../services/voice/signature.js';
import { parseInput } from './openapi/input.js';
import { defineRoute, type Route, reply } from './openapi/route.js';

type Context = Pick<AppContext, 'config' | 'clock' | 'logger' | 'voiceDesk'>;

const open = { access: 'open', tag: 'Voice', method: 'post' } as const;
/** An hour of speech with the agent's tool calls has some hundred kB. */
const LIMIT = '2mb';

const number = z.string().max(40);
const variables = z.looseObject({
  system__caller_id: number.optional(),
  system__called_number: number.optional(),
});

const initiationSchema = z.looseObject({
  caller_id: number.nullish(),
  called_number: number,
  agent_id: z.string().max(200).nullish(),
  call_sid: z.string().max(200).nullish(),
});

const transcriptLine = z.looseObject({
  role: z.string().max(40),
  message: z.string().nullish(),
  time_in_call_secs: z.number().nullish(),
});

const postCallSchema = z.looseObject({
  type: z.string().max(100),
  data: z
    .looseObject({
      conversation_id: z.string().min(1).max(200),
      transcript: z.array(transcriptLine).nullish(),
      metadata: z
        .looseObject({
          start_time_unix_secs: z.number().nullish(),
          call_duration_secs: z.number().nullish(),
          phone_call: z
            .looseObject({
              direction: z.string().max(40).nullish(),
              agent_number: number.nullish(),
              external_number: number.nullish(),
            })
            .nullish(),
        })
        .nullish(),
      analysis: z.looseObject({ transcript_summary: z.string().max(20_000).nullish() }).nullish(),
      conversation_initiation_client_data: z
        .looseObject({ dynamic_variables: variables.nullish() })
        .nullish(),
    })
    .optional(),
});

export const voiceRoutes = (ctx: Context): readonly Route[] => [initiationRoute(ctx), postCallRoute(ctx)];

const initiationRoute = ({ config, voiceDesk }: Context): Route =>
  defineRoute({
    ...open,
    path: '/api/webhooks/elevenlabs/conversation-initiation',
    summary:
      'What the voice agent is told about a caller. Needs "Authorization: Bearer $ELEVENLABS_WEBHOOK_SECRET".',
    headers: z.object({ authorization: z.string().max(1_000).optional() }),
    documents: { 'application/json': initiationSchema },
    answers: {
      200: {
        description: 'Variables of the conversation; empty ones are not known.',
        schema: z.strictObject({
          type: z.literal('conversation_initiation_client_data'),
          dynamic_variables: z.record(z.string(), z.string()),
        }),
      },
    },
    problems: ['E_NOT_FOUND', 'E_UNAUTHENTICATED', 'E_RATE_LIMITED', 'E_DB_UNAVAILABLE'],
    handle: async ({ headers, document }) => {
      const secret = openSecret(config.voiceSecret);
      const given = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
      if (!isSameSecret(given, secret)) {
        throw new JackError('E_UNAUTHENTICATED', 'This call needs the secret of the voice webhooks.');
      }
      const call = parseJson(initiationSchema, document.bytes);
      const dealershipNumber = toE164(call.called_number);
      const context =
        dealershipNumber &&
        (await voiceDesk.contextOf({ dealershipNumber, callerNumber: toE164(call.caller_id ?? '') }));
      if (!context)
        throw new JackError('E_NOT_FOUND', 'The number that was called is not one of a dealership here.');
      return reply(200, {
        type: 'conversation_initiation_client_data' as const,
        dynamic_variables: { ...context },
      });
    },
  });

const postCallRoute = ({ config, clock, logger, voiceDesk }: Context): Route =>
  defineRoute({
    ...open,
    path: '/api/webhooks/elevenlabs/post-call',
    summary:
      'A call that is over, signed by ElevenLabs: what was said joins the conversation. It may come any number of times.',
    headers: z.object({
      'elevenlabs-signature': z.string().max(2_000).optional().meta({ example: 't=1795030927,v0=…' }),
    }),
    documents: { 'application/json': postCallSchema },
    documentLimit: LIMIT,
    answers: {
      200: {
        description: "`ignored`: no transcript, no phone, or a number that is nobody's here.",
        schema: z.strictObject({ outcome: z.enum(['stored', 'duplicate', 'ignored']) }),
      },
    },
    problems: ['E_NOT_FOUND', 'E_SIGNATURE_INVALID', 'E_RATE_LIMITED', 'E_DB_UNAVAILABLE'],
    handle: async ({ headers, document }) => {
      const secret = openSecret(config.voiceSecret);
      const header = headers['elevenlabs-signature'];
      if (!isSignedByElevenLabs({ secret, header, body: document.bytes, nowMs: clock.now() })) {
        throw new JackError('E_SIGNATURE_INVALID', 'The ElevenLabs-Signature is missing, wrong or too old.');
      }
      const event = parseJson(postCallSchema, document.bytes);
      const call = event.type === 'post_call_transcription' ? toCall(event.data) : undefined;
      if (!call) return reply(200, { outcome: 'ignored' as const });
      const kept = await voiceDesk.keep(call);
      if (kept.outcome === 'ignored') {
        logger.warn('a call was not kept', { subsystem: 'voice', reason: kept.reason });
      }
      return reply(200, { outcome: kept.outcome });
    },
  });

function openSecret(secret: string | undefined): string {
  if (secret !== undefined) return secret;
  throw new JackError('E_NOT_FOUND', 'Voice webhooks are closed: ELEVENLABS_WEBHOOK_SECRET is not set.');
}

function parseJson<Schema extends z.ZodType>(schema: Schema, bytes: Buffer): z.output<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new JackError('E_INPUT_INVALID', 'The body is not JSON.', {
      problems: [{ pointer: '/body', detail: 'must be JSON' }],
    });
  }
  return parseInput(schema, value, 'body') as z.output<Schema>;
}

type CallData = NonNullable<z.output<typeof postCallSchema>['data']>;

/** Undefined without a phone on our side, as of a call from a web page. */
function toCall(data: CallData | undefined): FinishedCall | undefined {
  const {
    phone_call: phone,
    start_time_unix_secs: start,
    call_duration_secs: duration,
  } = data?.metadata ?? {};
  const said = data?.conversation_initiation_client_data?.dynamic_variables;
  const direction = phone?.direction === 'outbound' ? 'outbound' : 'inbound';
  const dealershipNumber = toE164(phone?.agent_number ?? said?.system__called_number ?? '');
  if (!data || dealershipNumber === undefined) return undefined;
  return {
    dealershipNumber,
    callerNumber: toE164(phone?.external_number ?? said?.system__caller_id ?? ''),
    externalId: data.conversation_id,
    direction,
    startedAtMs: start == null ? null : Math.round(start * 1000),
    durationSeconds: duration == null ? null : Math.round(duration),
    summary: data.analysis?.transcript_summary ?? '',
    transcript: (data.transcript ?? []).flatMap(({ role, message, time_in_call_secs: at }) =>
      message == null || message.trim() === ''
        ? []
        : [
            {
              role: role === 'agent' ? ('agent' as const) : ('caller' as const),
              text: message,
              atSeconds: at ?? null,
            },
          ],
    ),
  };
}
