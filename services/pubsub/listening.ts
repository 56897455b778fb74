/**
 * The listening side: which channels Redis should tell us of, asked for again after every break. A break is told at
 * once and again when everything is listened to again, since nobody told what happened in between.
 */
import type { Redis } from 'ioredis';
import { asError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { PubSubConnections } from './types.js';

export interface ListeningDeps {
  readonly connections: PubSubConnections;
  readonly random: () => number;
  readonly logger: Logger;
  onMessage(channel: string, text: string): void;
  /** Something may have been missed. */
  onBreak(): void;
}

const RETRY_MS = 500;

export class Listening {
  readonly #deps: ListeningDeps;
  readonly #wanted = new Set<string>();
  readonly #heard = new Set<string>();
  #client: Redis | undefined;
  #wasListening = false;
  #isStopped = false;
  #breaks = 0;
  #retry: NodeJS.Timeout | undefined;
  readonly #onMessage = (channel: string, text: string) => this.#deps.onMessage(channel, text);
  readonly #onReady = () => this.#askAgain();
  readonly #onClose = () => this.#lost();

  constructor(deps: ListeningDeps) {
    this.#deps = deps;
  }

  get breaks(): number {
    return this.#breaks;
  }

  /** Whether every wanted channel is listened to. */
  get isListening(): boolean {
    return this.#heard.size === this.#wanted.size;
  }

  hears(channel: string): boolean {
    return this.#heard.has(channel);
  }

  want(channel: string): void {
    if (this.#isStopped || this.#wanted.has(channel)) return;
    this.#wanted.add(channel);
    if (this.#open().status === 'ready') this.#ask([channel]);
  }

  unwant(channel: string): void {
    if (!this.#wanted.delete(channel)) return;
    this.#heard.delete(channel);
    const client = this.#client;
    if (client?.status !== 'ready') return;
    client.unsubscribe(channel).catch(() => {
      // The connection is gone, and with it the subscription.
    });
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    this.#client?.off('message', this.#onMessage).off('ready', this.#onReady).off('close', this.#onClose);
    this.#wanted.clear();
    this.#heard.clear();
  }

  #open(): Redis {
    if (this.#client) return this.#client;
    const client = this.#deps.connections.subscriber();
    client.on('message', this.#onMessage).on('ready', this.#onReady).on('close', this.#onClose);
    this.#client = client;
    return client;
  }

  #askAgain(): void {
    if (this.#wanted.size > 0) this.#ask([...this.#wanted]);
    else this.#wasListening = true;
  }

  #ask(channels: readonly string[]): void {
    this.#client?.subscribe(...channels).then(
      () => this.#answered(channels),
      (error: unknown) => this.#refused(asError(error)),
    );
  }

  #answered(channels: readonly string[]): void {
    if (this.#client?.status !== 'ready') return;
    for (const channel of channels) if (this.#wanted.has(channel)) this.#heard.add(channel);
    if (!this.isListening || this.#wasListening) return;
    this.#wasListening = true;
    this.#deps.onBreak();
  }

  /** A broken connection is asked again when it is back; anything else (a permission, a loading server) after a while. */
  #refused(error: Error): void {
    if (this.#isStopped || this.#client?.status !== 'ready') return;
    this.#deps.logger.warn('a channel could not be subscribed to; it is tried again', {
      reason: error.message.split(' ', 1)[0],
    });
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#askAgain(), RETRY_MS * (0.5 + this.#deps.random())).unref();
  }

  #lost(): void {
    this.#heard.clear();
    if (!this.#wasListening) return;
    this.#wasListening = false;
    this.#breaks += 1;
    this.#deps.logger.info('the listening connection to Redis is lost; it reconnects by itself');
    this.#deps.onBreak();
  }
}
