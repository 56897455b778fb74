/** One shard of a cluster: who serves its slots now, and the guard before it. It outlives the server that serves it. */
import type { Redis } from 'ioredis';
import { PROBE_TTL_MS } from './commandSide.js';
import { Guard, type GuardOptions } from './guard.js';
import { nameInSlots } from './slot.js';

export interface ShardDeps {
  readonly guard?: Partial<Omit<GuardOptions, 'link'>> | undefined;
  readonly probeKey: string;
  /** The connection to the server of this `host:port` now; it is replaced when it ends. */
  clientOf(nodeKey: string): Redis | undefined;
  owns(slot: number): boolean;
}

export class Shard {
  readonly guard: Guard;
  readonly #deps: ShardDeps;
  /** `host:port` of the server that takes its writes. */
  nodeKey: string;
  slots = 0;
  #probeName: string | undefined;

  constructor(nodeKey: string, deps: (shard: Shard) => ShardDeps) {
    this.nodeKey = nodeKey;
    this.#deps = deps(this);
    this.guard = Guard.create({
      ...this.#deps.guard,
      link: {
        isReady: () => this.isReady(),
        probe: () => this.#probe(),
        reconnect: () => this.client()?.disconnect(true),
      },
    });
  }

  client(): Redis | undefined {
    return this.#deps.clientOf(this.nodeKey);
  }

  isReady(): boolean {
    return this.client()?.status === 'ready';
  }

  /** Its slots are others now, so the name of the probe may lie with somebody else. */
  moved(): void {
    this.#probeName = undefined;
  }

  /** Asks the server itself: what the cluster client makes of a redirection says nothing about this one. */
  async #probe(): Promise<void> {
    this.#probeName ??= nameInSlots(this.#deps.probeKey, (slot) => this.#deps.owns(slot));
    const client = this.client();
    if (!client) throw new Error('There is no connection to this shard.');
    await client.set(this.#probeName, '1', 'PX', PROBE_TTL_MS);
  }
}
