/** The connection that listens, with a heartbeat: an idle one never notices a dead peer by itself. */
import type { Redis } from 'ioredis';
import { clusterNodeConnector } from './clusterNodeConnector.js';
import { type HostAndPort, type RedisTarget, subscriberOptions } from './options.js';
import { connectTo } from './pool.js';

/** With it a dead peer is found after 1.2 s (measured behind a black hole). */
const HEARTBEAT_MS = 1_000;

export interface SubscriberDeps {
  readonly target: RedisTarget;
  readonly random: () => number;
  /** Nodes of the cluster that are connected now. */
  clusterNodes(): readonly HostAndPort[];
  onError(error: unknown): void;
  /** Told at every connection. */
  onReady(): void;
}

export class Subscriber {
  readonly client: Redis;
  readonly #heartbeat: NodeJS.Timeout;

  constructor({ target, random, clusterNodes, onError, onReady }: SubscriberDeps) {
    const options = subscriberOptions(target, random);
    const { clusterNodes: named } = target;
    const nodes = () => {
      const connected = clusterNodes();
      return connected.length > 0 ? connected : (named ?? []);
    };
    this.client = named
      ? connectTo(undefined, {
          ...options,
          Connector: clusterNodeConnector({ nodes, tls: options.tls, random }),
        })
      : connectTo(target.url, options);
    // The command connections report what is wrong with the server; this one only must not crash the process.
    this.client.on('error', onError);
    this.client.on('ready', onReady);
    hearRefusals(this.client, onError);
    this.#heartbeat = setInterval(() => {
      if (this.client.status === 'ready') this.client.ping().catch(onError);
    }, HEARTBEAT_MS).unref();
  }

  get state(): 'ready' | 'connecting' {
    return this.client.status === 'ready' ? 'ready' : 'connecting';
  }

  stop(): void {
    clearInterval(this.#heartbeat);
    this.client.disconnect();
  }
}

/**
 * After a break the client subscribes again by itself and looks at no answer. Nobody else would hear of one that does not
 * come, as in a hang right after the connection, and a rejection that nobody hears ends the process.
 */
function hearRefusals(client: Redis, onError: (error: unknown) => void): void {
  const subscribe = client.subscribe.bind(client) as (...args: unknown[]) => Promise<unknown>;
  const heard = (...args: unknown[]): Promise<unknown> => {
    const asked = subscribe(...args);
    asked.catch(onError);
    return asked;
  };
  client.subscribe = heard as Redis['subscribe'];
}
