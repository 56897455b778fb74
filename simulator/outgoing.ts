/** A text that the account sends, by the API or in TwiML: checks, block list, loop guard, queue. */
import type { Deliveries } from './deliveries.js';
import { segmentsOf } from './forms.js';
import { kindOf, type MessagingService, type Numbers, SEGMENTS_PER_SECOND } from './numbers.js';
import { LoopGuard, SenderQueues } from './queue.js';
import {
  ApiError,
  isMagicSender,
  notOurSender,
  optedOut,
  queueFull,
  refuseForm,
  type SendForm,
} from './refusals.js';
import { type Schedule, schedules } from './schedules.js';
import type { CarrierState } from './state.js';
import type { SimulatedText } from './text.js';

export interface OutgoingDeps {
  readonly state: CarrierState;
  readonly numbers: Numbers;
  readonly deliveries: Deliveries;
  /** Whether a sender that nobody added is taken for a long code of the account. */
  readonly acceptsUnknownSenders: boolean;
  /** Absent: by the kind of number. */
  readonly segmentsPerSecond: number | undefined;
  /** Whether queues and the loop guard count. */
  readonly isPaced: boolean;
  readonly isTrial: boolean;
  readonly schedule: Schedule;
}

export interface SendRequest extends SendForm {
  readonly accountSid: string;
  readonly statusCallback: string | undefined;
  readonly direction: 'outbound-api' | 'outbound-reply';
  /** Milliseconds since the epoch, of a scheduled text. */
  readonly sendAtMs?: number | undefined;
}

/** An account in trial puts this before every text. */
const TRIAL_PREFIX = 'Sent from your Twilio trial account - ';

export class Outgoing {
  readonly #deps: OutgoingDeps;
  readonly #queues = new SenderQueues();
  readonly #loops = new LoopGuard();
  readonly #scripted: { readonly schedule: Schedule; readonly to: string | undefined }[] = [];

  constructor(deps: OutgoingDeps) {
    this.#deps = deps;
  }

  /** The next texts, of one receiver or of any, fare like this. */
  script(schedule: Schedule, times: number, to?: string): void {
    for (let n = 0; n < times; n += 1) this.#scripted.push({ schedule, to });
  }

  /** @throws ApiError with the code of the real thing; nothing is kept then. */
  async send(request: SendRequest): Promise<SimulatedText> {
    refuseForm(request);
    const { state, deliveries, numbers } = this.#deps;
    const service = this.#serviceOf(request);
    const sender =
      request.from === '' && service ? (numbers.senderFor(service, request.to) ?? '') : request.from;
    this.#refuseSender(request, sender);
    const failure = this.#failureOf(request, service, sender);
    const segments = segmentsOf(request.body);
    const leavesAtMs = this.#leavesAtMs(request, sender, segments);
    const text = state.addText({
      accountSid: request.accountSid,
      from: request.from,
      to: request.to,
      body: this.#deps.isTrial ? TRIAL_PREFIX + request.body : request.body,
      mediaUrls: request.mediaUrls,
      statusCallback: request.statusCallback,
      messagingServiceSid: service?.sid ?? null,
      direction: request.direction,
      status: initialStatus(request, service),
      segments,
    });
    const chosenSender = request.from === '' ? sender : undefined;
    const schedule = failure === undefined ? this.#scheduleFor(text.to) : schedules.failed(failure);
    const departure = { leavesAtMs, schedule, chosenSender };
    if (request.sendAtMs === undefined) await deliveries.begin(text, departure);
    else this.#keepUntil(request.sendAtMs, text, departure);
    return text;
  }

  #keepUntil(atMs: number, text: SimulatedText, departure: Parameters<Deliveries['begin']>[1]): void {
    const { state, deliveries } = this.#deps;
    deliveries.after(atMs - state.clock.now(), () => {
      if (text.status !== 'scheduled' || state.findText(text.sid) === undefined) return;
      state.become(text, 'accepted');
      void deliveries.begin(text, { ...departure, leavesAtMs: state.clock.now() });
    });
  }

  #serviceOf({ accountSid, messagingServiceSid: sid }: SendRequest): MessagingService | undefined {
    if (sid === '') return undefined;
    const service = this.#deps.numbers.service(sid);
    if (service?.accountSid === accountSid) return service;
    throw new ApiError(400, 21701, `The Messaging Service ${sid} does not exist`);
  }

  #refuseSender({ accountSid, to }: SendRequest, sender: string): void {
    if (sender === '' || isMagicSender(sender)) return;
    const { numbers, acceptsUnknownSenders, state } = this.#deps;
    const number = numbers.get(sender);
    if (number ? number.accountSid !== accountSid : !acceptsUnknownSenders) throw notOurSender(sender);
    if (number?.keywords !== 'advanced' && state.isBlocked([sender], to)) {
      state.intoBlocks.push({ from: sender, to, atMs: state.clock.now() });
      throw optedOut();
    }
  }

  /** @returns the code with which the text fails after it was accepted. */
  #failureOf({ to }: SendRequest, service: MessagingService | undefined, sender: string): number | undefined {
    const { state, numbers, isPaced } = this.#deps;
    if (sender === '') return 21703;
    const scopes = [service?.sid ?? null, numbers.get(sender)?.messagingServiceSid ?? null];
    if (state.isBlocked(scopes, to)) {
      state.intoBlocks.push({ from: sender, to, atMs: state.clock.now() });
      return 21610;
    }
    return isPaced && this.#loops.trips(sender, to, state.clock.now()) ? 14107 : undefined;
  }

  #leavesAtMs({ sendAtMs }: SendRequest, sender: string, segments: number): number {
    const { state, numbers, segmentsPerSecond, isPaced } = this.#deps;
    const nowMs = state.clock.now();
    if (!isPaced || sender === '' || sendAtMs !== undefined) return nowMs;
    const kind = numbers.get(sender)?.kind ?? kindOf(sender);
    const perS = segmentsPerSecond ?? SEGMENTS_PER_SECOND[kind];
    const leavesAtMs = this.#queues.enter(sender, segments, perS, nowMs);
    if (leavesAtMs === undefined) throw queueFull(sender);
    return leavesAtMs;
  }

  #scheduleFor(to: string): Schedule {
    const index = this.#scripted.findIndex((each) => each.to === undefined || each.to === to);
    const [scripted] = index === -1 ? [] : this.#scripted.splice(index, 1);
    return scripted?.schedule ?? this.#deps.schedule;
  }
}

function initialStatus({ sendAtMs }: SendRequest, service: MessagingService | undefined): string {
  if (sendAtMs !== undefined) return 'scheduled';
  return service ? 'accepted' : 'queued';
}
