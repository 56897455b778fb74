/**
 * Which of the changes of a name that are under way is the last one. What an older one comes to after that does not count: its
 * failure must not put an older value into the Map, its success must not take a newer one out.
 */
export class LatestChanges {
  readonly #last = new Map<string, number>();
  #count = 0;

  /** @returns its number. */
  begin(names: readonly string[]): number {
    this.#count += 1;
    for (const name of names) this.#last.set(name, this.#count);
    return this.#count;
  }

  /** @returns those of `names` that nobody has changed since. */
  stillLast(names: readonly string[], number: number): readonly string[] {
    return names.every((name) => this.#last.get(name) === number)
      ? names
      : names.filter((name) => this.#last.get(name) === number);
  }

  end(names: readonly string[], number: number): void {
    for (const name of names) if (this.#last.get(name) === number) this.#last.delete(name);
  }
}
