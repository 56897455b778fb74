/** One stream of the phone page, read as a browser reads it. */
export interface OpenStream {
  /** The revs told so far. */
  revs(): string[];
  hasEnded(): boolean;
  close(): void;
}

/** @throws Error when the answer is not 200. */
export async function openStream(url: string): Promise<OpenStream> {
  const abort = new AbortController();
  const response = await fetch(url, { signal: abort.signal });
  if (response.status !== 200 || !response.body)
    throw new Error(`the stream was answered with ${response.status}`);
  let received = '';
  let hasEnded = false;
  const read = async (body: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const chunk of body) received += decoder.decode(chunk, { stream: true });
  };
  void read(response.body)
    .catch(() => undefined)
    .finally(() => {
      hasEnded = true;
    });
  return {
    revs: () =>
      [...received.matchAll(/^event: changed\ndata: (.+)$/gm)].map(
        ([, data]) => (JSON.parse(data ?? '') as { rev: string }).rev,
      ),
    hasEnded: () => hasEnded,
    close: () => abort.abort(),
  };
}
