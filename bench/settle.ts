/** The end of a run: everybody has a reply, and nothing more can come. */
import pg from 'pg';
import { until } from '../test/support/until.js';
import type { Crowd } from './crowd.js';
import type { BenchStage } from './stage.js';

export interface Settled {
  /** Shoppers without a reply to their text. */
  readonly lost: number;
  /** Replies beyond one a text. */
  readonly doubled: number;
}

const TIMEOUT_MS = 60_000;

/**
 * Waits until the record owes no reply and no text is on its way, a minute at most; what is missing then is lost.
 * @throws Error when the record does not come to rest.
 */
export async function settle(
  { databaseUrl }: Pick<BenchStage, 'databaseUrl'>,
  crowd: Crowd,
): Promise<Settled> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const open = async () => {
      const { rows } = await client.query<{ open: number }>(
        `select ((select count(*) from conversations where reply_due_at is not null)
          + (select count(*) from outbox where state in ('queued', 'sending', 'unknown')))::int as open`,
      );
      return rows[0]?.open;
    };
    await until(async () => (await open()) === 0, {
      timeoutMs: TIMEOUT_MS,
      everyMs: 50,
      what: 'the record to come to rest',
    });
    return { lost: crowd.waiting(), doubled: crowd.doubled() };
  } finally {
    await client.end();
  }
}

/** Printed first, so that one sees what there was. @throws Error when a text was lost or answered twice. */
export function insistOnOneReply(runs: readonly Settled[]): void {
  const sum = (pick: (run: Settled) => number) => runs.reduce((all, run) => all + pick(run), 0);
  const [lost, doubled] = [sum((run) => run.lost), sum((run) => run.doubled)];
  if (lost + doubled > 0) throw new Error(`${lost} texts have no reply, ${doubled} replies are too many`);
}
