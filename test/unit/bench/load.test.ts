/** The parts that measurements of the whole path share: whom a reply belongs to, when a text was due, what it took. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createCrowd, timesMs } from '../../../bench/crowd.js';
import { openLoop } from '../../../bench/openLoop.js';
import { type CpuSample, cpuCells, watchCpu } from '../../../bench/processCpu.js';
import { insistOnOneReply } from '../../../bench/settle.js';
import { startTwilioDouble, type TwilioDouble } from '../../support/twilioDouble.js';
import { until } from '../../support/until.js';

const NUMBERS = ['+16045550100', '+16045550101'];

describe('A crowd', () => {
  let twilio: TwilioDouble;
  beforeEach(async () => {
    twilio = await startTwilioDouble();
  });
  afterEach(() => twilio.stop());

  const sender = (body: string): string => new URLSearchParams(body).get('From') as string;
  const reply = (to: string) => twilio.seed({ from: NUMBERS[0] as string, to, body: 'Hello' });

  it('times a reply from when its text was due, and knows who waits', async () => {
    const crowd = createCrowd({ twilio, numbers: NUMBERS, shoppers: 10 });
    const dueAtMs = performance.now() - 1_000;
    const [first, second] = [crowd.next(dueAtMs), crowd.next()].map(({ body }) => sender(body));
    reply(first as string);
    expect(crowd.waiting()).toBe(1);
    const [exchange] = crowd.take();
    expect(exchange).toMatchObject({ phone: first, dueAtMs });
    expect(timesMs([exchange!])[0]).toBeGreaterThanOrEqual(1_000);
    reply(second as string);
    await crowd.answered();
    expect(crowd.take().map(({ phone }) => phone)).toEqual([second]);
    expect(crowd.doubled()).toBe(0);
  });

  it('lets nobody text again who still waits, and everybody text once before anybody does twice', () => {
    const crowd = createCrowd({ twilio, numbers: NUMBERS, shoppers: 2 });
    const next = () => sender(crowd.next().body);
    const [first, second] = [next(), next()];
    reply(first);
    expect(next()).toBe(first);
    const third = next();
    expect(new Set([first, second, third]).size).toBe(3);
    reply(second);
    reply(third);
    expect([next(), next()]).toEqual([second, third]);
  });

  it('counts a reply to somebody who has one, and none to anybody else', () => {
    const crowd = createCrowd({ twilio, numbers: NUMBERS, shoppers: 2 });
    const phone = sender(crowd.next().body);
    reply(phone);
    reply(phone);
    reply('+16045550199');
    expect([crowd.waiting(), crowd.doubled()]).toEqual([0, 1]);
    expect(() => insistOnOneReply([{ lost: crowd.waiting(), doubled: crowd.doubled() }])).toThrow(
      '0 texts have no reply, 1 replies are too many',
    );
  });

  it('texts the same dealership from the same phone', () => {
    const crowd = createCrowd({ twilio, numbers: NUMBERS, shoppers: 1 });
    const next = () => new URLSearchParams(crowd.next().body);
    const first = next();
    reply(first.get('From') as string);
    const again = next();
    expect([again.get('From'), again.get('To')]).toEqual([first.get('From'), first.get('To')]);
    expect(again.get('Body')).not.toBe(first.get('Body'));
  });
});

describe('The open loop', () => {
  const request = { path: '/', headers: {}, body: '' };

  it('tells when each request was due, in order, and counts what failed', async () => {
    const dueAtMs: number[] = [];
    const statuses = [200, 503];
    const deliver = async () => {
      const status = statuses[dueAtMs.length % 3];
      if (status === undefined) throw new Error('no answer');
      return status;
    };
    const make = (at: number) => {
      dueAtMs.push(at);
      return request;
    };
    const startedAtMs = performance.now();
    const { sent, failed } = await openLoop(deliver, make, { ratePerS: 300, durationS: 0.1 });
    expect([sent, failed, dueAtMs.length]).toEqual([30, 20, 30]);
    expect(dueAtMs).toEqual([...dueAtMs].sort((a, b) => a - b));
    expect(dueAtMs[0]).toBeGreaterThanOrEqual(startedAtMs);
  });

  it('goes to several processes in turns', async () => {
    const seen: number[] = [];
    const servers = await Promise.all(
      [0, 1].map(async (at) => {
        const server = http.createServer((_request, response) => {
          seen[at] = (seen[at] ?? 0) + 1;
          response.end();
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        return server;
      }),
    );
    const urls = servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const { failed } = await openLoop(urls, () => request, { ratePerS: 200, durationS: 0.1 });
    for (const server of servers) server.close();
    expect([failed, seen]).toEqual([0, [10, 10]]);
  });
});

const onLinux = process.platform === 'linux' ? it : it.skip;

describe('CPU time', () => {
  onLinux('of a process counts what its children use (read from /proc)', async () => {
    const busy = 'for (const untilMs = Date.now() + 400; Date.now() < untilMs; );';
    const parent = spawn(process.execPath, [
      '-e',
      `setTimeout(() => {}, 60_000);
      require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(busy)}]);`,
    ]);
    const idle = spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)']);
    await Promise.all([once(parent, 'spawn'), once(idle, 'spawn')]);
    const sampleOf = watchCpu({ jacks: [parent.pid!, idle.pid!], postgres: undefined, redis: undefined });
    try {
      const sample = await until(
        () => {
          const now = sampleOf(1);
          return now && (now.jacksMs[0] ?? 0) >= 350 ? now : undefined;
        },
        { timeoutMs: 20_000, what: 'the child to work' },
      );
      expect(sample.jacksMs[1]).toBeLessThan(sample.jacksMs[0]!);
      expect(sample.postgresMs).toBe(0);
    } finally {
      parent.kill('SIGKILL');
      idle.kill('SIGKILL');
    }
  });

  it('is given by text and process, as the median of runs', () => {
    const run = (jackMs: number): CpuSample => ({
      texts: 100,
      jacksMs: [jackMs, 50],
      postgresMs: 200,
      redisMs: 10,
      loadMs: 100,
      busyCores: 1.5,
    });
    expect(cpuCells([run(100), run(900), run(300)])).toEqual(['3.00 + 0.50', '2.00', '0.10', '1.00', '1.50']);
    expect(cpuCells([undefined])).toEqual(Array.from({ length: 5 }, () => 'unknown'));
  });
});
