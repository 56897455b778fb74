import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { PROJECT_ROOT } from '../../scripts/lib/programs.js';
import { sendCommand } from '../../scripts/lib/resp.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { until } from '../support/until.js';

async function withRedis(work: (server: RedisServer) => Promise<void>): Promise<void> {
  const server = await startRedis();
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

describeWithRedis('A throw-away Redis', () => {
  it('When it is killed and restarted, then it is another process on the same port, and empty', () =>
    withRedis(async (server) => {
      const before = server.pid;
      await server.command('SET', 'name', 'Zoë');
      expect(await server.command('GET', 'name')).toBe('Zoë');
      await server.kill();
      expect(server.pid).toBeUndefined();
      await expect(server.command('PING')).rejects.toThrow('ECONNREFUSED');
      await server.restart();
      expect(server.pid).not.toBe(before);
      expect(await server.command('DBSIZE')).toBe('0');
    }));

  it('When it is paused, then nothing answers until it is resumed', () =>
    withRedis(async (server) => {
      server.pause();
      const impatient = sendCommand({ port: server.port, timeoutMs: 150 }, ['PING']);
      await expect(impatient).rejects.toThrow('no reply to PING within 150 ms');
      server.resume();
      expect(await server.command('PING')).toBe('PONG');
    }));

  it('When Redis refuses a command, then its own message is thrown', () =>
    withRedis(async (server) => {
      await expect(server.command('INCRBY', 'a', 'x')).rejects.toThrow('ERR value is not an integer');
    }));

  it('When the process that started it is killed, then it dies too', async () => {
    const command = ['--import', 'tsx', 'scripts/redis.ts'];
    const owner = spawn(process.execPath, command, {
      cwd: PROJECT_ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(owner.stdout, 'data')) as [Buffer];
    const port = Number(/:(\d+)\s*$/.exec(line.toString())?.[1]);
    expect(await sendCommand({ port }, ['PING'])).toBe('PONG');
    owner.kill('SIGKILL');
    // The connection that is open at that moment may be reset first; then nobody listens any more.
    const refusal = await until(
      () =>
        sendCommand({ port }, ['PING']).then(
          () => undefined,
          ({ message }: Error) => (message.includes('ECONNREFUSED') ? message : undefined),
        ),
      { what: 'the server to be gone' },
    );
    expect(refusal).toContain('ECONNREFUSED');
  });
});

describe('until', () => {
  it('When the check becomes truthy, then its value is returned', async () => {
    let calls = 0;
    expect(await until(() => (++calls === 3 ? 'third' : undefined), { everyMs: 1 })).toBe('third');
  });

  it('When time is over, then the error says what was awaited and what was seen', async () => {
    const never = until(() => 0, { timeoutMs: 30, everyMs: 5, what: 'the reply' });
    await expect(never).rejects.toThrow('waited 30 ms for the reply; last value: 0');
  });

  it('When the check keeps throwing, then the last error is the cause', async () => {
    const cause = new Error('no table');
    const never = until(() => Promise.reject(cause), { timeoutMs: 30, everyMs: 5 });
    await expect(never).rejects.toMatchObject({ message: expect.stringContaining('no table'), cause });
  });
});
