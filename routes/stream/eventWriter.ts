/** Server-sent events to one reader, no faster than it takes them. What a slow one has not taken is never more than one event and the socket's own buffer. */
import { once } from 'node:events';
import type { Response } from 'express';

export interface OutgoingEvent {
  /** What the reader says in `Last-Event-ID` when it comes back; absent: it keeps the one before. */
  readonly id?: number;
  readonly event: string;
  readonly data: unknown;
}

export class EventWriter {
  readonly #res: Response;
  readonly #drainMs: number;
  #wasCut = false;

  /** @param drainMs how long a reader may take nothing before it is cut; it comes back and goes on where it was. */
  constructor(res: Response, { drainMs }: { readonly drainMs: number }) {
    this.#res = res;
    this.#drainMs = drainMs;
  }

  get isOpen(): boolean {
    return !this.#res.closed && !this.#res.writableEnded;
  }

  get wasCut(): boolean {
    return this.#wasCut;
  }

  /** @param retryMs how long the reader waits before it comes back. */
  async open(retryMs: number): Promise<void> {
    await this.#write(`retry: ${retryMs}\n\n`);
  }

  /** Resolves when there is room for the next one, or nobody reads any more. */
  async send({ id, event, data }: OutgoingEvent): Promise<void> {
    const position = id === undefined ? '' : `id: ${id}\n`;
    await this.#write(`${position}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Keeps proxies from dropping the connection; the id is taken over by the reader without an event. */
  async heartbeat(id: number): Promise<void> {
    await this.#write(`: still here\nid: ${id}\n\n`);
  }

  end(): void {
    if (this.isOpen) this.#res.end();
  }

  async #write(text: string): Promise<void> {
    if (!this.isOpen || this.#res.write(text)) return;
    const patience = AbortSignal.timeout(this.#drainMs);
    const closed = new AbortController();
    const giveUp = () => closed.abort();
    this.#res.once('close', giveUp);
    try {
      await once(this.#res, 'drain', { signal: AbortSignal.any([patience, closed.signal]) });
    } catch {
      // Either the reader is gone, or it has taken nothing for too long; an error of the socket is followed by its close.
      if (patience.aborted && this.isOpen) {
        this.#wasCut = true;
        this.#res.destroy();
      }
    } finally {
      this.#res.off('close', giveUp);
    }
  }
}
