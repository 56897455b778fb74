/** One load for all callers of this process that want the same thing at once. */
export interface Flight {
  /** False once something newer was written or deleted: what the load brings is not to be stored. */
  isCurrent(): boolean;
  /** Callers get the result at once; until this is done, whoever comes later still joins. @param work never rejects. */
  lastsUntil(work: Promise<unknown>): void;
}

interface Running {
  isCurrent: boolean;
  result: Promise<unknown>;
  after: Promise<unknown> | undefined;
}

export class SingleFlight {
  readonly #flights = new Map<string, Running>();

  async run<T>(name: string, load: (flight: Flight) => Promise<T>): Promise<T> {
    const running = this.#flights.get(name);
    if (running) return (await running.result) as T;
    const own: Running = { isCurrent: true, result: Promise.resolve(), after: undefined };
    const end = (): void => {
      if (this.#flights.get(name) === own) this.#flights.delete(name);
    };
    const result = load({
      isCurrent: () => own.isCurrent,
      lastsUntil: (work) => {
        own.after = work;
      },
    }).finally(() => {
      if (own.after) void own.after.then(end);
      else end();
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
