/**
 * A TCP proxy on the loopback in front of a real server, for faults of the network. A mode holds for the connections
 * there are and for new ones until the next is chosen; an action happens once, to the connections there are.
 */
import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';
import { Lane } from './tcpLane.js';

/** `toServer` carries requests, `toClient` replies. */
export type Direction = 'toServer' | 'toClient';

export type ProxyMode =
  | { readonly kind: 'pass' }
  /** Connections are accepted and what comes is swallowed. Nothing is closed, as behind a cut cable. */
  | { readonly kind: 'blackHole'; readonly direction: Direction | 'both' }
  /** Each chunk arrives `ms` later, in order, without lowering the throughput. */
  | { readonly kind: 'latency'; readonly ms: number; readonly direction: Direction | 'both' }
  /** Requests reach the server and are executed; where a reply would pass, the client gets a reset instead. */
  | { readonly kind: 'loseReplies' }
  /** Nobody listens: connecting is refused. */
  | { readonly kind: 'cutOff' };

export interface TcpProxyOptions {
  /** The real server's port on the loopback. */
  readonly targetPort: number;
  /** A free one when absent. */
  readonly port?: number;
}

export class TcpProxy {
  readonly #targetPort: number;
  readonly #pairs = new Set<Pair>();
  #server: Server | undefined;
  #port = 0;
  #mode: ProxyMode = { kind: 'pass' };
  #accepted = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
  }

  static async start(options: TcpProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(options.targetPort);
    await proxy.#listen(options.port ?? 0);
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get mode(): ProxyMode {
    return this.#mode;
  }

  /** Connections that clients hold now. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Connections accepted since the start. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Ends the fault. A connection that lost bytes in it is reset, since its stream has a hole; the others go on. */
  async pass(): Promise<void> {
    await this.#enter({ kind: 'pass' });
  }

  async blackHole(direction: Direction | 'both' = 'both'): Promise<void> {
    await this.#enter({ kind: 'blackHole', direction });
  }

  async latency(ms: number, direction: Direction | 'both' = 'toClient'): Promise<void> {
    await this.#enter({ kind: 'latency', ms, direction });
  }

  async loseReplies(): Promise<void> {
    await this.#enter({ kind: 'loseReplies' });
  }

  /** Resets what is open and refuses what comes. `pass` listens on the same port again. */
  async cutOff(): Promise<void> {
    await this.#enter({ kind: 'cutOff' });
    this.resetAll();
  }

  /** The server's side of each connection ends; the client's stays open and is never answered. New ones work. */
  halfOpen(): void {
    for (const pair of this.#pairs) pair.dropServer();
  }

  /** RST to every client. */
  resetAll(): void {
    for (const pair of this.#pairs) pair.reset();
  }

  /** FIN to every client, after what was on its way. */
  closeAll(): void {
    for (const pair of this.#pairs) pair.close();
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    this.resetAll();
    await this.#unlisten();
  }

  async #enter(mode: ProxyMode): Promise<void> {
    this.#mode = mode;
    if (mode.kind === 'cutOff') await this.#unlisten();
    else if (!this.#server) await this.#listen(this.#port);
    if (mode.kind !== 'pass') return;
    for (const pair of this.#pairs) if (pair.hasLostBytes) pair.reset();
  }

  async #listen(port: number): Promise<void> {
    const server = createServer({ noDelay: true }, (client) => this.#accept(client));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    this.#server = server;
    this.#port = (server.address() as { port: number }).port;
  }

  /** New connections are refused at once; those that are open are the caller's affair. */
  async #unlisten(): Promise<void> {
    this.#server?.close();
    this.#server = undefined;
  }

  #accept(client: Socket): void {
    this.#accepted += 1;
    const pair = new Pair(client, this.#targetPort, () => this.#mode);
    this.#pairs.add(pair);
    client.once('close', () => this.#pairs.delete(pair));
  }
}

/** One client and its connection to the server. */
class Pair {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #mode: () => ProxyMode;
  #hasLostBytes = false;
  #isHalfOpen = false;

  constructor(client: Socket, targetPort: number, mode: () => ProxyMode) {
    this.#client = client;
    this.#mode = mode;
    this.#server = tcpConnect({ host: '127.0.0.1', port: targetPort, noDelay: true });
    this.#join('toServer', client, this.#server);
    this.#join('toClient', this.#server, client);
    client.on('error', () => this.#server.destroy());
    client.on('close', () => this.#server.destroy());
    this.#server.on('error', () => this.#tellEnd(() => this.reset()));
  }

  get hasLostBytes(): boolean {
    return this.#hasLostBytes;
  }

  reset(): void {
    this.#client.resetAndDestroy();
  }

  close(): void {
    this.#client.end();
    this.#server.end();
  }

  dropServer(): void {
    this.#isHalfOpen = true;
    this.#server.destroy();
  }

  #join(direction: Direction, from: Socket, to: Socket): void {
    const lane = new Lane(to);
    from.on('data', (chunk: Buffer) => this.#carry(direction, lane, chunk));
    from.on('end', () => {
      if (direction === 'toServer') lane.end();
      else this.#tellEnd(() => lane.end());
    });
  }

  #carry(direction: Direction, lane: Lane, chunk: Buffer): void {
    const mode = this.#mode();
    if (mode.kind === 'loseReplies' && direction === 'toClient') this.reset();
    else if (mode.kind === 'blackHole' && covers(mode.direction, direction)) this.#hasLostBytes = true;
    else lane.send(chunk, mode.kind === 'latency' && covers(mode.direction, direction) ? mode.ms : 0);
  }

  /** Behind a black hole and on a half-open connection the client does not hear of the server's end. */
  #tellEnd(tell: () => void): void {
    const mode = this.#mode();
    if (mode.kind === 'blackHole' && covers(mode.direction, 'toClient')) this.#hasLostBytes = true;
    else if (!this.#isHalfOpen) tell();
  }
}

const covers = (chosen: Direction | 'both', direction: Direction): boolean =>
  chosen === 'both' || chosen === direction;
