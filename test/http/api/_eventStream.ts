/** A stream of server-sent events, read as EventSource reads it. */
export interface HeardEvent {
  readonly id: number | undefined;
  readonly event: string;
  // Tests look at single fields of many shapes.
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  readonly data: any;
}

export interface EventReader {
  readonly status: number;
  readonly headers: Headers;
  /** Whole events heard so far. */
  heard(): readonly HeardEvent[];
  /** What EventSource would send when it comes back. */
  lastEventId(): number | undefined;
  hasEnded(): boolean;
  close(): void;
}

export async function readEvents(
  url: string,
  { key, lastEventId }: { readonly key: string; readonly lastEventId?: number | undefined },
): Promise<EventReader> {
  const abort = new AbortController();
  const response = await fetch(url, {
    signal: abort.signal,
    headers: {
      authorization: `Bearer ${key}`,
      ...(lastEventId === undefined ? {} : { 'last-event-id': String(lastEventId) }),
    },
  });
  const events: HeardEvent[] = [];
  let last = lastEventId;
  let hasEnded = false;
  let rest = '';
  const take = (block: string): void => {
    const fields = new Map(
      block
        .split('\n')
        .map((line) => line.split(': ', 2) as [string, string])
        .filter(([name]) => name !== ''),
    );
    const data = /^data: (.*)$/m.exec(block)?.[1];
    const id = fields.has('id') ? Number(fields.get('id')) : undefined;
    if (id !== undefined) last = id;
    if (data !== undefined)
      events.push({ id, event: fields.get('event') ?? 'message', data: JSON.parse(data) });
  };
  const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of body) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
      // Half an event is none: EventSource forgets it when the connection breaks.
      rest = blocks.pop() ?? '';
      for (const block of blocks) take(block);
    }
  };
  if (response.status === 200 && response.body) {
    void read(response.body)
      .catch(() => undefined)
      .finally(() => {
        hasEnded = true;
      });
  } else hasEnded = true;
  return {
    status: response.status,
    headers: response.headers,
    heard: () => events,
    lastEventId: () => last,
    hasEnded: () => hasEnded,
    close: () => abort.abort(),
  };
}

/** What the feed told, without what a stream says of itself. */
export const news = (events: readonly HeardEvent[]): HeardEvent[] =>
  events.filter(({ event }) => !['ready', 'reset', 'presence'].includes(event));
