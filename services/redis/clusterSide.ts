/**
 * Commands to a Redis Cluster. A group is a hash slot, so that one exchange has one server and its guard. The client
 * follows redirections; what it does not do is told below.
 */
import { Cluster, type Redis } from 'ioredis';
import { type CommandSide, type CommandSideDeps, PROBE_TTL_MS } from './commandSide.js';
import type { GuardedLink } from './guard.js';
import { clusterOptions, commandOptions, type HostAndPort } from './options.js';
import { Shards } from './shards.js';
import { slotOf } from './slot.js';

/** The only way to hear of a failover without traffic: with 2 s it took 5.2 s instead of 3.5. */
const LOOK_EVERY_MS = 1_000;

export class ClusterSide implements CommandSide {
  readonly topology = 'cluster';
  readonly breaker: Shards;
  readonly client: Cluster;
  readonly #deps: CommandSideDeps;
  /** By `host:port`. */
  readonly #nodes = new Map<string, Redis>();
  #isReady = false;
  #isStopped = false;
  #onAllReady: (() => void) | undefined;
  /** Not the client's own interval, which begins anew when a look ends after `disconnect` and then never ends. */
  #looks: NodeJS.Timeout | undefined;

  constructor(deps: CommandSideDeps, nodes: readonly HostAndPort[]) {
    this.#deps = deps;
    const { target, random, guard, probeKey, logger } = deps;
    this.breaker = new Shards({ guard, probeKey, logger, clientOf: (key) => this.#nodes.get(key) });
    const options = clusterOptions(target, commandOptions(target, random), random);
    this.client = new Cluster([...nodes], options);
    this.#listen();
  }

  async connect(): Promise<void> {
    const allReady = new Promise<void>((resolve) => {
      this.#onAllReady = resolve;
    });
    const failed = new Promise<void>((resolve) => this.client.once('close', resolve));
    this.#looks ??= setInterval(() => {
      if (this.client.status === 'ready') this.client.refreshSlotsCache();
    }, LOOK_EVERY_MS).unref();
    this.client.connect().catch((error: unknown) => this.#deps.onError(error));
    await Promise.race([allReady, failed]);
  }

  stop(): void {
    this.#isStopped = true;
    this.#isReady = false;
    clearInterval(this.#looks);
    this.breaker.stop();
    this.client.disconnect();
  }

  isReady(): boolean {
    return this.#isReady;
  }

  link(): GuardedLink {
    return {
      isReady: () => this.#isReady,
      probe: async () => {
        await this.client.set(this.#deps.probeKey, '1', 'PX', PROBE_TTL_MS);
      },
      reconnect: () => this.client.disconnect(true),
    };
  }

  groupOf(name: string): number {
    return slotOf(name);
  }

  clientOf(): Cluster {
    return this.client;
  }

  run<T>(group: number, work: () => Promise<T>): Promise<T> {
    return this.breaker.runOn(group, work);
  }

  connections() {
    const shards = this.breaker.all;
    return { ready: shards.filter((shard) => shard.isReady()).length, total: shards.length };
  }

  nodes(): readonly HostAndPort[] {
    return [...this.#nodes.values()]
      .filter(({ status }) => status === 'ready')
      .map(({ options: { host = '', port = 0 } }) => ({ host, port }));
  }

  servers() {
    return this.breaker.all.map((shard) => ({
      client: shard.client(),
      state: {
        state: shard.isReady() && !shard.guard.isOpen ? ('ready' as const) : ('away' as const),
        slots: shard.slots,
      },
    }));
  }

  #listen(): void {
    this.client.on('+node', (node: Redis) => this.#add(node));
    this.client.on('refresh', () => {
      separateSlots(this.client);
      this.breaker.assign(this.client.slots);
      this.#settle();
    });
    this.client.on('ready', () => {
      for (const node of this.client.nodes()) this.#connect(node);
    });
    for (const event of ['ready', 'close', 'end']) this.client.on(event, () => this.#settle());
    this.client.on('error', (error: unknown) => this.#deps.onError(lastNodeError(error)));
    this.client.on('node error', (error: unknown) => this.#deps.onError(error));
  }

  /** Connected before it is needed, replicas too: the client would connect them with the first command, which would fail. */
  #add(node: Redis): void {
    const key = `${node.options.host}:${node.options.port}`;
    this.#nodes.set(key, node);
    node.on('ready', () => this.#settle());
    node.on('close', () => {
      for (const shard of this.breaker.all) {
        if (shard.client() === node) shard.guard.open('not connected');
      }
      this.#settle();
    });
    node.once('end', () => {
      if (this.#nodes.get(key) === node) this.#nodes.delete(key);
    });
    // Not before: the client's own first question goes to a node that is not connecting yet.
    if (this.client.status === 'ready') queueMicrotask(() => this.#connect(node));
  }

  #connect(node: Redis): void {
    if (node.status !== 'wait' || this.#isStopped) return;
    node.connect().catch((error: unknown) => this.#deps.onError(error));
  }

  #settle(): void {
    if (this.#isStopped) return;
    const isConnected = this.client.status === 'ready';
    const { ready, total } = this.connections();
    if (isConnected && total > 0 && ready === total) this.#onAllReady?.();
    const isReady = isConnected && ready > 0;
    if (isReady === this.#isReady) return;
    this.#isReady = isReady;
    if (isReady) {
      this.#deps.onReady();
      return;
    }
    this.breaker.open('not connected');
    this.#deps.onDown();
  }
}

/**
 * The client keeps one list for all slots of a range, and a redirection of one slot changes it for all of them: while
 * slots migrate, the others of the range would be sent to and fro.
 */
function separateSlots({ slots }: Cluster): void {
  for (let slot = 0; slot < slots.length; slot += 1) {
    const keys = slots[slot];
    if (keys) slots[slot] = [...keys];
  }
}

/** "Failed to refresh slots cache." names no cause; the error of the node last asked does. */
function lastNodeError(error: unknown): unknown {
  return (error as { lastNodeError?: unknown } | undefined)?.lastNodeError ?? error;
}
