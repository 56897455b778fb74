/** Listening and draining. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface HttpServer {
  /** Where it listens: `http://127.0.0.1:3001`. */
  readonly url: string;
  /** Takes no new connection, finishes the requests under way. */
  drain(): Promise<void>;
}

/** Longer than the carrier's 15 s for a whole exchange, so that it is the side that gives up. */
const REQUEST_TIMEOUT_MS = 20_000;
/** A connection that has not asked anything by then is a spare one, such as browsers open; Node does not count it as idle. */
const SPARE_CONNECTION_MS = 500;
/** Longer than a usual load balancer's idle time, so that it never reuses a connection we are closing. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

export async function listen(handler: RequestListener, host: string, port: number): Promise<HttpServer> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    handler,
  );
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  const spare = spareConnections(server);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  const shownHost =
    host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return { url: `http://${shownHost}:${address.port}`, drain: () => drain(server, spare) };
}

function spareConnections(server: Server): ReadonlySet<Socket> {
  const spare = new Set<Socket>();
  server.on('connection', (socket) => {
    spare.add(socket);
    socket.once('close', () => spare.delete(socket));
  });
  server.on('request', ({ socket }) => spare.delete(socket));
  return spare;
}

function drain(server: Server, spare: ReadonlySet<Socket>): Promise<void> {
  // Answers from now on tell keep-alive clients that the connection ends.
  server.prependListener('request', (_request, response) => response.setHeader('connection', 'close'));
  return new Promise((resolve, reject) => {
    server.close((error) => (error ? reject(error) : resolve()));
    server.closeIdleConnections();
    const sweeper = setInterval(() => server.closeIdleConnections(), 50);
    const spareTimer = setTimeout(() => {
      for (const socket of spare) socket.destroy();
    }, SPARE_CONNECTION_MS);
    server.once('close', () => {
      clearInterval(sweeper);
      clearTimeout(spareTimer);
    });
  });
}
