/** Who texted, who was answered: counted at the handsets, where it matters. */
export interface TallyReport {
  /** Texts that shoppers sent. */
  readonly sent: number;
  /** Webhooks that were not answered with 2xx: those texts are lost to Jack. */
  readonly notTaken: number;
  /** Keywords, which the carrier answers, and texts of people who are opted out: Jack is to stay silent. */
  readonly silent: number;
  /** Texts after which a reply reached the handset. A reply may answer several. */
  readonly answered: number;
  /** Replies beyond one a text. */
  readonly answeredTwice: number;
  /** Texts after which no reply reached the handset. */
  readonly ignored: number;
  readonly replies: number;
  /** Texts that Jack wanted to send to somebody who is opted out. */
  readonly intoBlocks: number;
  /** Seconds from a text to the next reply; null without any. */
  readonly waitS: { readonly median: number; readonly p99: number; readonly longest: number } | null;
}

interface SentText {
  readonly atMs: number;
  wantsReply: boolean;
}

export class Tally {
  readonly #texts = new Map<string, SentText[]>();
  readonly #replies = new Map<string, number[]>();
  #notTaken = 0;

  /** A text leaves the shopper's phone. @returns what is told of it once the webhook is done with. */
  sent(phone: string, atMs: number): (outcome: { wantsReply: boolean; isTaken: boolean }) => void {
    const text: SentText = { atMs, wantsReply: true };
    listOf(this.#texts, phone).push(text);
    return ({ wantsReply, isTaken }) => {
      text.wantsReply = wantsReply;
      if (!isTaken) this.#notTaken += 1;
    };
  }

  /** A text of the dealership's, if the phone belongs to one of these shoppers. */
  reached(phone: string, atMs: number): void {
    if (!this.#texts.has(phone)) return;
    listOf(this.#replies, phone).push(atMs);
  }

  /** Whether a text of this shopper, or of anybody, waits for a reply. */
  isWaiting(phone?: string): boolean {
    const phones = phone === undefined ? [...this.#texts.keys()] : [phone];
    return phones.some((each) => this.#waits(each).some((waitMs) => waitMs === undefined));
  }

  report(intoBlocks: number): TallyReport {
    const phones = [...this.#texts.keys()];
    const texts = [...this.#texts.values()].flat();
    const waits = phones.flatMap((phone) => this.#waits(phone));
    const answered = waits.filter((waitMs) => waitMs !== undefined).sort((a, b) => a - b);
    return {
      sent: texts.length,
      notTaken: this.#notTaken,
      silent: texts.filter(({ wantsReply }) => !wantsReply).length,
      answered: answered.length,
      answeredTwice: phones.reduce((sum, phone) => sum + this.#surplus(phone), 0),
      ignored: waits.length - answered.length,
      replies: [...this.#replies.values()].flat().length,
      intoBlocks,
      waitS: answered.length === 0 ? null : summary(answered),
    };
  }

  /** Milliseconds that each text which wants a reply waited; undefined when none came. */
  #waits(phone: string): (number | undefined)[] {
    const replies = this.#replies.get(phone) ?? [];
    const wanting = (this.#texts.get(phone) ?? []).filter(({ wantsReply }) => wantsReply);
    return wanting.map(({ atMs }) => {
      const repliedAtMs = replies.find((each) => each >= atMs);
      return repliedAtMs === undefined ? undefined : repliedAtMs - atMs;
    });
  }

  /** One reply to two texts is right; two replies to one are not. */
  #surplus(phone: string): number {
    const wanted = (this.#texts.get(phone) ?? []).filter(({ wantsReply }) => wantsReply).length;
    return Math.max(0, (this.#replies.get(phone) ?? []).length - wanted);
  }
}

export const isFailure = ({ answeredTwice, ignored }: TallyReport): boolean => answeredTwice + ignored > 0;

const summary = (sortedMs: readonly number[]): NonNullable<TallyReport['waitS']> => ({
  median: secondsAt(sortedMs, 0.5),
  p99: secondsAt(sortedMs, 0.99),
  longest: secondsAt(sortedMs, 1),
});

const secondsAt = (sortedMs: readonly number[], share: number): number =>
  Math.round(sortedMs[Math.min(sortedMs.length - 1, Math.floor(sortedMs.length * share))] ?? 0) / 1_000;

function listOf<T>(lists: Map<string, T[]>, phone: string): T[] {
  const list = lists.get(phone) ?? [];
  lists.set(phone, list);
  return list;
}
