/** Lists of texts: filters and pages as Twilio counts them. */
import { resourceOf, type SimulatedText } from './text.js';

const DEFAULT_SIZE = 50;
const MAX_SIZE = 1_000;
const DAY_MS = 86_400_000;

/**
 * Newest first. `next_page_uri` is relative, names the account and carries a token of the last text on the page, so
 * that texts which come meanwhile do not move the next page.
 */
export function listOf(texts: readonly SimulatedText[], url: URL): object {
  const query = url.searchParams;
  const size = Math.min(MAX_SIZE, Math.max(1, Number(query.get('PageSize') ?? DEFAULT_SIZE) || DEFAULT_SIZE));
  const page = Number(query.get('Page') ?? 0) || 0;
  const matching = texts
    .filter((text) => matches(text, query))
    .toReversed()
    .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  const from = firstOf(matching, query.get('PageToken'), page * size);
  const shown = matching.slice(from, from + size);
  const hasMore = matching.length > from + size;
  const uri = (number: number, token?: string): string => {
    const next = new URLSearchParams(query);
    next.delete('PageToken');
    next.set('Page', String(number));
    next.set('PageSize', String(size));
    if (token !== undefined) next.set('PageToken', token);
    return `${url.pathname}?${next.toString()}`;
  };
  return {
    messages: shown.map(resourceOf),
    first_page_uri: uri(0),
    next_page_uri: hasMore ? uri(page + 1, `PA${shown.at(-1)?.sid}`) : null,
    previous_page_uri: page > 0 ? uri(page - 1) : null,
    page,
    page_size: size,
    start: page * size,
    end: page * size + Math.max(0, shown.length - 1),
    uri: uri(page),
  };
}

function firstOf(matching: readonly SimulatedText[], token: string | null, fallback: number): number {
  if (token === null) return fallback;
  const last = matching.findIndex(({ sid }) => token === `PA${sid}`);
  return last === -1 ? fallback : last + 1;
}

function matches(text: SimulatedText, query: URLSearchParams): boolean {
  const [to, from] = [query.get('To'), query.get('From')];
  return (!to || text.to === to) && (!from || text.from === from) && isInWindow(text, query);
}

/** A text that waits in the queue has no date_sent, and a filter on dates leaves it out. */
function isInWindow({ sentAt }: SimulatedText, query: URLSearchParams): boolean {
  const [day, after, before] = ['DateSent', 'DateSent>', 'DateSent<'].map((name) => query.get(name));
  if (!day && !after && !before) return true;
  if (sentAt === null) return false;
  const sentMs = sentAt.getTime();
  const dayMs = day ? Math.floor(Date.parse(day) / DAY_MS) * DAY_MS : undefined;
  return (
    (dayMs === undefined || (sentMs >= dayMs && sentMs < dayMs + DAY_MS)) &&
    (!after || sentMs >= Date.parse(after)) &&
    (!before || sentMs <= Date.parse(before))
  );
}
