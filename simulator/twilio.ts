/**
 * Twilio on this machine, for what an SMS program uses of it: the REST API, signed webhooks with retries and fallback,
 * status callbacks in any disorder, media behind credentials, keywords, queues, and faults on demand. Everything is
 * recorded, so a test can say "exactly one text reached the handset". docs/SIMULATOR.md says where it differs.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createSystemClock, type SimulatorClock } from './clock.js';
import { Deliveries } from './deliveries.js';
import { Faults, type FaultTarget, type TwilioFault } from './faults.js';
import { type InboundResult, Incoming, type ShopperText } from './incoming.js';
import { type CdnRequest, MediaHost } from './media.js';
import { type NumberSettings, Numbers, type OwnedNumber } from './numbers.js';
import { Outgoing } from './outgoing.js';
import { createRestHandler } from './rest.js';
import { type Schedule, schedules } from './schedules.js';
import { newSid } from './sids.js';
import {
  type CarrierAnswer,
  CarrierState,
  type DebuggerAlert,
  type HandsetEvent,
  type RecordedRequest,
} from './state.js';
import type { SimulatedText } from './text.js';
import type { WebhookAttempt, WebhookPoster } from './webhookPost.js';

export interface TwilioSimulatorOptions {
  readonly accountSid?: string;
  readonly authToken?: string;
  /** For the carrier's own delays; network timeouts are real. Default: the system's. */
  readonly clock?: SimulatorClock;
  /** From 0 up to 1, for ids; absent: unguessable ones. */
  readonly random?: () => number;
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** `manual`: no queue, no loop guard; a text is on its handset at once and stays `queued` until `deliver`. */
  readonly delivery?: 'automatic' | 'manual';
  /** What becomes of a text when nothing else was scripted. */
  readonly schedule?: Schedule;
  /** `accept`: a sender that nobody added is taken for a number of the account. Default: refused with 21606. */
  readonly unknownSenders?: 'refuse' | 'accept';
  /** For all senders, instead of what their kind has. */
  readonly segmentsPerSecond?: number;
  /** REST requests at once, above which 429 is answered; 100. */
  readonly maxConcurrentRequests?: number;
  /** As an account in trial: a fixed prefix before every body. */
  readonly isTrial?: boolean;
  /** Where a public URL is really served. Signatures are made over the public one. */
  readonly resolve?: (url: URL) => URL;
}

export interface ServiceSettings {
  readonly sid?: string;
  readonly accountSid?: string;
  readonly numbers: readonly string[];
  readonly hasAdvancedOptOut?: boolean;
}

export interface SeedText {
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly createdAt?: Date;
  readonly status?: string;
  readonly direction?: string;
}

export interface DeliverOptions {
  readonly errorCode?: number;
  readonly extra?: Readonly<Record<string, string>>;
}

export class TwilioSimulator {
  readonly accountSid: string;
  readonly authToken: string;
  readonly #options: TwilioSimulatorOptions;
  readonly #state: CarrierState;
  readonly #numbers = new Numbers();
  readonly #faults = new Faults();
  readonly #media: MediaHost;
  readonly #deliveries: Deliveries;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  readonly #server: http.Server;
  #baseUrl = '';

  private constructor(options: TwilioSimulatorOptions) {
    this.#options = options;
    const { clock = createSystemClock(), random, resolve } = options;
    this.accountSid = options.accountSid ?? newSid('AC', random);
    this.authToken = options.authToken ?? 'double-auth-token-0123456789abcd';
    const state = new CarrierState(clock, random);
    state.addAccount(this.accountSid, this.authToken);
    const poster: WebhookPoster = { resolve, random, onAttempt: (each) => void state.webhooks.push(each) };
    const isAutomatic = options.delivery !== 'manual';
    const numbers = this.#numbers;
    const media = new MediaHost(random);
    const deliveries = new Deliveries({ state, poster, isAutomatic });
    const outgoing = new Outgoing({
      state,
      numbers,
      deliveries,
      acceptsUnknownSenders: options.unknownSenders === 'accept',
      segmentsPerSecond: options.segmentsPerSecond,
      isPaced: isAutomatic,
      isTrial: options.isTrial ?? false,
      schedule: options.schedule ?? schedules.normal,
    });
    const baseUrl = () => this.baseUrl;
    this.#state = state;
    this.#media = media;
    this.#deliveries = deliveries;
    this.#outgoing = outgoing;
    this.#incoming = new Incoming({ state, numbers, outgoing, media, poster, baseUrl });
    const maxConcurrentRequests = options.maxConcurrentRequests ?? 100;
    const faults = this.#faults;
    this.#server = http.createServer(
      createRestHandler({ state, outgoing, media, faults, maxConcurrentRequests }),
    );
  }

  static create(options: TwilioSimulatorOptions = {}): TwilioSimulator {
    return new TwilioSimulator(options);
  }

  /** @throws Error when the port is taken. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(this.#options.port ?? 0, '127.0.0.1', resolve);
    });
    this.#baseUrl = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    await this.#media.start();
  }

  /** What waits in the queues is dropped; callbacks on their way are finished. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await Promise.all([closed, this.#deliveries.stop(), this.#media.stop()]);
  }

  /** What `TWILIO_API_BASE_URL` is set to; empty before `start`. */
  get baseUrl(): string {
    return this.#baseUrl;
  }

  /** Every REST request, with its raw bytes. */
  get requests(): readonly RecordedRequest[] {
    return this.#state.requests;
  }

  /** Every text of the account, in the order in which they were taken, inbound ones included. */
  get texts(): readonly SimulatedText[] {
    return this.#state.texts;
  }

  /** Every attempt to post a webhook. */
  get webhooks(): readonly WebhookAttempt[] {
    return this.#state.webhooks;
  }

  get alerts(): readonly DebuggerAlert[] {
    return this.#state.alerts;
  }

  /** The carrier's own answers to keywords. */
  get carrierAnswers(): readonly CarrierAnswer[] {
    return this.#state.answers;
  }

  /** Texts that the account wanted to send to somebody who is blocked. */
  get sendsIntoBlocks(): readonly { readonly from: string; readonly to: string }[] {
    return this.#state.intoBlocks;
  }

  /** What the host of the media was asked: no credentials may be among it. */
  get cdnRequests(): readonly CdnRequest[] {
    return this.#media.requests;
  }

  addAccount(accountSid: string, authToken: string): void {
    this.#state.addAccount(accountSid, authToken);
  }

  addApiKey(keySid: string, secret: string, accountSid: string = this.accountSid): void {
    this.#state.addApiKey(keySid, secret, accountSid);
  }

  addNumber(settings: NumberSettings): OwnedNumber {
    return this.#numbers.add({ ...settings, accountSid: settings.accountSid ?? this.accountSid });
  }

  /** @returns its SID. @throws Error when one of the numbers is not there yet. */
  addMessagingService(settings: ServiceSettings): string {
    const sid = settings.sid ?? newSid('MG', this.#state.random);
    const accountSid = settings.accountSid ?? this.accountSid;
    const hasAdvancedOptOut = settings.hasAdvancedOptOut ?? false;
    this.#numbers.addService({ sid, accountSid, numbers: settings.numbers, hasAdvancedOptOut });
    return sid;
  }

  /** The person behind `to` has texted STOP to `from`: a number or a Messaging Service. */
  block(from: string, to: string): void {
    this.#state.block(from, to);
  }

  unblock(from: string, to: string): void {
    this.#state.unblock(from, to);
  }

  isBlocked(from: string, to: string): boolean {
    return this.#state.isBlocked([from, this.#numbers.get(from)?.messagingServiceSid ?? null], to);
  }

  /** The next `times` requests fail in this way: sends, or those that only read. */
  failNext(fault: TwilioFault, times = 1, target: FaultTarget = 'send'): void {
    this.#faults.failNext(fault, times, target);
  }

  /** The next `times` texts, of one receiver when it is named, fare like this after they left the queue. */
  scheduleNext(schedule: Schedule, { times = 1, to }: { times?: number; to?: string } = {}): void {
    this.#outgoing.script(schedule, times, to);
  }

  /** What reached one handset of the account's texts, in order. */
  handset(to: string): readonly SimulatedText[] {
    return this.#state.handset(to);
  }

  /** @returns what ends the listening. */
  onHandset(listener: (event: HandsetEvent) => void): () => void {
    return this.#state.onHandset(listener);
  }

  /** A shopper texts one of the numbers. Resolves when the webhook is done with. */
  async text(text: ShopperText): Promise<InboundResult> {
    return await this.#incoming.text(text);
  }

  /** Puts a text into the account as if somebody had sent it, without any request. */
  seed({ status = 'delivered', direction = 'outbound-api', ...text }: SeedText): SimulatedText {
    const createdAt = text.createdAt ?? new Date(this.#state.clock.now());
    const { accountSid } = this;
    const sentAt = status === 'queued' ? null : createdAt;
    const stored = this.#state.addText({ ...text, createdAt, status, direction, accountSid, sentAt });
    if (direction !== 'inbound') this.#state.reach(stored);
    return stored;
  }

  /**
   * Moves a text to a status and posts the signed callback.
   * @returns the HTTP status of the answer.
   * @throws Error when the text has no callback, or no answer came.
   */
  async deliver(sid: string, status: string, { errorCode, extra }: DeliverOptions = {}): Promise<number> {
    const text = this.#state.findText(sid);
    if (text?.statusCallback === undefined) throw new Error(`${sid} has no status callback`);
    this.#state.become(text, status, errorCode);
    if (status === 'delivered') this.#state.reach(text);
    const result = await this.#deliveries.tell(text, { status, errorCode, extra });
    if (result?.kind !== 'answered')
      throw new Error(`the status callback was not answered: ${result?.reason}`);
    return result.status;
  }

  /** Resolves when no callback is on its way. */
  async idle(): Promise<void> {
    await this.#deliveries.idle();
  }
}
