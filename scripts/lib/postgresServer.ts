/**
 * A private PostgreSQL: a new cluster in a temporary folder, loopback only, no password, owned by an unprivileged
 * user when we are root (PostgreSQL refuses to run as root), and never outliving the process that started it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { type Program, provide } from './apt.js';
import { freePort } from './freePort.js';
import { type Guardian, startGuardian } from './guardian.js';
import { isExecutable, namesIn, onPath, quiet, type Say } from './programs.js';

const DEBIAN_ROOT = '/usr/lib/postgresql';
const CREATECLUSTER = '/etc/postgresql-common/createcluster.conf';
const START_DEADLINE_MS = 20_000;

/** The path found is that of `postgres`; `initdb` stands beside it. */
export const postgresProgram: Program = {
  name: 'postgres',
  packages: ['postgresql'],
  find: () => candidates().find((file) => isExecutable(file) && isExecutable(initdbOf(file))),
  beforeInstall: keepDebianFromMakingACluster,
};

function candidates(): string[] {
  const versions = namesIn(DEBIAN_ROOT).sort((a, b) => Number(b) - Number(a));
  return [
    process.env.TEST_POSTGRES_BIN,
    onPath('postgres'),
    ...versions.map((version) => path.join(DEBIAN_ROOT, version, 'bin', 'postgres')),
  ].filter((file) => file !== undefined);
}

const initdbOf = (postgres: string): string => path.join(path.dirname(postgres), 'initdb');

/** The package makes and starts a cluster on port 5432 unless it finds this setting when it is unpacked. */
function keepDebianFromMakingACluster(): void {
  if (existsSync(CREATECLUSTER)) return;
  mkdirSync(path.dirname(CREATECLUSTER), { recursive: true });
  writeFileSync(CREATECLUSTER, 'create_main_cluster = false\n');
}

/** @returns the path of `postgres`, undefined when there is none and none could be installed. */
export const findPostgres = (say: Say = quiet): string | undefined =>
  provide([postgresProgram], say).get(postgresProgram.name);

export interface PostgresOptions {
  /** True writes to disk as in production; false (the default) is for tests. */
  readonly durable?: boolean;
  /** More settings: `{ work_mem: '8MB' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const binary = findPostgres();
  if (!binary) throw new Error(`no PostgreSQL server: install ${postgresProgram.packages.join(' ')}`);
  return PostgresServer.create(binary, options);
}

export class PostgresServer {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #guardian: Guardian;
  #stopped = false;

  static async create(binary: string, options: PostgresOptions = {}): Promise<PostgresServer> {
    const folder = mkdtempSync(path.join(tmpdir(), 'jack-postgres-'));
    const guardian = startGuardian(folder, 'QUIT');
    try {
      const real = realpathSync(binary);
      const account = unprivileged();
      if (account) chownSync(folder, account.uid, account.gid);
      await initialize(real, folder, account);
      return await launch({ binary: real, folder, account, guardian, options });
    } catch (error) {
      await guardian.release();
      throw error;
    }
  }

  /** Takes over a server that answers; use `create`. */
  constructor(port: number, child: ChildProcess, guardian: Guardian) {
    this.port = port;
    this.#child = child;
    this.#guardian = guardian;
  }

  /** Of the database `postgres`; the role may create others. */
  get url(): string {
    return this.urlOf('postgres');
  }

  urlOf(database: string): string {
    return `postgres://postgres@127.0.0.1:${this.port}/${database}`;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Immediate: open transactions are lost, as they should be in a throw-away cluster. Idempotent. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await end(this.#child);
    this.#guardian.watch(undefined);
    await this.#guardian.release();
  }
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** @returns whom to run as when we are root: Debian's `postgres`, else `nobody`. */
function unprivileged(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const lines = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line = ['postgres:', 'nobody:']
    .map((name) => lines.find((entry) => entry.startsWith(name)))
    .find(Boolean);
  if (!line) throw new Error('PostgreSQL does not run as root, and neither "postgres" nor "nobody" exists');
  const [, , uid, gid] = line.split(':');
  return { uid: Number(uid), gid: Number(gid) };
}

async function initialize(binary: string, folder: string, account: Account | undefined): Promise<void> {
  const args = [
    '-D',
    path.join(folder, 'data'),
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--no-locale',
    '-N',
  ];
  const child = run(initdbOf(binary), args, folder, account);
  const code = await new Promise((resolve) => {
    child.once('error', resolve);
    child.once('exit', resolve);
  });
  if (code !== 0) throw new Error(`initdb failed: ${lastLogLine(folder)}`);
}

interface Launch {
  readonly binary: string;
  readonly folder: string;
  readonly account: Account | undefined;
  readonly guardian: Guardian;
  readonly options: PostgresOptions;
}

async function launch(plan: Launch): Promise<PostgresServer> {
  const deadlineAt = Date.now() + START_DEADLINE_MS;
  while (Date.now() < deadlineAt) {
    const port = await freePort();
    const child = run(plan.binary, argumentsFor(plan, port), plan.folder, plan.account);
    plan.guardian.watch(child.pid);
    child.unref();
    // A server that ends before it answers has most likely lost the port to somebody: try another.
    if (await answers(port, child, deadlineAt)) return new PostgresServer(port, child, plan.guardian);
    await end(child);
  }
  throw new Error(`PostgreSQL did not answer within ${START_DEADLINE_MS} ms: ${lastLogLine(plan.folder)}`);
}

function argumentsFor({ folder, options }: Launch, port: number): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: folder,
    max_connections: '200',
    timezone: 'UTC',
    ...(options.durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
    ...options.settings,
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', path.join(folder, 'data'), '-p', String(port), ...flags];
}

async function answers(port: number, child: ChildProcess, deadlineAt: number): Promise<boolean> {
  while (isRunning(child) && Date.now() < deadlineAt) {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' });
    try {
      await client.connect();
      await client.end();
      return true;
    } catch {
      // Not listening yet, or still starting up.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  return false;
}

function run(
  file: string,
  args: readonly string[],
  folder: string,
  account: Account | undefined,
): ChildProcess {
  const log = openSync(path.join(folder, 'log'), 'a');
  // Its own session: Ctrl-C is for the program that uses the server, and the guardian for the server.
  const child = spawn(file, args, { ...account, cwd: folder, detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

const isRunning = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null;

async function end(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return;
  child.ref();
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGQUIT');
  await gone;
}

const lastLogLine = (folder: string): string =>
  readFileSync(path.join(folder, 'log'), 'utf8').trim().split('\n').at(-1) ?? '';
