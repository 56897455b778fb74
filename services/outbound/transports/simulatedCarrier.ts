/**
 * A carrier and its handsets in one process, so that Jack works with no account at all. It keeps a carrier's
 * promises: a text handed in twice is one text, its status climbs in steps, and what was accepted is delivered even
 * when the process dies in between.
 */
import { randomBytes } from 'node:crypto';
import { type Batcher, createBatcher } from '../../batcher.js';
import { type Database, isRecordAway } from '../../db/client.js';
import { JackError } from '../../errors.js';
import type { Logger } from '../../logger.js';
import { findDealershipLine } from '../../record/simulatedPhone.js';
import { findSimulatedText, type SimulatedText, storeSimulatedTexts } from '../../record/simulatedTexts.js';
import type { E164, OrganizationId } from '../../types.js';
import { type DeliveryStatus, SimulatedDeliveries } from './simulatedDeliveries.js';
import { SIMULATED_ACCOUNT_SID, webhookForm } from './simulatedWebhook.js';
import type { CarrierRecord, OutboundText, SendResult, Transport } from './types.js';

export { SIMULATED_ACCOUNT_SID } from './simulatedWebhook.js';

export interface SimulatedCarrierDeps {
  readonly database: Database;
  readonly logger: Logger;
  /** From 0 up to 1, as Math.random. */
  random(): number;
  /** The status callback of this carrier. The same status may be reported twice. */
  onStatus(status: DeliveryStatus): Promise<unknown>;
  /** Where Jack listens, without a trailing slash; asked for every text, since the port is known late. */
  baseUrl(): string;
  /** @returns the signature of a webhook, or undefined to post it unsigned. */
  sign?(accountSid: string, url: string, form: URLSearchParams): Promise<string | undefined>;
  /** Shortest and longest time from acceptance to the handset; 150 to 400. */
  readonly deliveryDelayMs?: readonly [number, number];
  /** How often texts whose delivery went wrong are tried again; 5000. */
  readonly sweepMs?: number;
}

export interface ShopperText {
  readonly organizationId: OrganizationId;
  readonly from: E164;
  readonly body: string;
  /** A new one when absent. */
  readonly messageSid?: string | undefined;
  /** How many times the same webhook is posted, all at once; 1. */
  readonly copies?: number;
}

const INCOMING_PATH = '/api/webhooks/twilio/sms/incoming';
/** What Twilio gives a messaging webhook. */
const WEBHOOK_TIMEOUT_MS = 15_000;
const MAX_BATCH = 100;

const newMessageSid = (): string => `SM${randomBytes(16).toString('hex')}`;

export class SimulatedCarrier implements Transport {
  readonly name = 'simulated';
  readonly #deps: SimulatedCarrierDeps;
  readonly #logger: Logger;
  readonly #accepted: Batcher<SimulatedText, string>;
  readonly #deliveries: SimulatedDeliveries;

  private constructor(deps: SimulatedCarrierDeps) {
    this.#deps = deps;
    this.#logger = deps.logger;
    this.#accepted = createBatcher({
      maxBatch: MAX_BATCH,
      run: (texts) => storeSimulatedTexts(deps.database, texts),
      isWorthSplitting: (error) => !isRecordAway(error),
    });
    this.#deliveries = SimulatedDeliveries.create({
      database: deps.database,
      logger: this.#logger,
      random: deps.random,
      onStatus: deps.onStatus,
      delayMs: deps.deliveryDelayMs ?? [150, 400],
      sweepMs: deps.sweepMs ?? 5_000,
    });
  }

  static create(deps: SimulatedCarrierDeps): SimulatedCarrier {
    return new SimulatedCarrier(deps);
  }

  async start(): Promise<void> {
    this.#deliveries.start();
  }

  async stop(): Promise<void> {
    await this.#accepted.idle();
    await this.#deliveries.stop();
  }

  async send({ id, organizationId, from, to, body }: OutboundText): Promise<SendResult> {
    try {
      const text = { messageId: id, organizationId, from, to, body, providerSid: newMessageSid() };
      const providerSid = await this.#accepted.add(text);
      this.#deliveries.schedule({ organizationId, messageId: id });
      return { outcome: 'accepted', providerSid, status: 'queued', segments: null };
    } catch (error) {
      // A commit whose answer was lost looks the same as one that never was.
      this.#logger.warn('the record did not say whether a text was taken over', { messageId: id, error });
      return { outcome: 'unknown', reason: 'the record did not answer' };
    }
  }

  async find({ id, organizationId }: OutboundText): Promise<CarrierRecord | undefined> {
    const found = await findSimulatedText(this.#deps.database, organizationId, id);
    if (!found) return undefined;
    return {
      providerSid: found.providerSid,
      status: found.isDelivered ? 'delivered' : 'queued',
      errorCode: null,
    };
  }

  /**
   * A shopper texts the dealership: the webhook of a real carrier, over HTTP.
   * @returns the HTTP status that each copy was answered with.
   * @throws JackError E_NOT_FOUND when the dealership is unknown or has no number.
   */
  async textJack(text: ShopperText): Promise<{ messageSid: string; statuses: readonly number[] }> {
    const line = await findDealershipLine(this.#deps.database, text.organizationId);
    if (!line) throw new JackError('E_NOT_FOUND', 'No dealership of this id has a phone number.');
    const messageSid = text.messageSid ?? newMessageSid();
    const accountSid = line.account === 'default' ? SIMULATED_ACCOUNT_SID : line.account;
    const { from, body } = text;
    const form = webhookForm({ accountSid, messageSid, from, to: line.phoneNumber, body });
    const copies = Array.from({ length: text.copies ?? 1 }, () => this.#postWebhook(accountSid, form));
    return { messageSid, statuses: await Promise.all(copies) };
  }

  async #postWebhook(accountSid: string, form: URLSearchParams): Promise<number> {
    const url = `${this.#deps.baseUrl()}${INCOMING_PATH}`;
    const signature = await this.#deps.sign?.(accountSid, url, form);
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded; charset=UTF-8',
        'User-Agent': 'TwilioProxy/1.1',
        ...(signature === undefined ? {} : { 'X-Twilio-Signature': signature }),
      },
      body: form.toString(),
      signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
    });
    await response.arrayBuffer();
    return response.status;
  }
}
