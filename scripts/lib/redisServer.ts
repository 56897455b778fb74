/**
 * A throw-away Redis: its own folder, nothing saved, loopback only, and it never outlives the process that started it.
 * Debian's `redis-server` is a link to `redis-check-rdb` of the package redis-tools, so that package alone brings the
 * server without a service, a user or a listener on 6379.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Program, provide } from './apt.js';
import { freePort } from './freePort.js';
import { type Guardian, startGuardian } from './guardian.js';
import { CACHE_DIR, onPath, quiet, type Say } from './programs.js';
import { sendCommand } from './resp.js';

const LINK = path.join(CACHE_DIR, 'test-redis', 'redis-server');
const START_DEADLINE_MS = 10_000;

export const redisProgram: Program = {
  name: 'redis-server',
  packages: ['redis-tools'],
  find: () => process.env.TEST_REDIS_BIN || onPath('redis-server', 'valkey-server') || cachedLink(),
};

function cachedLink(): string | undefined {
  if (existsSync(LINK)) return LINK;
  const binary = onPath('redis-check-rdb');
  if (!binary) return undefined;
  mkdirSync(path.dirname(LINK), { recursive: true });
  rmSync(LINK, { force: true });
  symlinkSync(binary, LINK);
  return LINK;
}

/** @returns undefined when there is none and none could be installed. */
export const findRedisServer = (say: Say = quiet): string | undefined =>
  provide([redisProgram], say).get(redisProgram.name);

export interface RedisOptions {
  /** A free one when absent. */
  readonly port?: number;
  /** More of redis-server's own arguments: `['--maxmemory', '2mb']`. */
  readonly args?: readonly string[];
}

export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const binary = findRedisServer();
  if (!binary) throw new Error(`no redis-server: install ${redisProgram.packages.join(' ')}`);
  return RedisServer.create(binary, options);
}

export class RedisServer {
  readonly port: number;
  readonly #binary: string;
  readonly #args: readonly string[];
  readonly #folder: string;
  readonly #guardian: Guardian;
  #child: ChildProcess | undefined;
  #stopped = false;

  static async create(binary: string, options: RedisOptions = {}): Promise<RedisServer> {
    for (let attempt = 1; ; attempt++) {
      const server = new RedisServer(binary, options.port ?? (await freePort()), options.args ?? []);
      try {
        await server.#start();
        return server;
      } catch (error) {
        await server.stop();
        // Somebody may have taken the free port first.
        if (options.port !== undefined || attempt === 3) throw error;
      }
    }
  }

  private constructor(binary: string, port: number, args: readonly string[]) {
    this.port = port;
    this.#binary = binary;
    this.#args = args;
    this.#folder = mkdtempSync(path.join(tmpdir(), 'jack-redis-'));
    this.#guardian = startGuardian(this.#folder, 'KILL');
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Of the process now running; undefined between `kill` and `restart`. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    const gone = exited(child);
    child.kill('SIGKILL');
    await gone;
  }

  /** The same port, no data; resolves when it answers. */
  async restart(): Promise<void> {
    if (this.#stopped) throw new Error('this Redis was stopped for good');
    await this.kill();
    await this.#start();
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** One command on a connection of its own; see `sendCommand`. */
  command(...args: readonly string[]): Promise<string> {
    return sendCommand({ port: this.port }, args);
  }

  async flushAll(): Promise<void> {
    await this.command('FLUSHALL');
  }

  /** Idempotent; removes the folder. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.kill();
    await this.#guardian.release();
  }

  async #start(): Promise<void> {
    const child = this.#spawn();
    const deadlineAt = Date.now() + START_DEADLINE_MS;
    while (Date.now() < deadlineAt) {
      if (this.#child !== child) throw new Error(`redis-server ended at once: ${this.#lastLogLine()}`);
      if (await this.#answersAs(child.pid)) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await this.kill();
    throw new Error(`redis-server did not answer within ${START_DEADLINE_MS} ms: ${this.#lastLogLine()}`);
  }

  #spawn(): ChildProcess {
    const log = openSync(path.join(this.#folder, 'log'), 'a');
    const own = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--dir', this.#folder];
    // Its own session: Ctrl-C is for the program that uses the server, and the guardian for the server.
    const child = spawn(this.#binary, [...own, ...this.#args], {
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    child.unref();
    this.#child = child;
    this.#guardian.watch(child.pid);
    child.once('exit', () => this.#forget(child));
    child.once('error', () => this.#forget(child));
    return child;
  }

  #forget(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#guardian.watch(undefined);
  }

  /** True when the answer comes from our child and not from another server on the same port. */
  async #answersAs(pid: number | undefined): Promise<boolean> {
    try {
      return (await this.command('INFO', 'server')).includes(`process_id:${pid}\r\n`);
    } catch (error) {
      // A server with a password is up when it asks for it.
      return error instanceof Error && error.message.startsWith('NOAUTH');
    }
  }

  #lastLogLine(): string {
    return readFileSync(path.join(this.#folder, 'log'), 'utf8').trim().split('\n').at(-1) ?? '';
  }
}

function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
    return Promise.resolve();
  child.ref();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}
