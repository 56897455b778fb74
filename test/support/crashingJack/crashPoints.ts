/** Where a Jack can end itself with SIGKILL, in the order in which a text passes. */
export const CRASH_POINTS = [
  'text received',
  'before the commit of the text',
  'after the commit of the text',
  'before the assistant',
  'after the assistant',
  'before the commit of the reply',
  'after the commit of the reply',
  'before the send',
  'after the carrier accepted',
  'after the answer of the carrier is stored',
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

/**
 * The shopper who makes a process crash at a point, once it has received a text of theirs; so that one process recovers
 * from one crash and then has the next. Nobody else's texts do anything.
 */
export const phoneFor = (point: CrashPoint): string =>
  `+1555010${String(CRASH_POINTS.indexOf(point)).padStart(4, '0')}`;
