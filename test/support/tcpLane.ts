/** One direction of a proxied connection: chunks in order, each at its own time. */
import type { Socket } from 'node:net';

interface Parcel {
  /** Undefined: the end of the stream. */
  readonly chunk: Buffer | undefined;
  readonly dueMs: number;
}

export class Lane {
  readonly #to: Socket;
  readonly #waiting: Parcel[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(to: Socket) {
    this.#to = to;
    to.once('close', () => {
      clearTimeout(this.#timer);
      this.#waiting.length = 0;
    });
  }

  send(chunk: Buffer, delayMs: number): void {
    this.#add({ chunk, dueMs: performance.now() + delayMs });
  }

  end(): void {
    this.#add({ chunk: undefined, dueMs: 0 });
  }

  #add(parcel: Parcel): void {
    if (this.#waiting.length === 0 && parcel.dueMs <= performance.now()) this.#deliver(parcel);
    else {
      this.#waiting.push(parcel);
      this.#schedule();
    }
  }

  /** By the head of the queue only: a chunk that is due earlier still waits for the one before it. */
  #schedule(): void {
    const [head] = this.#waiting;
    if (!head || this.#timer) return;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        const nowMs = performance.now();
        while (this.#waiting[0] && this.#waiting[0].dueMs <= nowMs) this.#deliver(this.#waiting.shift()!);
        this.#schedule();
      },
      Math.max(1, head.dueMs - performance.now()),
    );
  }

  #deliver({ chunk }: Parcel): void {
    if (this.#to.destroyed || this.#to.writableEnded) return;
    if (chunk) this.#to.write(chunk);
    else this.#to.end();
  }
}
