/** Property tests in the suite: as many runs as fit into some seconds. A failure prints seed and path, and is run again with them. */
import type fc from 'fast-check';

/** `PROPERTY_SECONDS=60 PROPERTY_SEED=1` looks longer, and at the same cases again. */
const { PROPERTY_SECONDS, PROPERTY_SEED } = process.env;

export function bounded(seconds: number, numRuns: number): fc.Parameters<unknown> {
  const limitS = PROPERTY_SECONDS === undefined ? seconds : Number(PROPERTY_SECONDS);
  return {
    numRuns: PROPERTY_SECONDS === undefined ? numRuns : 1_000_000,
    interruptAfterTimeLimit: limitS * 1_000,
    markInterruptAsFailure: false,
    ...(PROPERTY_SEED === undefined ? {} : { seed: Number(PROPERTY_SEED) }),
  };
}

/** The same where time is faked, and so cannot end anything: a number of runs. */
export function counted(numRuns: number): fc.Parameters<unknown> {
  return {
    numRuns: PROPERTY_SECONDS === undefined ? numRuns : 20 * numRuns,
    ...(PROPERTY_SEED === undefined ? {} : { seed: Number(PROPERTY_SEED) }),
  };
}

/** How long a test of these bounds may take, shrinking included. */
export const timeLimitMs = (seconds: number): number => (Number(PROPERTY_SECONDS ?? seconds) + 60) * 1_000;
