/** From the queue to the handset: statuses on the carrier's clock, and the signed callbacks that tell of them. */
import { statusForm } from './forms.js';
import type { AttemptResult } from './httpAttempt.js';
import type { Schedule, ScheduleStep } from './schedules.js';
import type { CarrierState } from './state.js';
import { isFinal, type SimulatedText } from './text.js';
import { postWebhook, type WebhookPoster } from './webhookPost.js';

export interface DeliveriesDeps {
  readonly state: CarrierState;
  readonly poster: WebhookPoster;
  /** False: every text is on its handset at once and stays `queued` until a test moves it. */
  readonly isAutomatic: boolean;
}

export interface Departure {
  /** When it leaves the queue, in milliseconds since the epoch. */
  readonly leavesAtMs: number;
  /** The sender that a Messaging Service chose, which shows a moment after the 201. */
  readonly chosenSender?: string | undefined;
  readonly schedule: Schedule;
}

interface Callback {
  readonly status: string;
  readonly errorCode?: number | undefined;
  readonly hasDoneDate?: boolean | undefined;
  readonly extra?: Readonly<Record<string, string>> | undefined;
}

export class Deliveries {
  readonly #deps: DeliveriesDeps;
  readonly #timers = new Set<() => void>();
  readonly #work = new Set<Promise<unknown>>();

  constructor(deps: DeliveriesDeps) {
    this.#deps = deps;
  }

  /** Resolves when the client may see its answer. */
  async begin(text: SimulatedText, departure: Departure): Promise<void> {
    const { state, isAutomatic } = this.#deps;
    const { schedule, chosenSender, leavesAtMs } = departure;
    if (!isAutomatic) {
      if (chosenSender !== undefined) text.from = chosenSender;
      if (text.status !== 'scheduled') state.reach(text);
      return;
    }
    if (schedule.isBeforeAnswer) {
      if (chosenSender !== undefined) text.from = chosenSender;
      for (const step of schedule.steps) await this.#take(text, step, schedule);
      return;
    }
    if (chosenSender !== undefined) this.after(0, () => this.#choose(text, chosenSender, schedule));
    this.after(leavesAtMs - state.clock.now(), () => {
      for (const step of schedule.steps) {
        this.after(step.afterMs, () => this.#track(this.#take(text, step, schedule)));
      }
    });
  }

  after(delayMs: number, work: () => void): void {
    const cancel = this.#deps.state.clock.after(Math.max(0, delayMs), () => {
      this.#timers.delete(cancel);
      work();
    });
    this.#timers.add(cancel);
  }

  /** A callback now. */
  async tell(text: SimulatedText, callback: Callback): Promise<AttemptResult | undefined> {
    const { state, poster } = this.#deps;
    if (text.statusCallback === undefined) return undefined;
    const params = statusForm({
      sid: text.sid,
      accountSid: text.accountSid,
      from: text.from,
      to: text.to,
      status: callback.status,
      messagingServiceSid: text.messagingServiceSid,
      errorCode: callback.errorCode ?? null,
      doneAtMs: callback.hasDoneDate ? state.clock.now() : null,
      extra: callback.extra,
    });
    const authToken = state.authTokenOf(text.accountSid);
    const result = await postWebhook(poster, {
      url: text.statusCallback,
      kind: 'status',
      params,
      authToken,
    });
    if (result.kind !== 'answered' || result.status >= 400) {
      state.alert({ code: 11200, messageSid: text.sid, url: text.statusCallback });
    }
    return result;
  }

  /** Resolves when no callback is on its way; timers may still wait. */
  async idle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  async stop(): Promise<void> {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    await this.idle();
  }

  #choose(text: SimulatedText, sender: string, schedule: Schedule): void {
    if (isFinal(text)) return;
    text.from = sender;
    this.#deps.state.become(text, 'queued');
    this.#track(this.tell(text, { status: 'queued', extra: schedule.extra }));
  }

  async #take(text: SimulatedText, step: ScheduleStep, { extra }: Schedule): Promise<void> {
    const { state } = this.#deps;
    const { becomes, tells, errorCode, hasDoneDate } = step;
    // Canceled or deleted meanwhile: nothing leaves any more.
    if (text.status === 'canceled' || state.findText(text.sid) === undefined) return;
    if (becomes !== undefined) state.become(text, becomes, errorCode);
    if (step.reaches) state.reach(text);
    if (tells === undefined) return;
    const copies = Array.from({ length: step.times ?? 1 }, () =>
      this.tell(text, { status: tells, errorCode, hasDoneDate, extra }),
    );
    await Promise.all(copies);
  }

  #track(work: Promise<unknown>): void {
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }
}
