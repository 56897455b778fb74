/**
 * What is to be published, in order: one exchange at a time carries all that waits. What an exchange could not bring is
 * tried again when Redis is back, and receivers drop what they had already; what waits is bounded, the oldest goes first.
 */
import type { Cluster, Redis } from 'ioredis';
import { coalesce } from '../coalesce.js';
import { asError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { PubSubConnections, PubSubLimits } from './types.js';

interface Waiting {
  readonly channel: string;
  readonly text: string;
}

/** Bounds the time that one exchange takes, far below its deadline. */
const MAX_BATCH = 200;
const RETRY_MS = 250;
const LONGEST_RETRY_MS = 2_000;

export interface SendQueueDeps {
  readonly connections: PubSubConnections;
  readonly limits: PubSubLimits;
  readonly random: () => number;
  readonly logger: Logger;
}

export class SendQueue {
  readonly #deps: SendQueueDeps;
  readonly #pump = coalesce(() => this.#send());
  #waiting: Waiting[] = [];
  #bytes = 0;
  #underWay = 0;
  #sent = 0;
  #dropped = 0;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(deps: SendQueueDeps) {
    this.#deps = deps;
    deps.connections.onChange((isReady) => {
      if (isReady) this.#tryAgain();
    });
    // What this process has changed while it was away, the others answer from their memory until they hear of it.
    deps.connections.guard?.onChange((isOpen) => {
      if (!isOpen) this.#tryAgain();
    });
  }

  add(channel: string, text: string): void {
    if (this.#isStopped) return;
    this.#waiting.push({ channel, text });
    this.#bytes += sizeOf(text);
    this.#makeRoom();
    if (this.#retry === undefined) this.#pump.run();
  }

  stats() {
    return {
      sent: this.#sent,
      buffered: this.#waiting.length,
      bufferedBytes: this.#bytes,
      dropped: this.#dropped,
    };
  }

  /** What waits gets one more try. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#tryAgain();
    this.#isStopped = true;
    await this.#pump.idle();
    clearTimeout(this.#retry);
  }

  /** What is under way stays: whether it arrived is not known yet. */
  #makeRoom(): void {
    const { maxBufferedMessages, maxBufferedBytes } = this.#deps.limits;
    while (this.#waiting.length > maxBufferedMessages || this.#bytes > maxBufferedBytes) {
      const [oldest] = this.#waiting.splice(this.#underWay, 1);
      if (!oldest) return;
      this.#bytes -= sizeOf(oldest.text);
      this.#dropped += 1;
    }
  }

  async #send(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MAX_BATCH);
      this.#underWay = batch.length;
      try {
        await this.#exchange(batch);
      } catch (error) {
        this.#failed(asError(error));
        return;
      } finally {
        this.#underWay = 0;
      }
      this.#failures = 0;
      this.#sent += batch.length;
      this.#waiting = this.#waiting.slice(batch.length);
      for (const { text } of batch) this.#bytes -= sizeOf(text);
    }
  }

  async #exchange(batch: readonly Waiting[]): Promise<void> {
    const { connections } = this.#deps;
    const group = connections.groupOf('pubsub');
    const work = async () => {
      const client = oneNode(connections.clientOf(group), group);
      await Promise.all(batch.map(({ channel, text }) => client.publish(channel, text)));
    };
    await connections.exchange(work, 'publish', group);
  }

  #failed(error: Error): void {
    if (this.#failures === 0) {
      this.#deps.logger.debug('messages wait for Redis', {
        waiting: this.#waiting.length,
        reason: error.name,
      });
    }
    this.#failures += 1;
    if (this.#isStopped) return;
    const delayMs = Math.min(RETRY_MS * 2 ** Math.min(this.#failures - 1, 10), LONGEST_RETRY_MS);
    this.#retry = setTimeout(() => this.#tryAgain(), delayMs * (0.5 + this.#deps.random() / 2)).unref();
  }

  #tryAgain(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (this.#waiting.length > 0 && !this.#isStopped) this.#pump.run();
  }
}

/**
 * Always the same connection, which keeps the order. A cluster's client would take any node for a command without a key;
 * the node of the group's slot passes a message on to all.
 */
function oneNode(client: Redis | Cluster, slot: number): Pick<Redis, 'publish'> {
  if (!('nodes' in client)) return client;
  const nodes = client.nodes('master');
  const owner = client.slots[slot]?.[0];
  const found = nodes.find(({ options }) => `${options.host}:${options.port}` === owner) ?? nodes[0];
  if (!found) throw new Error('no node of the cluster is connected');
  return found;
}

const sizeOf = (text: string): number => Buffer.byteLength(text);
