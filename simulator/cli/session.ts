/** Shoppers who text one dealership of a running Jack, and what reaches their handsets. */
import type { HandsetEvent } from '../state.js';
import { TwilioSimulator } from '../twilio.js';
import { Tally, type TallyReport } from './tally.js';

export interface SessionSettings {
  /** Where Jack listens. */
  readonly jack: URL;
  /** What Jack's PUBLIC_URL says: signatures are made over it. */
  readonly publicUrl: URL;
  readonly path: string;
  readonly fallbackPath: string | undefined;
  /** The dealership's number. */
  readonly number: string;
  readonly accountSid: string;
  readonly authToken: string;
  readonly port: number;
  /** Segments per second of the dealership's number. */
  readonly throughput: number;
  /** How long a shopper waits for a reply before it counts as ignored. */
  readonly patienceMs: number;
  /** How long a second reply is waited for, after everybody has one. */
  readonly lingerMs: number;
}

export interface SessionIo {
  print(line: string): void;
  readonly signal: AbortSignal;
}

const LOOK_MS = 20;

export class Session {
  readonly simulator: TwilioSimulator;
  readonly settings: SessionSettings;
  readonly #io: SessionIo;
  readonly #tally = new Tally();
  readonly #posts = new Set<Promise<unknown>>();
  /** Off for crowds: nobody reads a thousand conversations. */
  readonly #isTalkative: boolean;

  private constructor(settings: SessionSettings, io: SessionIo, isTalkative: boolean) {
    this.settings = settings;
    this.#io = io;
    this.#isTalkative = isTalkative;
    const { jack, publicUrl } = settings;
    this.simulator = TwilioSimulator.create({
      accountSid: settings.accountSid,
      authToken: settings.authToken,
      port: settings.port,
      segmentsPerSecond: settings.throughput,
      resolve: (url) => (url.host === publicUrl.host ? new URL(url.pathname + url.search, jack) : url),
    });
    this.simulator.addNumber({
      phoneNumber: settings.number,
      smsUrl: new URL(settings.path, publicUrl).href,
      ...(settings.fallbackPath ? { smsFallbackUrl: new URL(settings.fallbackPath, publicUrl).href } : {}),
    });
    this.simulator.onHandset((event) => this.#show(event));
  }

  static create(settings: SessionSettings, io: SessionIo, isTalkative: boolean): Session {
    return new Session(settings, io, isTalkative);
  }

  get isOver(): boolean {
    return this.#io.signal.aborted;
  }

  /** `listener` is called when the session is to end early. */
  onEnd(listener: () => void): void {
    this.#io.signal.addEventListener('abort', listener, { once: true });
  }

  print(line: string): void {
    this.#io.print(line);
  }

  /** Resolves when the webhook is answered. */
  async text(phone: string, body: string, copies = 1): Promise<void> {
    const { number } = this.settings;
    const settle = this.#tally.sent(phone, Date.now());
    if (this.#isTalkative) this.print(`${phone} > ${body}`);
    const posting = this.simulator.text({ from: phone, to: number, body, copies });
    this.#posts.add(posting);
    try {
      const { statuses, keyword, isCarrierAnswered } = await posting;
      // A plain "yes" is a keyword only for somebody who is stopped.
      const isSpeech = keyword === undefined || (keyword === 'START' && !isCarrierAnswered);
      const wantsReply = isSpeech && !this.simulator.isBlocked(number, phone);
      const isTaken = statuses.every((status) => status >= 200 && status < 300);
      settle({ wantsReply, isTaken });
      if (!isTaken) this.print(`${phone} ! the webhook was answered with ${statuses.join(', ')}`);
    } finally {
      this.#posts.delete(posting);
    }
  }

  isWaiting(phone?: string): boolean {
    return this.#tally.isWaiting(phone);
  }

  /** Resolves when nobody, or not this shopper, waits for a reply any more, or has run out of patience. */
  async answered(phone?: string): Promise<void> {
    const untilMs = Date.now() + this.settings.patienceMs;
    while (this.isWaiting(phone) && Date.now() < untilMs && !this.isOver) await this.pause(LOOK_MS);
  }

  async pause(ms: number): Promise<void> {
    if (this.isOver) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#io.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#io.signal.addEventListener('abort', done, { once: true });
    });
  }

  /** Waits for what is on its way, then counts. */
  async finish(): Promise<TallyReport> {
    await Promise.allSettled(this.#posts);
    await this.answered();
    await this.pause(this.settings.lingerMs);
    return this.report();
  }

  report(): TallyReport {
    return this.#tally.report(this.simulator.sendsIntoBlocks.length);
  }

  #show(event: HandsetEvent): void {
    if (event.by === 'carrier') {
      if (this.#isTalkative) this.print(`${event.answer.to} < [carrier] ${event.answer.body}`);
      return;
    }
    const { to, from, body } = event.text;
    if (from !== this.settings.number) return;
    this.#tally.reached(to, Date.now());
    if (this.#isTalkative) this.print(`${to} < ${body}`);
  }
}
