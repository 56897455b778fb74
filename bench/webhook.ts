/**
 * The whole path of a text: signed webhooks from 200 shoppers with conversations, at a fixed rate and then as fast as
 * Jack takes them, until every shopper has the reply to their last text on the handset.
 */
import { slowJack } from '../test/support/jackProcess.js';
import { until } from '../test/support/until.js';
import { type OpenLoopResult, openLoop, type PreparedRequest } from './openLoop.js';
import { type SaturationResult, saturate } from './saturation.js';
import { signedText } from './signedText.js';
import { type BenchStage, openBenchStage, type StageOptions } from './stage.js';

const SHOPPERS = 200;
/** Shoppers text once a second here, without end: two machines, as the loop guard would say. */
const NO_LOOPS = { repeats: 1e6, dullExchanges: 1e6, quickExchanges: 1e6 };
// Different from one text to the next, or the assistant would take a repetition for annoyance and call a person.
const BODIES = [
  'Do you have any SUVs?',
  'What are your hours today?',
  'My name is Dana',
  'Where are you?',
  'This week',
];

export interface WebhookResult extends StageOptions {
  readonly atRate: OpenLoopResult;
  readonly saturated: SaturationResult;
  /** Seconds until everybody had a reply after the saturation ended. */
  readonly drainS: number;
  readonly replies: number;
}

export interface Load {
  readonly ratePerS: number;
  readonly durationS: number;
}

export async function measureWebhook(options: StageOptions, load: Load): Promise<WebhookResult> {
  const stage = await openBenchStage(options, {}, slowJack({ thinksMs: 0, turnLimits: { loop: NO_LOOPS } }));
  const { makeRequest, lastTextAt } = requestMaker(stage);
  const { url } = stage.jack;
  const answered = () =>
    until(() => unanswered(stage, lastTextAt) === 0, { timeoutMs: 60_000, everyMs: 50, what: 'every reply' });
  try {
    await openLoop(url, makeRequest, { ratePerS: 100, durationS: 4 });
    await answered();
    const atRate = await openLoop(url, makeRequest, load);
    await answered();
    const saturated = await saturate(url, makeRequest);
    const endedAt = performance.now();
    await answered();
    const drainS = (performance.now() - endedAt) / 1_000;
    return { ...options, atRate, saturated, drainS, replies: stage.twilio.texts.length };
  } finally {
    await stage.close();
  }
}

function requestMaker({ twilio, number }: BenchStage) {
  let n = 0;
  const lastTextAt = new Map<string, number>();
  const makeRequest = (): PreparedRequest => {
    const from = `+1236${String(5_550_000 + (n % SHOPPERS)).padStart(7, '0')}`;
    const body = BODIES[Math.floor(n / SHOPPERS) % BODIES.length] ?? 'Hi';
    n += 1;
    lastTextAt.set(from, Date.now());
    return signedText(twilio, { from, to: number, body });
  };
  return { makeRequest, lastTextAt };
}

/** Shoppers without a reply after their last text. */
function unanswered({ twilio }: BenchStage, lastTextAt: Map<string, number>): number {
  const lastReplyAt = new Map<string, number>();
  for (const text of twilio.texts) lastReplyAt.set(text.to, text.createdAt.getTime());
  return [...lastTextAt].filter(([phone, at]) => (lastReplyAt.get(phone) ?? 0) < at).length;
}
