/** One Redis command over a socket of its own: enough for set-up and assertions, without any client library. */
import { connect } from 'node:net';

export interface RespTarget {
  readonly port: number;
  readonly host?: string;
  readonly timeoutMs?: number;
}

/**
 * @returns the reply as text: nil is `''`, an array is one line per element.
 * @throws Error with Redis's own message for an error reply, or when no reply comes within `timeoutMs` (2000).
 */
export function sendCommand(target: RespTarget, args: readonly string[]): Promise<string> {
  const { port, host = '127.0.0.1', timeoutMs = 2000 } = target;
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host });
    let received = Buffer.alloc(0);
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      socket.destroy();
      finish();
    };
    const fail = (error: Error): void => settle(() => reject(error));
    const timer = setTimeout(
      () => fail(new Error(`no reply to ${args[0]} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    socket.on('error', fail);
    socket.on('close', () => fail(new Error(`connection closed before the reply to ${args[0]}`)));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const reply = parse(received, 0);
      if (!reply) return;
      if (reply.error !== undefined) fail(new Error(reply.error));
      else settle(() => resolve(reply.text));
    });
    socket.write(encode(args));
  });
}

const encode = (args: readonly string[]): string =>
  `*${args.length}\r\n${args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join('')}`;

interface Reply {
  readonly text: string;
  readonly error?: string;
  readonly end: number;
}

/** @returns undefined while the reply is not complete. */
function parse(bytes: Buffer, start: number): Reply | undefined {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd < 0) return undefined;
  const line = bytes.toString('utf8', start + 1, lineEnd);
  const end = lineEnd + 2;
  switch (String.fromCharCode(bytes[start] ?? 0)) {
    case '-':
      return { text: '', error: line, end };
    case '$':
      return parseBulk(bytes, Number(line), end);
    case '*':
      return parseArray(bytes, Number(line), end);
    default:
      return { text: line, end };
  }
}

function parseBulk(bytes: Buffer, length: number, start: number): Reply | undefined {
  if (length < 0) return { text: '', end: start };
  if (bytes.length < start + length + 2) return undefined;
  return { text: bytes.toString('utf8', start, start + length), end: start + length + 2 };
}

function parseArray(bytes: Buffer, count: number, start: number): Reply | undefined {
  const lines: string[] = [];
  let end = start;
  for (let index = 0; index < count; index++) {
    const item = parse(bytes, end);
    if (!item) return undefined;
    lines.push(item.error ?? item.text);
    end = item.end;
  }
  return { text: lines.join('\n'), end };
}
