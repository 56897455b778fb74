/** What the carrier knows and what happened: accounts, texts, blocks, and the record that tests count in. */
import type http from 'node:http';
import type { SimulatorClock } from './clock.js';
import { segmentsOf } from './forms.js';
import { newSid } from './sids.js';
import type { SimulatedText } from './text.js';
import type { WebhookAttempt } from './webhookPost.js';

export interface RecordedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  /** Who the credentials name, whether or not they are good. */
  readonly accountSid: string | undefined;
  readonly headers: http.IncomingHttpHeaders;
  /** The client's port: equal for requests of one connection. */
  readonly remotePort: number | undefined;
  readonly rawBody: Buffer;
  readonly params: URLSearchParams;
}

/** What Twilio's debugger would show. */
export interface DebuggerAlert {
  readonly code: number;
  readonly messageSid: string;
  /** The URL it is about; absent when it is about the text itself. */
  readonly url?: string;
  readonly atMs: number;
}

/** A text of the carrier itself: its answer to a keyword. It is no resource of the account. */
export interface CarrierAnswer {
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly atMs: number;
}

export type HandsetEvent =
  | { readonly by: 'account'; readonly text: SimulatedText }
  | { readonly by: 'carrier'; readonly answer: CarrierAnswer };

export type NewText = Pick<SimulatedText, 'accountSid' | 'from' | 'to' | 'body' | 'direction' | 'status'> &
  Partial<
    Pick<
      SimulatedText,
      'sid' | 'mediaUrls' | 'statusCallback' | 'messagingServiceSid' | 'createdAt' | 'sentAt' | 'segments'
    >
  >;

interface Credentials {
  readonly secret: string;
  readonly accountSid: string;
}

export class CarrierState {
  readonly clock: SimulatorClock;
  readonly random: (() => number) | undefined;
  readonly requests: RecordedRequest[] = [];
  readonly texts: SimulatedText[] = [];
  readonly alerts: DebuggerAlert[] = [];
  readonly webhooks: WebhookAttempt[] = [];
  readonly answers: CarrierAnswer[] = [];
  /** Asked to send into a block: the API refused it, or the text failed. */
  readonly intoBlocks: { readonly from: string; readonly to: string; readonly atMs: number }[] = [];
  readonly #credentials = new Map<string, Credentials>();
  readonly #bySid = new Map<string, SimulatedText>();
  readonly #handsets = new Map<string, SimulatedText[]>();
  readonly #blocks = new Set<string>();
  readonly #listeners = new Set<(event: HandsetEvent) => void>();

  constructor(clock: SimulatorClock, random: (() => number) | undefined) {
    this.clock = clock;
    this.random = random;
  }

  addAccount(accountSid: string, authToken: string): void {
    this.#credentials.set(accountSid, { secret: authToken, accountSid });
  }

  /** An API key opens its account; webhooks are signed with the account's token all the same. */
  addApiKey(keySid: string, secret: string, accountSid: string): void {
    this.#credentials.set(keySid, { secret, accountSid });
  }

  authTokenOf(accountSid: string): string {
    return this.#credentials.get(accountSid)?.secret ?? '';
  }

  /** @returns the account that these credentials open. */
  authenticate(user: string | undefined, secret: string | undefined): string | undefined {
    const known = user === undefined ? undefined : this.#credentials.get(user);
    return known !== undefined && known.secret === secret ? known.accountSid : undefined;
  }

  addText(given: NewText): SimulatedText {
    const mediaUrls = given.mediaUrls ?? [];
    const createdAt = given.createdAt ?? new Date(this.clock.now());
    const text: SimulatedText = {
      statusCallback: undefined,
      messagingServiceSid: null,
      sentAt: null,
      ...given,
      sid: given.sid ?? newSid(mediaUrls.length > 0 ? 'MM' : 'SM', this.random),
      mediaUrls,
      createdAt,
      updatedAt: createdAt,
      reachedAt: null,
      segments: given.segments ?? segmentsOf(given.body),
      errorCode: null,
    };
    this.texts.push(text);
    this.#bySid.set(text.sid, text);
    return text;
  }

  find(accountSid: string, sid: string): SimulatedText | undefined {
    const text = this.#bySid.get(sid);
    return text?.accountSid === accountSid ? text : undefined;
  }

  findText(sid: string): SimulatedText | undefined {
    return this.#bySid.get(sid);
  }

  textsOf(accountSid: string): SimulatedText[] {
    return this.texts.filter((text) => text.accountSid === accountSid);
  }

  remove(text: SimulatedText): void {
    this.#bySid.delete(text.sid);
    this.texts.splice(this.texts.indexOf(text), 1);
  }

  become(text: SimulatedText, status: string, errorCode?: number): void {
    const now = new Date(this.clock.now());
    text.status = status;
    text.updatedAt = now;
    if (errorCode !== undefined) text.errorCode = errorCode;
    if (LEFT_THE_QUEUE.has(status)) text.sentAt ??= now;
  }

  /** The handset shows it now. */
  reach(text: SimulatedText): void {
    if (text.reachedAt !== null) return;
    text.reachedAt = new Date(this.clock.now());
    const shown = this.#handsets.get(text.to) ?? [];
    shown.push(text);
    this.#handsets.set(text.to, shown);
    this.#tell({ by: 'account', text });
  }

  handset(to: string): readonly SimulatedText[] {
    return this.#handsets.get(to) ?? [];
  }

  answer(from: string, to: string, body: string): void {
    const answer = { from, to, body, atMs: this.clock.now() };
    this.answers.push(answer);
    this.#tell({ by: 'carrier', answer });
  }

  onHandset(listener: (event: HandsetEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param scope a sender's number, or a Messaging Service. */
  block(scope: string, phone: string): void {
    this.#blocks.add(`${scope}>${phone}`);
  }

  unblock(scope: string, phone: string): void {
    this.#blocks.delete(`${scope}>${phone}`);
  }

  isBlocked(scopes: readonly (string | null)[], phone: string): boolean {
    return scopes.some((scope) => scope !== null && this.#blocks.has(`${scope}>${phone}`));
  }

  alert(alert: Omit<DebuggerAlert, 'atMs'>): void {
    this.alerts.push({ ...alert, atMs: this.clock.now() });
  }

  #tell(event: HandsetEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

const LEFT_THE_QUEUE = new Set([
  'sending',
  'sent',
  'delivered',
  'undelivered',
  'read',
  'partially_delivered',
]);
