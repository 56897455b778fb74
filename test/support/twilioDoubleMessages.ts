/** What Twilio's Message resource looks like, is refused for, and is listed by: the pure half of the double. */
import { SegmentedMessage } from 'sms-segments-calculator';

/** One text that Twilio took over. */
export interface DoubleText {
  readonly sid: string;
  readonly accountSid: string;
  readonly from: string;
  readonly to: string;
  readonly body: string;
  readonly mediaUrls: readonly string[];
  readonly statusCallback: string | undefined;
  /** Absent: `outbound-api`. */
  readonly direction?: string;
  readonly createdAt: Date;
  status: string;
  errorCode: number | null;
}

/** The magic numbers of Twilio's test credentials (twilio.com/docs/iam/test-credentials). */
const BAD_FROM: Readonly<Record<string, number>> = {
  '+15005550001': 21212,
  '+15005550007': 21606,
  '+15005550008': 21611,
};
const BAD_TO: Readonly<Record<string, number>> = {
  '+15005550001': 21211,
  '+15005550002': 21612,
  '+15005550003': 21408,
  '+15005550004': 21610,
  '+15005550009': 21614,
};

export class ApiError extends Error {
  readonly status: number;
  readonly code: number;
  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** @throws ApiError with the code of the real thing; `blocks` holds `from>to`. */
export function refuse(
  blocks: ReadonlySet<string>,
  { to, from, body, mediaUrls }: Pick<DoubleText, 'to' | 'from' | 'body' | 'mediaUrls'>,
): void {
  if (to === '') throw new ApiError(400, 21604, "A 'To' phone number is required.");
  if (from === '') throw new ApiError(400, 21603, "A 'From' phone number is required.");
  if (body === '' && mediaUrls.length === 0) throw new ApiError(400, 21602, 'Message body is required.');
  if (body.length > 1600) {
    throw new ApiError(400, 21617, 'The concatenated message body exceeds the 1600 character limit');
  }
  const fromCode = BAD_FROM[from];
  if (fromCode) throw new ApiError(400, fromCode, `The 'From' number ${from} cannot be used.`);
  const toCode = /^\+\d{7,15}$/.test(to) ? BAD_TO[to] : 21211;
  if (toCode) throw new ApiError(400, toCode, `The 'To' number ${to} cannot be used.`);
  if (blocks.has(`${from}>${to}`)) {
    throw new ApiError(400, 21610, 'Attempt to send to unsubscribed recipient');
  }
}

/** Newest first, `Page` and `PageSize` as Twilio counts them; `next_page_uri` is relative and names the account. */
export function listOf(texts: readonly DoubleText[], url: URL): object {
  const query = url.searchParams;
  const size = Math.min(1000, Number(query.get('PageSize') ?? 50));
  const page = Number(query.get('Page') ?? 0);
  const matching = texts
    .filter((text) => matches(text, query))
    .toReversed()
    .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  const uri = (number: number): string => {
    const next = new URLSearchParams(query);
    next.set('Page', String(number));
    next.set('PageSize', String(size));
    return `${url.pathname}?${next.toString()}`;
  };
  return {
    messages: matching.slice(page * size, (page + 1) * size).map(resourceOf),
    first_page_uri: uri(0),
    next_page_uri: matching.length > (page + 1) * size ? uri(page + 1) : null,
    previous_page_uri: page > 0 ? uri(page - 1) : null,
    page,
    page_size: size,
    start: page * size,
    end: Math.min(matching.length, (page + 1) * size) - 1,
    uri: uri(page),
  };
}

function matches(text: DoubleText, query: URLSearchParams): boolean {
  const [to, from, after, before] = ['To', 'From', 'DateSent>', 'DateSent<'].map((name) => query.get(name));
  // A text that waits in the queue has no date_sent, and a date filter leaves it out.
  const sentAt = text.status === 'queued' ? undefined : text.createdAt.getTime();
  return (
    (!to || text.to === to) &&
    (!from || text.from === from) &&
    (!after || (sentAt !== undefined && sentAt >= Date.parse(after))) &&
    (!before || (sentAt !== undefined && sentAt <= Date.parse(before)))
  );
}

/** The field types of the real resource: counts are strings, dates RFC 2822, the price null at first. */
export function resourceOf(text: DoubleText): object {
  const uri = `/2010-04-01/Accounts/${text.accountSid}/Messages/${text.sid}`;
  const date = rfc2822(text.createdAt);
  return {
    account_sid: text.accountSid,
    api_version: '2010-04-01',
    body: text.body,
    date_created: date,
    date_sent: text.status === 'queued' ? null : date,
    date_updated: date,
    direction: text.direction ?? 'outbound-api',
    error_code: text.errorCode,
    error_message: null,
    from: text.from,
    messaging_service_sid: null,
    num_media: String(text.mediaUrls.length),
    num_segments: String(new SegmentedMessage(text.body).segmentsCount),
    price: null,
    price_unit: 'USD',
    sid: text.sid,
    status: text.status,
    subresource_uris: { media: `${uri}/Media.json` },
    to: text.to,
    uri: `${uri}.json`,
  };
}

const rfc2822 = (date: Date): string => date.toUTCString().replace('GMT', '+0000');
