/**
 * Callers of the tower, some of each freshness, and what each of them may read. A caller has its own names and makes
 * one call after the other, so it knows: a value that was overwritten, deleted or cleared must never come back, what is
 * loaded is what the record (a number here) holds, and a miss is always right where nothing is loaded.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { LeadId } from '../../../services/types.js';
import type { TowerOnServer } from '../../support/towerOnServer.js';
import { until } from '../../support/until.js';
import { type StopwatchReport, startStopwatch } from './stopwatch.js';
import {
  liveViewOf,
  newConversation,
  newLead,
  newOrganization,
  newRev,
  phoneOf,
  snapshotOf,
} from './values.js';

export interface CallersReport extends StopwatchReport {
  /** What was read and must not have been. */
  readonly stale: readonly string[];
}

export interface Callers {
  report(): CallersReport;
  /** Returns when so many more calls were made. */
  more(calls: number): Promise<void>;
  stop(): Promise<CallersReport>;
}

/** Between the rounds of a caller. */
const PAUSE_MS = 15;
const OF_EACH = 4;

export function startCallers({ adapter, cache, keys }: TowerOnServer): Callers {
  const watch = startStopwatch();
  const stale: string[] = [];
  let isRunning = true;

  function expectRead(what: string, found: unknown, allowed: readonly unknown[]): void {
    if (!allowed.includes(found)) stale.push(`${what}: ${String(found)} instead of ${allowed.join(' or ')}`);
  }

  /** Nothing but deletes protects these: written, overwritten, deleted and cleared in turn. */
  function timedCaller() {
    const organizationId = newOrganization();
    const conversationId = newConversation();
    const key = keys.presence(organizationId, conversationId, 'presence');
    return async (n: number) => {
      const value = { people: [{ id: String(n) }] } as never;
      const read = async () =>
        JSON.stringify(
          await watch.time(() => adapter.getPresence(organizationId, conversationId, 'presence')),
        );
      await watch.time(() => adapter.storePresence(organizationId, conversationId, 'presence', value));
      const written = [JSON.stringify(value), undefined];
      for (const found of await Promise.all([read(), read()])) expectRead('a timed value', found, written);
      if (n % 3 === 0) return;
      if (n % 3 === 1) await watch.time(() => cache.delete([key]));
      else await watch.time(() => adapter.clearOrganization(organizationId));
      expectRead(n % 3 === 1 ? 'a deleted value' : 'a cleared value', await read(), [undefined]);
    };
  }

  /** Readers ask with the rev of the record. */
  function checkedCaller() {
    const organizationId = newOrganization();
    const conversationId = newConversation();
    return async (n: number) => {
      const rev = newRev();
      const read = async () =>
        (await watch.time(() => adapter.getSnapshot(organizationId, conversationId, rev)))?.lastSeq;
      expectRead('a snapshot of a rev that none was made of', await read(), [undefined]);
      const snapshot = snapshotOf(organizationId, conversationId, { rev, n });
      await watch.time(() => adapter.storeSnapshot(organizationId, snapshot));
      expectRead('a snapshot', await read(), [n, undefined]);
      if (n % 3 !== 0) return;
      await watch.time(() => adapter.dropSnapshot(organizationId, conversationId));
      expectRead('a dropped snapshot', await read(), [undefined]);
    };
  }

  /** The record changes while a load of it is under way. */
  function loadingCaller(own: number) {
    const organizationId = newOrganization();
    const lead = newLead();
    const phone = phoneOf(own);
    let record = 0;
    let begun: () => void = () => undefined;
    const read = () =>
      watch.time(() =>
        adapter.leadIdByPhone(organizationId, phone, async () => {
          const found = `lead-${record}` as LeadId;
          begun();
          await pause(5);
          return found;
        }),
      );
    const drop = () => watch.time(() => adapter.dropLead(organizationId, lead, phone));
    return async () => {
      await drop();
      const hasBegun = new Promise<void>((resolve) => {
        begun = resolve;
      });
      const racing = read();
      await hasBegun;
      record += 1;
      await drop();
      expectRead('a loaded value', await read(), [`lead-${record}`]);
      await racing;
      expectRead('a loaded value, again', await read(), [`lead-${record}`]);
    };
  }

  /** The same with a lease of all processes. */
  function leasedCaller() {
    const organizationId = newOrganization();
    let record = 0;
    const read = async () =>
      (await watch.time(() => adapter.liveView(organizationId, async () => liveViewOf(record))))?.open;
    return async () => {
      record += 1;
      await watch.time(() => cache.delete([keys.liveView(organizationId)]));
      for (const found of await Promise.all([read(), read()])) expectRead('a leased load', found, [record]);
    };
  }

  /** The rev is in the name. */
  function immutableCaller() {
    const organizationId = newOrganization();
    return async (n: number) => {
      const question = { rev: newRev(), model: 'model', prompt: `what about number ${n}?` };
      await watch.time(() => adapter.storeModelAnswer(organizationId, question, `answer ${n}`));
      const found = await watch.time(() => adapter.getModelAnswer(organizationId, question));
      expectRead('an immutable value', found, [`answer ${n}`, undefined]);
    };
  }

  const kinds = [timedCaller, checkedCaller, loadingCaller, leasedCaller, immutableCaller];
  const rounds = kinds.flatMap((kind) => Array.from({ length: OF_EACH }, (_, own) => kind(own)));
  const running = Promise.all(
    rounds.map(async (round) => {
      for (let n = 1; isRunning; n += 1) {
        await round(n);
        await pause(PAUSE_MS);
      }
    }),
  );
  const report = () => ({ ...watch.report(), stale });
  return {
    report,
    more: async (calls) => {
      const from = report().calls;
      await until(() => report().calls >= from + calls, { what: `${calls} more calls`, timeoutMs: 10_000 });
    },
    stop: async () => {
      isRunning = false;
      await running;
      watch.stop();
      return report();
    },
  };
}
