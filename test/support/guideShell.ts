/** Runs commands of the guide as somebody would type them, in a folder of their own. */
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { onPath } from '../../scripts/lib/programs.js';
import { temporaryDirectory } from './jackProcess.js';

const MAX_MS = 60_000;
const run = promisify(execFile);

export interface GuideShell {
  readonly folder: string;
  /** @returns what it printed. @throws Error with what it said when a command fails. */
  run(commands: string, where?: string): Promise<string>;
}

export function createGuideShell(env: Readonly<Record<string, string>>): GuideShell {
  const folder = temporaryDirectory();
  const bin = path.join(folder, 'bin');
  mkdirSync(bin);
  if (onPath('curl') === undefined) writeCurl(bin);
  return {
    folder,
    run: async (commands, where = folder) => {
      const { stdout } = await run('sh', ['-eu', '-c', commands], {
        cwd: where,
        env: { ...env, HOME: process.env.HOME, PATH: `${process.env.PATH}:${bin}` },
        timeout: MAX_MS,
      });
      return stdout;
    },
  };
}

/** Where there is no curl: the same request with Node's fetch, for the options that the guide uses and no others. */
export function writeCurl(bin: string): void {
  const file = path.join(bin, 'curl');
  writeFileSync(file, `#!/usr/bin/env node\n(${curl.toString()})();\n`);
  chmodSync(file, 0o755);
}

/** Runs in a process of its own, as text: nothing of this file is there. */
async function curl(): Promise<void> {
  const { readFileSync: read } = await import('node:fs');
  const headers: Record<string, string> = {};
  let [method, url, body] = ['GET', '', undefined as string | undefined];
  const args = process.argv.slice(2);
  const next = () => args.shift() ?? '';
  while (args.length > 0) {
    const arg = next();
    if (arg === '-H') {
      const [name = '', value = ''] = next().split(/: (.*)/s);
      headers[name] = value;
    } else if (arg === '-X') method = next();
    else if (arg === '-d') body = next();
    else if (arg === '--data-binary') body = read(next().slice(1), 'utf8');
    else if (arg.startsWith('http')) url = arg;
    else if (arg !== '-fsS') throw new Error(`curl: the option ${arg} is not known here`);
  }
  const response = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) });
  process.stdout.write(await response.text());
  if (response.ok) return;
  process.stderr.write(`curl: (22) The requested URL returned error: ${response.status}\n`);
  process.exitCode = 22;
}
