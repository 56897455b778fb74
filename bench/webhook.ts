/**
 * The whole path of a text: signed webhooks from 200 shoppers with conversations, at a fixed rate and then as fast as
 * Jack takes them, until every shopper has the reply to their last text on the handset.
 */
import type { TwilioDouble } from '../test/support/twilioDouble.js';
import { until } from '../test/support/until.js';
import { BODIES } from './crowd.js';
import { type Load, type OpenLoopResult, openLoop, type PreparedRequest } from './openLoop.js';
import type { CpuSample } from './processCpu.js';
import { type SaturationResult, saturate } from './saturation.js';
import { signedText } from './signedText.js';
import { openBenchStage, type StageOptions, tirelessJack } from './stage.js';

const SHOPPERS = 200;

export interface WebhookResult extends StageOptions {
  readonly atRate: OpenLoopResult;
  readonly saturated: SaturationResult;
  /** Seconds until everybody had a reply after the saturation ended. */
  readonly drainS: number;
  readonly replies: number;
  readonly cpuAtRate: CpuSample | undefined;
  readonly cpuSaturated: CpuSample | undefined;
}

export interface WebhookLoad extends Load {
  /** Texts that come as fast as they are taken. */
  readonly saturatingTexts: number;
}

export async function measureWebhook(options: StageOptions, load: WebhookLoad): Promise<WebhookResult> {
  const stage = await openBenchStage(options, {}, tirelessJack);
  const { twilio } = stage;
  const { url } = stage.jack;
  try {
    const [number = ''] = await stage.newDealerships(1);
    const { makeRequest, lastTextAt } = requestMaker(twilio, number);
    const answered = () =>
      until(() => unanswered(twilio, lastTextAt) === 0, {
        timeoutMs: 60_000,
        everyMs: 50,
        what: 'every reply',
      });
    await openLoop(url, makeRequest, { ratePerS: 100, durationS: 4 });
    await answered();
    const cpuOfRate = stage.watchCpu();
    const atRate = await openLoop(url, makeRequest, load);
    await answered();
    const cpuAtRate = cpuOfRate(atRate.sent);
    const cpuOfSaturation = stage.watchCpu();
    const saturated = await saturate([url], makeRequest, load.saturatingTexts);
    const endedAt = performance.now();
    await answered();
    const drainS = (performance.now() - endedAt) / 1_000;
    const cpuSaturated = cpuOfSaturation(saturated.sent);
    const replies = twilio.texts.length;
    return { ...options, atRate, saturated, drainS, replies, cpuAtRate, cpuSaturated };
  } finally {
    await stage.close();
  }
}

function requestMaker(twilio: TwilioDouble, number: string) {
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
function unanswered(twilio: TwilioDouble, lastTextAt: Map<string, number>): number {
  const lastReplyAt = (phone: string) => twilio.handset(phone).at(-1)?.createdAt.getTime() ?? 0;
  return [...lastTextAt].filter(([phone, at]) => lastReplyAt(phone) < at).length;
}
