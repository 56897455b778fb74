/** One load for all callers of this process that want the same thing at once. */
interface Flight {
  isCurrent: boolean;
  result: Promise<unknown>;
}

export class SingleFlight {
  readonly #flights = new Map<string, Flight>();

  /** @param load asks `isCurrent` before it stores: false once something newer was written or deleted. */
  async run<T>(name: string, load: (isCurrent: () => boolean) => Promise<T>): Promise<T> {
    const running = this.#flights.get(name);
    if (running) return (await running.result) as T;
    const own: Flight = { isCurrent: true, result: Promise.resolve() };
    const result = load(() => own.isCurrent).finally(() => {
      if (this.#flights.get(name) === own) this.#flights.delete(name);
    });
    own.result = result;
    this.#flights.set(name, own);
    return await result;
  }

  /** Who asks from now on gets a load of its own. */
  abandon(name: string): void {
    const flight = this.#flights.get(name);
    if (!flight) return;
    flight.isCurrent = false;
    this.#flights.delete(name);
  }

  abandonAll(): void {
    for (const name of [...this.#flights.keys()]) this.abandon(name);
  }
}
