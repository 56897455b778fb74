/**
 * The whole path of a text: signed webhooks at a fixed rate from 200 shoppers with conversations, until every one of
 * them has the reply to their last text on the handset.
 */
import autocannon from 'autocannon';
import { PUBLIC_URL } from '../test/support/shopper.js';
import { formBody, inboundForm, signTwilio } from '../test/support/signTwilio.js';
import { until } from '../test/support/until.js';
import { type BenchStage, openBenchStage, type StageOptions } from './stage.js';

const PATH = '/api/webhooks/twilio/sms/incoming';
const SHOPPERS = 200;
const BODIES = [
  'Do you have any SUVs?',
  'What are your hours today?',
  'My name is Dana',
  'Where are you?',
  'This week',
];

export interface WebhookResult extends StageOptions {
  readonly ratePerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly textsPerS: number;
  readonly non2xx: number;
  readonly replies: number;
  /** Shoppers whose last text has no reply, after everything is quiet. */
  readonly unanswered: number;
}

export interface Load {
  readonly ratePerS: number;
  readonly durationS: number;
}

export async function measureWebhook(options: StageOptions, load: Load): Promise<WebhookResult> {
  const stage = await openBenchStage(options);
  try {
    const makeRequest = requestMaker(stage);
    const { lastTextAt } = makeRequest;
    await run(stage, makeRequest, { ratePerS: 100, durationS: 4 });
    await allAnswered(stage, lastTextAt);
    const result = await run(stage, makeRequest, load);
    await allAnswered(stage, lastTextAt);
    return {
      ...options,
      ratePerS: load.ratePerS,
      p50Ms: result.latency.p50,
      p99Ms: result.latency.p99,
      textsPerS: result.requests.total / result.duration,
      non2xx: result.non2xx + result.errors + result.timeouts,
      replies: stage.twilio.texts.length,
      unanswered: unanswered(stage, lastTextAt).length,
    };
  } finally {
    await stage.close();
  }
}

/** The reply to a text is sent after it: nobody waits when each has one after their last text. */
const allAnswered = (stage: BenchStage, lastTextAt: Map<string, number>) =>
  until(() => unanswered(stage, lastTextAt).length === 0, {
    timeoutMs: 30_000,
    what: 'every reply',
    everyMs: 50,
  });

interface RequestMaker {
  (): { method: string; path: string; headers: Record<string, string>; body: string };
  readonly lastTextAt: Map<string, number>;
}

function requestMaker({ twilio, number }: BenchStage): RequestMaker {
  let n = 0;
  const lastTextAt = new Map<string, number>();
  const make = () => {
    const from = `+1604${String(5_550_000 + (n % SHOPPERS)).padStart(7, '0')}`;
    const params = inboundForm({
      from,
      to: number,
      body: BODIES[Math.floor(n / SHOPPERS) % BODIES.length] ?? 'Hi',
      accountSid: twilio.accountSid,
    });
    n += 1;
    lastTextAt.set(from, Date.now());
    return {
      method: 'POST',
      path: PATH,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': signTwilio({
          authToken: twilio.authToken,
          url: `${PUBLIC_URL}${PATH}`,
          params,
        }),
      },
      body: formBody(params),
    };
  };
  return Object.assign(make, { lastTextAt });
}

function unanswered({ twilio }: BenchStage, lastTextAt: Map<string, number>): string[] {
  const lastReplyAt = new Map<string, number>();
  for (const text of twilio.texts) lastReplyAt.set(text.to, text.createdAt.getTime());
  return [...lastTextAt].filter(([phone, at]) => (lastReplyAt.get(phone) ?? 0) < at).map(([phone]) => phone);
}

const run = ({ jack }: BenchStage, makeRequest: RequestMaker, { ratePerS, durationS }: Load) =>
  autocannon({
    url: jack.url,
    connections: 20,
    overallRate: ratePerS,
    duration: durationS,
    requests: [{ setupRequest: (request) => ({ ...request, ...makeRequest() }) }],
  });
