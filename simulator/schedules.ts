/** What becomes of a text after it has left the queue, and what is told of it: the status callbacks in every disorder. */
export interface ScheduleStep {
  /** After the text left the queue. */
  readonly afterMs: number;
  /** The text becomes this. Absent: it stays as it is, and only a callback goes out. */
  readonly becomes?: string;
  /** A callback goes out that says this. */
  readonly tells?: string;
  /** How many copies of the callback; 1. */
  readonly times?: number;
  readonly errorCode?: number;
  /** The handset has it now. */
  readonly reaches?: boolean;
  /** The carrier says when it was done (`RawDlrDoneDate`). Only in the last callback, and not by every carrier. */
  readonly hasDoneDate?: boolean;
}

export interface Schedule {
  readonly steps: readonly ScheduleStep[];
  /** The steps are through, callbacks answered, before the client sees the 201. */
  readonly isBeforeAnswer?: boolean;
  /** In every callback of the text. */
  readonly extra?: Readonly<Record<string, string>>;
}

const SENT_MS = 50;
const DONE_MS = 250;

const sent: ScheduleStep = { afterMs: SENT_MS, becomes: 'sent', tells: 'sent' };
const delivered: ScheduleStep = {
  afterMs: DONE_MS,
  becomes: 'delivered',
  tells: 'delivered',
  reaches: true,
  hasDoneDate: true,
};

const silently = ({ tells: _told, ...step }: ScheduleStep): ScheduleStep => step;

export const schedules = {
  normal: { steps: [sent, delivered] },
  /** `delivered` is told first and `sent` after it. */
  reversed: { steps: [silently(sent), delivered, { afterMs: DONE_MS + 50, tells: 'sent' }] },
  /** Both are told twice. */
  doubled: { steps: [sent, delivered].map((step) => ({ ...step, times: 2 })) },
  /** Nothing is told; the REST resource knows. */
  missing: { steps: [sent, delivered].map(silently) },
  /** The callbacks come before the 201 that names the SID. */
  beforeAnswer: {
    steps: [sent, delivered].map((step) => ({ ...step, afterMs: 0 })),
    isBeforeAnswer: true,
  },
  /** A carrier that never confirms: `sent` is the last word, though the text is there. */
  unconfirmed: { steps: [{ ...sent, reaches: true }] },
  late: (afterMs: number): Schedule => ({ steps: [sent, { ...delivered, afterMs }] }),
  undelivered: (errorCode: number): Schedule => ({
    steps: [
      sent,
      { afterMs: DONE_MS, becomes: 'undelivered', tells: 'undelivered', errorCode, hasDoneDate: true },
    ],
  }),
  failed: (errorCode: number): Schedule => ({
    steps: [{ afterMs: SENT_MS, becomes: 'failed', tells: 'failed', errorCode }],
  }),
  /** A later callback that has forgotten the error. */
  failedThenSent: (errorCode: number): Schedule => ({
    steps: [
      { afterMs: SENT_MS, becomes: 'failed', tells: 'failed', errorCode },
      { afterMs: DONE_MS, tells: 'sent' },
    ],
  }),
  /** As Twilio adds parameters without notice. */
  withExtra: (schedule: Schedule, extra: Readonly<Record<string, string>>): Schedule => ({
    ...schedule,
    extra: { ...schedule.extra, ...extra },
  }),
} as const;
