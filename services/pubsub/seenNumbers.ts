/** What was heard last from each sending process, to tell what is new from what came twice, and to notice gaps. */
import { LRUCache } from 'lru-cache';
import type { Envelope } from './envelope.js';

/** Processes that publish to one organization; of one forgotten the next message is taken as the first. */
const MAX_ORIGINS = 256;

export class SeenNumbers {
  readonly #last = new LRUCache<string, number>({ max: MAX_ORIGINS });

  /** @returns `double` when it was here before; `gap` when something before it was not. */
  note({ origin, number, previous }: Envelope): 'next' | 'double' | 'gap' {
    const last = this.#last.get(origin);
    if (last !== undefined && number <= last) return 'double';
    this.#last.set(origin, number);
    return last !== undefined && previous > last ? 'gap' : 'next';
  }
}
