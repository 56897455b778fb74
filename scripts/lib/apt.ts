/**
 * Debian's packages for what a bare machine lacks. Used only as root on a system with apt-get; every other machine
 * gets a reason in words and decides itself.
 */
import { execFileSync } from 'node:child_process';
import { onPath, type Say } from './programs.js';

/** A program that may have to be installed first. */
export interface Program {
  readonly name: string;
  readonly packages: readonly string[];
  /** @returns the path of the executable when it is there already. */
  find(): string | undefined;
  /** What must be in place before the packages are unpacked. */
  beforeInstall?(): void;
}

const canInstall = (): boolean =>
  process.platform === 'linux' && process.getuid?.() === 0 && onPath('apt-get') !== undefined;

function aptGet(...args: readonly string[]): void {
  execFileSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=240', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 240_000,
  });
}

/**
 * Finds every program, after one `apt-get update` and one install of all that were missing.
 * @returns paths by program name; a name is absent when the program could not be had, and `say` was told why.
 */
export function provide(programs: readonly Program[], say: Say): Map<string, string> {
  const missing = programs.filter((program) => program.find() === undefined);
  if (missing.length > 0) install(missing, say);
  const found = new Map<string, string>();
  for (const program of programs) {
    const file = program.find();
    if (file) found.set(program.name, file);
  }
  return found;
}

function install(missing: readonly Program[], say: Say): void {
  if (!canInstall()) {
    for (const program of missing) say(`no ${program.name} (${hint(program)})`);
    return;
  }
  for (const program of missing) say(`no ${program.name}: installing Debian's ${program.packages.join(' ')}`);
  for (const program of missing) program.beforeInstall?.();
  try {
    aptGet('update');
    const packages = missing.flatMap((program) => program.packages);
    // A setting we put in place before the package stays as it is.
    const options = ['--no-install-recommends', '-o', 'Dpkg::Options::=--force-confold'];
    aptGet('install', '-y', ...options, ...packages);
  } catch (error) {
    say(`apt-get failed: ${lastLine(error)}`);
  }
}

/** @returns what a person does about a missing program: `install redis-tools`. */
export const hint = (program: Program): string => `install ${program.packages.join(' ')}`;

function lastLine(error: unknown): string {
  const stderr = (error as { stderr?: Buffer }).stderr?.toString().trim();
  return (stderr || String(error)).split('\n').at(-1) ?? '';
}
