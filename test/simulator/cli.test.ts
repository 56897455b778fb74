import { writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_ACCOUNT_SID, DEFAULT_AUTH_TOKEN, runProgram } from '../../simulator/cli/program.js';
import { runSimulator } from '../../simulator/cli/run.js';
import {
  type JackProcess,
  preparedDataDirectory,
  startJack,
  temporaryDirectory,
} from '../support/jackProcess.js';
import { until } from '../support/until.js';
import { answerWith, EMPTY_TWIML } from './_shop.js';

const ADMIN_KEY = 'test-administrator-key-0123456789';

/** How often a program answers each text. */
interface Program {
  readonly url: string;
  replies: number;
  /** Where the simulated API listens, once that is known. */
  apiUrl: string;
  stop(): Promise<void>;
}

/** Stands in for Jack: answers each webhook with 200, and by the API as many times as it is told. */
async function openProgram(): Promise<Program> {
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      answerWith(200, EMPTY_TWIML)(request, response);
      const form = new URLSearchParams(Buffer.concat(chunks).toString());
      if (request.method !== 'POST') return;
      // The simulator may have ended meanwhile: then nobody waits for a reply.
      reply(form.get('To') ?? '', form.get('From') ?? '').catch(() => undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const program: Program = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    replies: 1,
    apiUrl: '',
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const reply = async (from: string, to: string) => {
    for (let n = 0; n < program.replies; n += 1) {
      const credentials = Buffer.from(`${DEFAULT_ACCOUNT_SID}:${DEFAULT_AUTH_TOKEN}`).toString('base64');
      const answer = await fetch(
        `${program.apiUrl}/2010-04-01/Accounts/${DEFAULT_ACCOUNT_SID}/Messages.json`,
        {
          method: 'POST',
          headers: { authorization: `Basic ${credentials}` },
          body: new URLSearchParams({ From: from, To: to, Body: `Reply ${n}` }),
        },
      );
      await answer.arrayBuffer();
    }
  };
  return program;
}

let program: Program;
let output: string[];

beforeEach(async () => {
  program = await openProgram();
  output = [];
});

afterEach(() => program.stop());

interface Run {
  readonly input?: Readable;
  readonly signal?: AbortSignal;
  readonly adminKey?: string;
}

/** The command line in this process. @returns the exit code. */
const run = (args: readonly string[], { input = Readable.from([]), signal, adminKey }: Run = {}) =>
  runProgram(args, (flags) =>
    runSimulator(flags, {
      input,
      signal: signal ?? new AbortController().signal,
      adminKey,
      print: (line) => void output.push(line),
      tell: (line) => {
        output.push(line);
        program.apiUrl = /TWILIO_API_BASE_URL=(\S+)/.exec(line)?.[1] ?? program.apiUrl;
      },
    }),
  );

const counts = () =>
  JSON.parse(output.findLast((line) => line.startsWith('{')) ?? '{}') as Record<string, number>;

describe('npm run simulator', () => {
  const base = () => ['--jack', program.url, '--port', '0', '--json', '--linger', '0'];

  it('When everybody is answered once, then it ends with 0 and says so', async () => {
    const typed = Readable.from(['Hello\n', '/twice Any trucks?\n', '/as +16045550124\n', 'Hi\n']);
    expect(await run([...base(), '--linger', '1'], { input: typed })).toBe(1);
    // Two copies of one webhook have two replies here: that is what the counting is for.
    expect(counts()).toMatchObject({ sent: 3, answered: 3, answeredTwice: 1, ignored: 0 });
    expect(await run(base(), { input: Readable.from(['Hello\n']) })).toBe(0);
    expect(counts()).toMatchObject({ sent: 1, answered: 1, answeredTwice: 0, ignored: 0 });
    expect(output.join('\n')).toContain('+16045550123 < Reply 0');
  });

  it('When somebody is ignored, then it waits as long as was said and ends with 1', async () => {
    program.replies = 0;
    expect(await run([...base(), '--patience', '1'], { input: Readable.from(['Hello\n']) })).toBe(1);
    expect(counts()).toMatchObject({ sent: 1, answered: 0, ignored: 1 });
  });

  it('When somebody is answered twice, then it ends with 1', async () => {
    program.replies = 2;
    const code = await run([...base(), '--linger', '1'], { input: Readable.from(['Hello\n']) });
    expect([code, counts().answeredTwice]).toEqual([1, 1]);
  });

  it('When somebody stops, then silence is right, and what is sent all the same is counted', async () => {
    program.replies = 0;
    const typed = Readable.from(['STOP\n']);
    expect(await run(base(), { input: typed })).toBe(0);
    expect(counts()).toMatchObject({ sent: 1, silent: 1, ignored: 0 });
    program.replies = 1;
    const input = new PassThrough();
    const running = run(base(), { input });
    input.write('STOP\n');
    input.write('/counts\n');
    await until(() => {
      input.write('/counts\n');
      return counts().intoBlocks === 1;
    });
    input.end();
    expect(await running).toBe(0);
  });

  it('When a crowd texts, then each shopper waits for a reply before the next text', async () => {
    const crowd = ['--shoppers', '5', '--rate', '20', '--seconds', '2'];
    expect(await run([...base(), ...crowd])).toBe(0);
    const { sent = 0, heldBack = 0, answered } = counts();
    expect(sent + heldBack).toBe(40);
    expect(answered).toBe(sent);
    expect(sent).toBeGreaterThanOrEqual(5);
  });

  it('When it is interrupted, then it ends and counts', async () => {
    const stopping = new AbortController();
    const running = run([...base(), '--shoppers', '1', '--seconds', '1000'], { signal: stopping.signal });
    await until(() => program.apiUrl !== '', { what: 'the simulator to listen' });
    stopping.abort();
    await running;
    expect(counts()).toHaveProperty('sent');
  });

  it('When the words are wrong, no Jack is there or the port is taken, then it ends with 2', async () => {
    expect(await run(['--shoppers', '0'])).toBe(2);
    expect(await run(['--jack', 'nonsense'])).toBe(2);
    expect(await run(['--nothing'])).toBe(2);
    const nobody = ['--jack', 'http://127.0.0.1:1', '--port', '0', '--patience', '1'];
    expect(await run(nobody)).toBe(2);
    expect(output.at(-1)).toContain('No Jack answers');
    expect(await run(['--jack', program.url, '--port', new URL(program.url).port])).toBe(2);
    expect(output.at(-1)).toContain('EADDRINUSE');
  });
});

describe('With Jack as a process', () => {
  let jack: JackProcess | undefined;
  afterEach(() => jack?.kill());

  it('When a conversation is played, then everybody has one reply, and STOP is kept', async () => {
    const script = path.join(temporaryDirectory(), 'talk.txt');
    const talk =
      'Dana: Hi, do you have any SUVs?\n& under 30k\nSam: [x3] Where are you?\nDana: STOP\nDana: Hello?\n';
    writeFileSync(script, talk);
    // Jack is told the port of the API before that listens.
    const server = http.createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise<void>((resolve) => server.close(() => resolve()));
    jack = await startJack({
      DATA_DIR: preparedDataDirectory(),
      ADMIN_API_KEY: ADMIN_KEY,
      TWILIO_ACCOUNT_SID: DEFAULT_ACCOUNT_SID,
      TWILIO_AUTH_TOKEN: DEFAULT_AUTH_TOKEN,
      TWILIO_API_BASE_URL: `http://127.0.0.1:${port}`,
      REPLY_WINDOW_MS: '300',
    });
    const args = [
      '--jack',
      jack.url,
      '--port',
      String(port),
      '--dealership',
      'Example Motors',
      '--script',
      script,
    ];
    const code = await run([...args, '--json', '--linger', '1'], { adminKey: ADMIN_KEY });
    expect(counts()).toMatchObject({
      sent: 5,
      notTaken: 0,
      silent: 2,
      answered: 3,
      answeredTwice: 0,
      ignored: 0,
      intoBlocks: 0,
    });
    expect(code).toBe(0);
  }, 60_000);
});
