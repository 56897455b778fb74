/** Delivery reports: kept as they come, and what they change in the same transaction. */
import { createBatcher } from '../batcher.js';
import { type Database, isRecordAway, sqlState } from '../db/client.js';
import type { ReportSource } from '../db/schema/delivery.js';
import type { LiveEvents } from '../events.js';
import {
  lockReported,
  type NewDeliveryEvent,
  type ReportSubject,
  readSentTexts,
  type SentText,
  storeReported,
} from '../record/deliveryEvents.js';
import type { MessageId, MessageStatus, OrganizationId } from '../types.js';
import { climb, hasFailed } from './climb.js';
import { type Failure, type ReactDeps, react } from './react.js';

export interface StatusReport {
  readonly organizationId: OrganizationId;
  readonly messageId: MessageId;
  readonly status: MessageStatus;
  readonly errorCode: number | null;
  /** The carrier's ids of the attempt; absent where the carrier has none. */
  readonly accountSid?: string;
  readonly messageSid?: string;
  /** Default `simulated`. */
  readonly source?: ReportSource;
}

/** As a signed webhook tells it. */
export interface CallbackReport {
  readonly subject: Extract<ReportSubject, { readonly accounts: unknown }>;
  readonly accountSid: string;
  readonly messageSid: string;
  /** In the carrier's words. */
  readonly carrierStatus: string;
  /** Undefined for a word that the carrier added later. */
  readonly status: MessageStatus | undefined;
  readonly errorCode: number | null;
  readonly rawDoneDate: string | null;
}

/** `unknown`: there is no such text, or it is not of who tells. `kept`: it changed nothing. */
export type ReportOutcome = 'changed' | 'kept' | 'unknown';

export interface StatusWriter {
  report(report: StatusReport): Promise<ReportOutcome>;
  receive(callback: CallbackReport): Promise<ReportOutcome>;
  idle(): Promise<void>;
}

export interface StatusWriterDeps extends ReactDeps {
  readonly events: LiveEvents;
}

/** When an accepted text without a final status is asked after (DOMAIN.md 4.2). */
export const POLL_AFTER_MS = 12 * 3_600_000;

const MAX_BATCH = 200;
const DEADLOCK = '40P01';

type Report = Omit<CallbackReport, 'subject' | 'accountSid' | 'messageSid'> & {
  readonly subject: ReportSubject;
  readonly accountSid: string | null;
  readonly messageSid: string | null;
  readonly source: ReportSource;
};

export function createStatusWriter(deps: StatusWriterDeps): StatusWriter {
  const batcher = createBatcher<Report, ReportOutcome>({
    maxBatch: MAX_BATCH,
    run: (reports) => writeReports(deps, reports),
    isWorthSplitting: (error) => !isRecordAway(error),
  });
  return {
    report: ({ organizationId, messageId, status, errorCode, source = 'simulated', ...sids }) =>
      batcher.add({
        subject: { organizationId, messageId },
        accountSid: sids.accountSid ?? null,
        messageSid: sids.messageSid ?? null,
        carrierStatus: status,
        status,
        errorCode,
        rawDoneDate: null,
        source,
      }),
    receive: (callback) => batcher.add({ ...callback, source: 'callback' }),
    idle: () => batcher.idle(),
  };
}

async function writeReports(deps: StatusWriterDeps, reports: readonly Report[]): Promise<ReportOutcome[]> {
  const write = () => deps.database.transaction((tx) => writeWithin(deps, tx, reports));
  let written: Written;
  try {
    written = await write();
  } catch (error) {
    // A lead that is erased locks in another order; whom the database picks tries again.
    if (sqlState(error) !== DEADLOCK) throw error;
    written = await write();
  }
  for (const { organizationId, conversationId } of written.changed) {
    deps.events.publish({ type: 'message.status', organizationId, conversationId });
  }
  return written.outcomes;
}

interface Written {
  readonly outcomes: ReportOutcome[];
  readonly changed: readonly SentText[];
}

async function writeWithin(
  deps: StatusWriterDeps,
  tx: Parameters<Parameters<Database['transaction']>[0]>[0],
  reports: readonly Report[],
): Promise<Written> {
  const subjects = await lockReported(deps.database, tx, reports);
  const ids = [...new Set(subjects.values())];
  if (ids.length === 0) return { outcomes: reports.map(() => 'unknown'), changed: [] };
  const before = new Map((await readSentTexts(deps.database, tx, ids)).map((text) => [text.messageId, text]));
  const { outcomes, events, after } = follow(reports, subjects, before);
  const changed = [...after.values()].filter((text) => text !== before.get(text.messageId));
  await storeReported(tx, events, changed, POLL_AFTER_MS);
  await react(deps, tx, changed.flatMap(toFailure(before)));
  return { outcomes, changed };
}

/** Takes the reports one after the other, each on what the one before left. */
function follow(
  reports: readonly Report[],
  subjects: ReadonlyMap<number, MessageId>,
  before: ReadonlyMap<MessageId, SentText>,
) {
  const after = new Map(before);
  const events: NewDeliveryEvent[] = [];
  const outcomes = reports.map((report, index): ReportOutcome => {
    const id = subjects.get(index);
    const text = id === undefined ? undefined : after.get(id);
    if (!text) return 'unknown';
    const { messageId, organizationId, conversationId } = text;
    const { messageSid, errorCode, rawDoneDate, source, carrierStatus: status } = report;
    events.push({
      messageId,
      organizationId,
      conversationId,
      messageSid,
      status,
      errorCode,
      rawDoneDate,
      source,
    });
    const next = climb(text, report);
    after.set(messageId, next);
    return next === text ? 'kept' : 'changed';
  });
  return { outcomes, events, after };
}

const toFailure =
  (before: ReadonlyMap<MessageId, SentText>) =>
  (text: SentText): Failure[] => {
    const earlier = before.get(text.messageId);
    return earlier && hasFailed(earlier, text)
      ? [{ messageId: text.messageId, code: text.errorCode, wasTaken: true, isFinal: true }]
      : [];
  };
