/**
 * PGlite computes on the event loop and answers through microtasks, so a busy caller would starve timers and
 * sockets (measured: 1.2 s without one timer). This view of it lets one macrotask pass before every statement.
 */
import { setImmediate as nextMacrotask } from 'node:timers/promises';
import type { PGlite, Transaction } from '@electric-sql/pglite';

const YIELDING = new Set(['query', 'exec', 'sql']);

export function fairPglite(pglite: PGlite): PGlite {
  return new Proxy(pglite, {
    get(target, name) {
      if (name === 'transaction') {
        return (work: (tx: Transaction) => Promise<unknown>) =>
          target.transaction((tx) => work(fairTransaction(tx)));
      }
      return yielding(target, name);
    },
  });
}

const fairTransaction = (tx: Transaction): Transaction =>
  new Proxy(tx, { get: (target, name) => yielding(target, name) });

function yielding(target: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(target, name, target);
  if (typeof member !== 'function') return member;
  const method = member.bind(target) as (...args: unknown[]) => unknown;
  if (typeof name !== 'string' || !YIELDING.has(name)) return method;
  return async (...args: unknown[]) => {
    await nextMacrotask();
    return await method(...args);
  };
}
