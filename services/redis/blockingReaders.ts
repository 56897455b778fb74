/** Connections for commands that wait at the server (BLPOP, XREAD BLOCK): one for each reader, apart from all others. */
import { Cluster, type Redis } from 'ioredis';
import { JackError } from '../errors.js';
import { blockingOptions, clusterOptions, type RedisTarget } from './options.js';
import { connectTo } from './pool.js';

const MAX_READERS = 32;

export interface BlockingReadersDeps {
  readonly target: RedisTarget;
  readonly random: () => number;
  onError(error: unknown): void;
}

export class BlockingReaders {
  readonly #deps: BlockingReadersDeps;
  readonly #readers = new Set<Redis | Cluster>();

  constructor(deps: BlockingReadersDeps) {
    this.#deps = deps;
  }

  get count(): number {
    return this.#readers.size;
  }

  /** @throws JackError E_INTERNAL when there are too many, which means that somebody does not close theirs. */
  open(longestBlockMs: number): Redis | Cluster {
    if (this.#readers.size >= MAX_READERS) {
      throw new JackError('E_INTERNAL', `More than ${MAX_READERS} blocking readers of Redis are open.`);
    }
    const { target, random, onError } = this.#deps;
    const options = blockingOptions(target, random, longestBlockMs);
    const reader = target.clusterNodes
      ? new Cluster([...target.clusterNodes], clusterOptions(target, options, random))
      : connectTo(target.url, options);
    this.#readers.add(reader);
    reader.on('error', onError);
    reader.once('end', () => this.#readers.delete(reader));
    reader.connect().catch(onError);
    return reader;
  }

  stop(): void {
    for (const reader of this.#readers) reader.disconnect();
    this.#readers.clear();
  }
}
