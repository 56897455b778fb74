/** Transactions that may meet others which lock in another order: whom the database picks as the victim tries again. */
import { setTimeout as pause } from 'node:timers/promises';
import { sqlState } from './client.js';

const DEADLOCK = '40P01';
const TRIES = 5;
/** Longer each time, so that those it met are done. */
const PAUSE_MS = 20;

/** @param work a whole transaction. @throws what it throws, when that is something else or goes on for five tries. */
export async function retryDeadlocks<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (sqlState(error) !== DEADLOCK || tries === TRIES) throw error;
      await pause(PAUSE_MS * tries);
    }
  }
}
