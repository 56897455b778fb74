/**
 * A REST server in front of a real Redis that speaks what https://upstash.com/docs/redis/features/restapi documents:
 * commands as JSON array, in the path, as pipeline and as transaction; bearer token; JSON or base64 answers; HTTP codes.
 * It does not speak: server-sent events (`/subscribe`, `/monitor`) and RESP2 answers.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { answerRequest, type BridgeAnswer } from './upstashProtocol.js';

/** What goes wrong with each request until the next is chosen. */
export type BridgeFault =
  | { readonly kind: 'none' }
  /** Executed and answered, later. */
  | { readonly kind: 'slow'; readonly ms: number }
  /** Not executed; answered with this status and an `error`, or with `body` as it is. */
  | { readonly kind: 'status'; readonly status: number; readonly body?: string }
  /** Accepted, not executed, never answered. */
  | { readonly kind: 'hang' }
  /** Not executed; the connection is reset. */
  | { readonly kind: 'reset' }
  /** Executed; the connection is reset in place of the answer. */
  | { readonly kind: 'lost answer' };

export interface BridgeRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export class UpstashBridge {
  /** What has arrived, oldest first; refused requests as well. */
  readonly requests: BridgeRequest[] = [];
  token = 'bridge-token-0';
  #fault: BridgeFault = { kind: 'none' };
  readonly #redis: Redis;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #port = 0;
  #connections = 0;
  #syncToken = 0;

  private constructor(redisUrl: string) {
    this.#redis = new Redis(redisUrl, {
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      lazyConnect: true,
    });
    // A dead Redis is answered for with 503; it is no news of its own.
    this.#redis.on('error', () => undefined);
  }

  static async start(redisUrl: string): Promise<UpstashBridge> {
    const bridge = new UpstashBridge(redisUrl);
    await bridge.#redis.connect();
    await bridge.up();
    return bridge;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Connections accepted since the start. */
  get connections(): number {
    return this.#connections;
  }

  /** From now on, until told otherwise; `none` heals. */
  fail(fault: BridgeFault): void {
    this.#fault = fault;
  }

  /** From now on only the new token is let in. */
  rotateToken(): string {
    this.token = `bridge-token-${Number(this.token.split('-').at(-1)) + 1}`;
    return this.token;
  }

  /** Listens, on the same port as before. */
  async up(): Promise<void> {
    if (this.#server) return;
    const server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.socket?.resetAndDestroy());
    });
    server.on('connection', (socket: Socket) => {
      this.#connections += 1;
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, '127.0.0.1', resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Ends every connection; connecting is refused. */
  async down(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    const closed = new Promise((resolve) => server.close(resolve));
    this.resetConnections();
    await closed;
  }

  resetConnections(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    await this.down();
    this.#redis.disconnect();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const url = new URL(request.url ?? '/', this.url);
    const { method = 'GET', headers } = request;
    this.requests.push({ method, path: url.pathname, headers, body: body.toString() });
    const fault = this.#fault;
    if (fault.kind === 'hang') return;
    if (fault.kind === 'reset') return void response.socket?.resetAndDestroy();
    if (fault.kind === 'status') {
      const text = fault.body ?? JSON.stringify({ error: `ERR simulated ${fault.status}` });
      return this.#send(response, { status: fault.status, text });
    }
    if (fault.kind === 'slow') await pause(fault.ms, undefined, { ref: false });
    const answer = await answerRequest({ method, url, headers, body }, this.token, this.#redis);
    if (fault.kind === 'lost answer') return void response.socket?.resetAndDestroy();
    this.#send(response, answer);
  }

  #send(response: ServerResponse, { status, text }: BridgeAnswer): void {
    this.#syncToken += 1;
    response
      .writeHead(status, {
        'content-type': 'application/json',
        'upstash-sync-token': `sync-${this.#syncToken}`,
      })
      .end(text);
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
