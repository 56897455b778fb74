/**
 * Command connections to one server, named by address or found through Sentinel. A name always takes the same
 * connection, so that its writes arrive in order; what shares a hash tag shares the connection, and so the round trip.
 */
import { Redis } from 'ioredis';
import { type CommandSide, type CommandSideDeps, PROBE_TTL_MS } from './commandSide.js';
import { Guard, type GuardedLink } from './guard.js';
import { type ClientOptions, commandOptions, topologyOf } from './options.js';
import { slotOf } from './slot.js';

export class Pool implements CommandSide {
  readonly topology: 'single' | 'sentinel';
  readonly breaker: Guard;
  readonly #deps: CommandSideDeps;
  readonly #clients: readonly [Redis, ...Redis[]];
  #isReady = false;
  #isStopped = false;

  constructor(deps: CommandSideDeps) {
    const { target, random } = deps;
    this.#deps = deps;
    this.topology = topologyOf(target) === 'sentinel' ? 'sentinel' : 'single';
    const open = () => this.#listenTo(connectTo(target.url, commandOptions(target, random)));
    this.#clients = [open(), ...Array.from({ length: (target.poolSize ?? 1) - 1 }, open)];
    this.breaker = Guard.create({ ...deps.guard, link: this.link() });
  }

  get first(): Redis {
    return this.#clients[0];
  }

  async connect(): Promise<void> {
    const settled = this.#clients.map(async (client) => {
      // With Sentinel a first try has no end of its own: the search for a master goes on.
      const closed = new Promise<void>((resolve) => client.once('close', resolve));
      // Its failure arrives as an error event as well.
      const connected = client.connect().catch((error: unknown) => this.#deps.onError(error));
      await Promise.race([connected, closed]);
    });
    await Promise.all(settled);
  }

  stop(): void {
    this.#isStopped = true;
    this.#isReady = false;
    this.breaker.stop();
    for (const client of this.#clients) client.disconnect();
  }

  isReady(): boolean {
    return this.#isReady;
  }

  link(): GuardedLink {
    return {
      isReady: () => this.#isReady,
      probe: async () => {
        const probe = (client: Redis) => client.set(this.#deps.probeKey, '1', 'PX', PROBE_TTL_MS);
        await Promise.all(this.#clients.map(probe));
      },
      reconnect: () => {
        for (const client of this.#clients) client.disconnect(true);
      },
    };
  }

  groupOf(name: string): number {
    return this.#clients.length === 1 ? 0 : slotOf(name) % this.#clients.length;
  }

  clientOf(group: number): Redis {
    return this.#clients[group] ?? this.first;
  }

  run<T>(_group: number, work: () => Promise<T>): Promise<T> {
    return this.breaker.run(work);
  }

  connections() {
    return { ready: this.#readyClients(), total: this.#clients.length };
  }

  nodes(): readonly never[] {
    return [];
  }

  servers() {
    const state = this.#isReady ? 'ready' : this.#isStopped ? 'away' : 'connecting';
    return [{ client: this.first, state: { state, slots: null } }] as const;
  }

  #listenTo(client: Redis): Redis {
    // Without this listener the client prints every failed attempt; the log gets changes, not attempts.
    client.on('error', (error: unknown) => this.#deps.onError(error));
    client.on('ready', () => {
      if (this.#isReady || this.#isStopped || this.#readyClients() < this.#clients.length) return;
      this.#isReady = true;
      this.#deps.onReady();
    });
    client.on('close', () => {
      if (!this.#isReady) return;
      this.#isReady = false;
      this.breaker.open('not connected');
      this.#deps.onDown();
    });
    return client;
  }

  #readyClients(): number {
    return this.#clients.filter(({ status }) => status === 'ready').length;
  }
}

export function connectTo(url: string | undefined, options: ClientOptions): Redis {
  return url === undefined ? new Redis(options) : new Redis(url, options);
}
