/** What people change in the record while turns run, each change at a moment that the turns do not choose. */

import { setTimeout as pause } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { type Database, sqlState } from '../../../services/db/client.js';
import { type JackWorker, WorkerFailure } from '../jackWorker/jackWorker.js';
import type { ArenaProcess } from './process.js';
import type { ArenaConversation } from './shoppers.js';

export interface EditsOptions {
  readonly database: Database;
  readonly processes: readonly ArenaProcess[];
  readonly conversations: readonly ArenaConversation[];
  readonly random: () => number;
  /** From one change to the next, on average. */
  readonly everyMs: number;
}

export interface Edits {
  /** How often each kind of change was made. */
  readonly counts: Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

interface Target extends ArenaConversation {
  readonly id: NonNullable<ArenaConversation['id']>;
  readonly leadId: NonNullable<ArenaConversation['leadId']>;
}

interface By {
  readonly database: Database;
  readonly jack: JackWorker;
}

type Edit = (by: By, target: Target, n: number) => Promise<unknown>;

const EDITS: Readonly<Record<string, Edit>> = {
  /** Any message, by hand, as an erasure would. */
  redact: ({ database }, { id }, n) =>
    database.orm.execute(
      sql`update messages set body = ${`redacted ${n}`} where id = (select id from messages
        where conversation_id = ${id} order by random() limit 1)`,
    ),
  /** The text that is being answered at this moment. */
  redactNewest: ({ database }, { id }, n) =>
    database.orm.execute(
      sql`update messages set body = ${`redacted ${n}`} where conversation_id = ${id}
        and seq = (select last_seq from conversations where id = ${id})`,
    ),
  redactAll: ({ database }, { id }, n) =>
    database.orm.execute(
      sql`update messages set body = ${`redacted ${n} `} || seq where conversation_id = ${id}`,
    ),
  retract: ({ jack }, { organization, leadId }, n) =>
    jack.call('retractLast', organization.id, { leadId, actor: 'arena' }, n % 2 === 0 ? 1 : 2),
  reset: ({ jack }, { organization, leadId }) =>
    jack.call('resetConversation', organization.id, { leadId, actor: 'arena' }),
  summary: ({ database }, { id }, n) =>
    database.orm.execute(
      sql`update conversations set summary = ${`by hand ${n}`}, slots = slots || ${JSON.stringify({ vehicle: `car ${n}` })}
        where id = ${id}`,
    ),
  staff: ({ jack }, { organization, id }, n) =>
    jack.call('submit', {
      organizationId: organization.id,
      conversationId: id,
      origin: 'staff',
      staffName: 'Robin',
      body: `staff ${n}`,
    }),
  settings: async ({ database }, { organization }) => {
    const version = organization.settingsVersion + 1;
    await database.orm.execute(
      sql`update organizations set settings = settings || ${JSON.stringify({ address: String(version) })}
        where id = ${organization.id}`,
    );
    organization.settingsVersion = version;
  },
};

const WEIGHTS: readonly (keyof typeof EDITS)[] = [
  'redact',
  'redact',
  'redactNewest',
  'redactNewest',
  'redactNewest',
  'redactAll',
  'retract',
  'retract',
  'reset',
  'summary',
  'summary',
  'staff',
  'staff',
  'settings',
];

/** Deadlock, lock timeout. */
const GIVEN_UP = new Set(['40P01', '55P03']);

export function startEdits({ database, processes, conversations, random, everyMs }: EditsOptions): Edits {
  const counts: Record<string, number> = {};
  let isRunning = true;
  let n = 0;

  async function run(): Promise<void> {
    while (isRunning) {
      await pause(2 * everyMs * random());
      const target = pick(conversations);
      if (target?.id === undefined || target.leadId === undefined) continue;
      const kind = pick(WEIGHTS)!;
      const edit = EDITS[kind]!;
      n += 1;
      await tryEdit(kind, () => edit({ database, jack: pick(processes)!.jack }, target as Target, n));
    }
  }

  async function tryEdit(kind: string, edit: () => Promise<unknown>): Promise<void> {
    try {
      await edit();
      counts[kind] = (counts[kind] ?? 0) + 1;
    } catch (error) {
      // The database ended a deadlock, or a wait behind one: nothing of the change happened.
      const state = error instanceof WorkerFailure ? error.sqlState : sqlState(error);
      if (!GIVEN_UP.has(state ?? '')) throw error;
      counts.givenUp = (counts.givenUp ?? 0) + 1;
    }
  }

  /** Rather one in whose conversation something is going on. */
  function pick<T>(list: readonly T[]): T | undefined {
    const tries = [1, 2, 3].map(() => list[Math.floor(random() * list.length)]);
    return tries.find((each) => (each as { isBusy?: boolean } | undefined)?.isBusy === true) ?? tries[0];
  }

  const running = run();
  return {
    counts,
    stop: async () => {
      isRunning = false;
      await running;
    },
  };
}
