/** A shopper's text on its way to the webhook: keywords, the signed POST, the fallback URL, the TwiML that comes back. */
import { inboundForm } from './forms.js';
import { carrierAnswer, type KeywordType, keywordOf } from './keywords.js';
import { type MediaHost, mediaPath, type NewMedium } from './media.js';
import type { Numbers, OwnedNumber } from './numbers.js';
import type { Outgoing } from './outgoing.js';
import { ApiError } from './refusals.js';
import { newSid } from './sids.js';
import type { CarrierState } from './state.js';
import type { SimulatedText } from './text.js';
import { readTwiml, type TwimlMessage } from './twiml.js';
import { isSuccess, postWebhook, type WebhookPoster, type WebhookRequest } from './webhookPost.js';

export interface IncomingDeps {
  readonly state: CarrierState;
  readonly numbers: Numbers;
  readonly outgoing: Outgoing;
  readonly media: MediaHost;
  readonly poster: WebhookPoster;
  baseUrl(): string;
}

export interface ShopperText {
  readonly from: string;
  /** One of the account's numbers. */
  readonly to: string;
  readonly body?: string;
  readonly media?: readonly NewMedium[];
  /** A new one when absent; the same one again is a repeated webhook. */
  readonly messageSid?: string;
  /** How many times the same webhook is posted, all at once; 1. */
  readonly copies?: number;
  /** Further or other parameters. */
  readonly extra?: Readonly<Record<string, string>>;
}

export interface InboundResult {
  readonly messageSid: string;
  readonly keyword: KeywordType | undefined;
  /** Whether the carrier itself texted something back. */
  readonly isCarrierAnswered: boolean;
  /** HTTP status of the last attempt of each copy, the fallback's when it was asked; 0 when no answer came. */
  readonly statuses: readonly number[];
  /** What the TwiML sent. */
  readonly replies: readonly SimulatedText[];
}

export class Incoming {
  readonly #deps: IncomingDeps;

  constructor(deps: IncomingDeps) {
    this.#deps = deps;
  }

  /** @throws Error when nobody has the number. */
  async text(given: ShopperText): Promise<InboundResult> {
    const number = this.#deps.numbers.get(given.to);
    if (!number) throw new Error(`${given.to} is no number of this carrier`);
    const hasMedia = (given.media ?? []).length > 0;
    const messageSid = given.messageSid ?? newSid(hasMedia ? 'MM' : 'SM', this.#deps.state.random);
    const { keyword, isCarrierAnswered } = this.#applyKeyword(number, given);
    const params = this.#formOf(number, given, messageSid, keyword);
    const { smsUrl } = number;
    if (smsUrl === undefined) return { messageSid, keyword, isCarrierAnswered, statuses: [], replies: [] };
    const copies = Array.from({ length: given.copies ?? 1 }, () => this.#post(number, smsUrl, params));
    const results = await Promise.all(copies);
    return {
      messageSid,
      keyword,
      isCarrierAnswered,
      statuses: results.map(({ status }) => status),
      replies: results.flatMap(({ replies }) => replies),
    };
  }

  #applyKeyword(
    number: OwnedNumber,
    { from, body = '' }: ShopperText,
  ): Pick<InboundResult, 'keyword' | 'isCarrierAnswered'> {
    const { state } = this.#deps;
    const { keywords: mode, phoneNumber } = number;
    const type = keywordOf(mode, body);
    if (type === undefined) return { keyword: undefined, isCarrierAnswered: false };
    const scope = mode === 'advanced' ? (number.messagingServiceSid ?? phoneNumber) : phoneNumber;
    const answer = carrierAnswer(mode, type, state.isBlocked([scope], from));
    if (type === 'STOP') state.block(scope, from);
    if (type === 'START') state.unblock(scope, from);
    if (answer !== undefined) state.answer(phoneNumber, from, answer);
    return { keyword: type, isCarrierAnswered: answer !== undefined };
  }

  #formOf(
    number: OwnedNumber,
    { from, to, body = '', media = [], extra }: ShopperText,
    messageSid: string,
    keyword: KeywordType | undefined,
  ): Record<string, string> {
    const { state, baseUrl, media: host } = this.#deps;
    const { accountSid, messagingServiceSid, keywords } = number;
    const known = state.findText(messageSid);
    const createdAt = new Date(state.clock.now());
    const stored = known
      ? host.of(messageSid)
      : media.map((medium) => host.add({ ...medium, accountSid, messageSid, createdAt }));
    const links = stored.map((each) => ({
      url: `${baseUrl()}${mediaPath(each)}`,
      contentType: each.contentType,
    }));
    if (!known) {
      const mediaUrls = links.map(({ url }) => url);
      state.addText({
        accountSid,
        from,
        to,
        body,
        mediaUrls,
        sid: messageSid,
        messagingServiceSid,
        direction: 'inbound',
        status: 'received',
        sentAt: createdAt,
      });
    }
    return inboundForm({
      from,
      to,
      body,
      accountSid,
      messageSid,
      media: links,
      extra: {
        ...(messagingServiceSid === null ? {} : { MessagingServiceSid: messagingServiceSid }),
        ...(keyword !== undefined && keywords === 'advanced' ? { OptOutType: keyword } : {}),
        ...extra,
      },
    });
  }

  async #post(number: OwnedNumber, url: string, params: Record<string, string>): Promise<Answer> {
    const { state } = this.#deps;
    const authToken = state.authTokenOf(number.accountSid);
    const first = await this.#ask(number, { url, kind: 'inbound', params, authToken });
    const { errorCode } = first;
    if (errorCode === undefined || number.smsFallbackUrl === undefined) return first;
    return await this.#ask(number, {
      url: number.smsFallbackUrl,
      kind: 'fallback',
      params: { ...params, ErrorCode: String(errorCode), ErrorUrl: url.split('#', 1)[0] ?? '' },
      authToken,
    });
  }

  async #ask(number: OwnedNumber, request: WebhookRequest): Promise<Answer> {
    const { state, poster } = this.#deps;
    const messageSid = request.params.MessageSid ?? '';
    const result = await postWebhook(poster, request);
    const status = result.kind === 'answered' ? result.status : 0;
    const twiml = isSuccess(result) ? readTwiml(result.contentType, result.body) : undefined;
    const errorCode = twiml ? twiml.errorCode : 11200;
    const url = request.url.split('#', 1)[0] ?? '';
    if (errorCode !== undefined) {
      state.alert({ code: errorCode, messageSid, url });
      return { status, replies: [], errorCode };
    }
    for (const _verb of twiml?.unknownVerbs ?? []) state.alert({ code: 12200, messageSid, url });
    const shopper = request.params.From ?? '';
    const replies: SimulatedText[] = [];
    for (const message of twiml?.messages ?? []) {
      const sent = await this.#reply(number, message, { shopper, messageSid });
      if (sent) replies.push(sent);
    }
    return { status, replies };
  }

  /** A reply that the account may not send is an alert and no text. */
  async #reply(
    number: OwnedNumber,
    message: TwimlMessage,
    { shopper, messageSid }: { readonly shopper: string; readonly messageSid: string },
  ): Promise<SimulatedText | undefined> {
    try {
      return await this.#deps.outgoing.send({
        accountSid: number.accountSid,
        from: message.from ?? number.phoneNumber,
        to: message.to ?? shopper,
        messagingServiceSid: '',
        body: message.body,
        mediaUrls: message.mediaUrls,
        statusCallback: message.statusCallback,
        direction: 'outbound-reply',
      });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // TwiML has its own code for a text without words.
      this.#deps.state.alert({ code: error.code === 21602 ? 14103 : error.code, messageSid });
      return undefined;
    }
  }
}

interface Answer {
  readonly status: number;
  readonly replies: readonly SimulatedText[];
  readonly errorCode?: number;
}
