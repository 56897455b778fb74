/** The proxy that the fault tests trust: each of its faults is what it says, and ends when told to. */
import { once } from 'node:events';
import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TcpProxy } from '../support/tcpProxy.js';
import { until } from '../support/until.js';

/** Long enough for a chunk to cross the loopback twice; a chunk that comes later is a failure elsewhere. */
const QUIET_MS = 60;

interface Client {
  readonly socket: Socket;
  text(): string;
  /** `reset`, `end`, an error's code, or undefined while it is open. */
  fate(): string | undefined;
}

describe('The TCP proxy of the fault tests', () => {
  let echo: Server;
  let heard = '';
  let serverSide: Socket[] = [];
  let proxy: TcpProxy;
  let clients: Client[] = [];

  beforeEach(async () => {
    heard = '';
    serverSide = [];
    clients = [];
    echo = createServer((socket) => {
      serverSide.push(socket);
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        heard += chunk.toString();
        socket.write(chunk);
      });
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await TcpProxy.start({ targetPort: (echo.address() as { port: number }).port });
  });
  afterEach(async () => {
    for (const { socket } of clients) socket.destroy();
    await proxy.stop();
    for (const socket of serverSide) socket.destroy();
    echo.close();
    await once(echo, 'close');
  });

  async function connect(): Promise<Client> {
    const socket = tcpConnect({ port: proxy.port, host: '127.0.0.1' });
    let text = '';
    let fate: string | undefined;
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('end', () => (fate ??= 'end'));
    socket.on('error', (error: NodeJS.ErrnoException) => (fate ??= error.code));
    const client = { socket, text: () => text, fate: () => fate };
    clients.push(client);
    await once(socket, 'connect');
    return client;
  }

  async function talking(): Promise<Client> {
    const client = await connect();
    client.socket.write('hello ');
    await until(() => client.text() === 'hello ', { everyMs: 2 });
    return client;
  }

  const quiet = () => new Promise((resolve) => setTimeout(resolve, QUIET_MS));

  it('passes bytes both ways and counts connections', async () => {
    const client = await talking();
    await connect();
    expect([proxy.accepted, proxy.open, proxy.mode]).toEqual([2, 2, { kind: 'pass' }]);
    client.socket.end();
    await until(() => proxy.open === 1);
    expect(client.fate()).toBe('end');
  });

  it('black hole: accepts and swallows, closes nothing; when it ends only those that lost bytes are reset', async () => {
    const [loser, idle] = [await talking(), await talking()];
    await proxy.blackHole();
    loser.socket.write('lost');
    const late = await connect();
    late.socket.write('lost too');
    await quiet();
    expect([heard, loser.text(), late.text()]).toEqual(['hello hello ', 'hello ', '']);
    expect([loser.fate(), late.fate()]).toEqual([undefined, undefined]);
    await proxy.pass();
    await until(() => loser.fate() && late.fate());
    expect([loser.fate(), late.fate(), idle.fate()]).toEqual(['ECONNRESET', 'ECONNRESET', undefined]);
    idle.socket.write('again');
    await until(() => idle.text() === 'hello again');
  });

  it('black hole one way: requests are executed while replies are swallowed, and the other way round', async () => {
    const client = await talking();
    await proxy.blackHole('toClient');
    client.socket.write('executed');
    await until(() => heard.endsWith('executed'));
    await quiet();
    expect(client.text()).toBe('hello ');
    const other = await connect();
    await proxy.blackHole('toServer');
    other.socket.write('swallowed');
    await until(() => serverSide.length === 2);
    serverSide[1]!.write('pushed');
    await until(() => other.text() === 'pushed');
    expect(heard).not.toContain('swallowed');
  });

  it("black hole: the server's end is not heard of", async () => {
    const client = await talking();
    await proxy.blackHole();
    serverSide[0]!.destroy();
    await quiet();
    expect(client.fate()).toBeUndefined();
    await proxy.pass();
    await until(() => client.fate() === 'ECONNRESET');
  });

  it('half-open: the server has let go, the client is not told and not answered, new connections work', async () => {
    const client = await talking();
    proxy.halfOpen();
    await until(() => serverSide[0]!.destroyed, { what: 'the end on the side of the server' });
    client.socket.write('into nothing');
    await quiet();
    expect([client.fate(), client.text(), heard]).toEqual([undefined, 'hello ', 'hello ']);
    await talking();
  });

  it('latency: chunks come later, in order, and side by side; ended, they come at once', async () => {
    const client = await talking();
    await proxy.latency(120);
    const sentAtMs = performance.now();
    for (const word of ['a', 'b', 'c', 'd', 'e']) {
      client.socket.write(word);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await until(() => heard === 'hello abcde', { what: 'the requests, which are not delayed' });
    expect(client.text()).toBe('hello ');
    await until(() => client.text() === 'hello abcde', { everyMs: 2 });
    const tookMs = performance.now() - sentAtMs;
    expect(tookMs).toBeGreaterThanOrEqual(119);
    expect(tookMs).toBeLessThan(400);
    await proxy.latency(1);
    client.socket.write('f');
    await until(() => client.text() === 'hello abcdef');
  });

  it('a chunk that is not delayed does not overtake one that is', async () => {
    const client = await talking();
    await proxy.latency(80);
    client.socket.write('slow');
    await until(() => heard.endsWith('slow'));
    await quiet();
    await proxy.pass();
    client.socket.write('fast');
    await until(() => client.text() === 'hello slowfast');
  });

  it('lost replies: the request is executed, and where the reply would be there is a reset', async () => {
    const client = await talking();
    await proxy.loseReplies();
    client.socket.write('executed');
    await until(() => client.fate() === 'ECONNRESET');
    expect([heard, client.text()]).toEqual(['hello executed', 'hello ']);
  });

  it('reset all and close all: RST or FIN to those that are open, and new ones work', async () => {
    const first = await talking();
    proxy.resetAll();
    await until(() => first.fate() === 'ECONNRESET');
    const second = await talking();
    proxy.closeAll();
    await until(() => second.fate() === 'end');
    await talking();
  });

  it('cut off: open connections are reset, new ones refused; passing again listens on the same port', async () => {
    const { port } = proxy;
    const client = await talking();
    await proxy.cutOff();
    await until(() => client.fate() === 'ECONNRESET');
    await expect(connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await proxy.pass();
    expect(proxy.port).toBe(port);
    await talking();
  });

  it('without a server behind it the client is reset', async () => {
    echo.close();
    const client = await connect();
    await until(() => client.fate() === 'ECONNRESET');
  });
});
