/** Back-pressure on a real socket: a reader that takes nothing is cut, and nothing piles up for it. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, expect, it } from '@jest/globals';
import type { Response } from 'express';
import { EventWriter } from '../../../routes/stream/eventWriter.js';
import { until } from '../../support/until.js';

let server: Server | undefined;
let socket: Socket | undefined;
afterEach(() => {
  socket?.destroy();
  server?.closeAllConnections();
  server?.close();
});

async function listen(handler: (res: Response) => void): Promise<number> {
  const made = createServer((_req, res) => handler(res as unknown as Response));
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return (made.address() as AddressInfo).port;
}

function ask(port: number): Socket {
  const made = connect(port, '127.0.0.1');
  made.on('error', () => undefined);
  made.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  socket = made;
  return made;
}

it('When a reader takes nothing, then the writer waits, holds next to nothing, and cuts it after its patience', async () => {
  let writer: EventWriter | undefined;
  let sent = 0;
  let mostHeld = 0;
  let isOver = false;
  const port = await listen((res) => {
    writer = new EventWriter(res, { drainMs: 300 });
    const opened = writer;
    void (async () => {
      while (opened.isOpen && sent < 100_000) {
        await opened.send({ id: sent, event: 'message.received', data: { body: 'x'.repeat(1_600) } });
        sent += 1;
        mostHeld = Math.max(mostHeld, res.writableLength);
      }
      isOver = true;
    })();
  });
  ask(port).pause();
  await until(() => isOver, { what: 'the cut', timeoutMs: 10_000 });
  expect(writer?.wasCut).toBe(true);
  expect(sent).toBeLessThan(20_000);
  expect(mostHeld).toBeLessThan(64 * 1024);
});

it('When a reader pauses for less than that, then it gets everything', async () => {
  let isOver = false;
  const port = await listen((res) => {
    const writer = new EventWriter(res, { drainMs: 5_000 });
    void (async () => {
      for (let n = 1; n <= 5_000; n += 1) await writer.send({ id: n, event: 'e', data: 'x'.repeat(1_600) });
      await writer.send({ event: 'end', data: null });
      writer.end();
      isOver = true;
    })();
  });
  const reader = ask(port);
  let ids = 0;
  let rest = '';
  reader.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    ids += lines.filter((line) => line.startsWith('id: ')).length;
  });
  reader.pause();
  setTimeout(() => reader.resume(), 500);
  await until(() => isOver && ids === 5_000, { what: 'all events', timeoutMs: 10_000 });
});
