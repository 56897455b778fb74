/**
 * A shell beside every child server: when this process ends in any way, `kill -9` included, the pipe between them
 * closes, and the shell kills the server and removes its folder. It also does the cleaning in the ordinary case.
 */
import { spawn } from 'node:child_process';
import type { Socket } from 'node:net';

// Each line names the pid to guard, an empty one none.
const SCRIPT = `
pid=
while read -r line; do pid=$line; done
[ -n "$pid" ] && kill -"$1" "$pid" 2>/dev/null
tries=0
while [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && [ $tries -lt 20 ]; do tries=$((tries + 1)); sleep 0.1; done
rm -rf "$2"
`;

export interface Guardian {
  /** From now on this process, and no other, dies with us; `undefined` for none. */
  watch(pid: number | undefined): void;
  /** Removes the folder, and kills what is still watched. Resolves when that is done. */
  release(): Promise<void>;
}

/** @param signal for the server, without `SIG`: `KILL`, or `QUIT` for PostgreSQL's immediate shutdown. */
export function startGuardian(folder: string, signal: 'KILL' | 'QUIT'): Guardian {
  // Its own session, so that Ctrl-C in the terminal does not reach it.
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'guardian', signal, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => shell.once('exit', () => resolve()));
  shell.unref();
  (shell.stdin as Socket).unref();
  return {
    watch: (pid) => void shell.stdin.write(`${pid ?? ''}\n`),
    async release() {
      shell.ref();
      shell.stdin.end();
      await ended;
    },
  };
}
