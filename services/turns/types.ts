import type { StateDoor } from '../../redis-migration.js';
import type { Assistant } from '../assistant/types.js';
import type { Clock } from '../clock.js';
import type { Database } from '../db/client.js';
import type { Logger } from '../logger.js';
import type { OutboundDoor } from '../outbound/door.js';
import type { LoopLimits } from './loopGuard.js';

export interface TurnRunnerDeps {
  readonly database: Database;
  readonly state: StateDoor;
  readonly assistant: Assistant;
  readonly door: OutboundDoor;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly holder: string;
  readonly limits?: Partial<TurnLimits>;
}

export interface TurnLimits {
  /** How long a claim holds without a renewal: the longest silence after a process died in a turn. */
  readonly leaseMs: number;
  /** How often claims are renewed and due turns of other processes looked for. */
  readonly sweepMs: number;
  readonly maxConcurrentTurns: number;
  /** Of these for one organization: the rest is there for the others when all of its shoppers text at once. */
  readonly maxTurnsPerOrganization: number;
  /** How long the assistant may take for one reply. */
  readonly assistantDeadlineMs: number;
  /** After so many failed attempts the shopper gets the fallback sentence and a person is asked for. */
  readonly maxAttempts: number;
  /** How long a stop waits for running turns before it hands them over. */
  readonly stopGraceMs: number;
  /** When a talk is taken for one between machines. */
  readonly loop: LoopLimits;
}
