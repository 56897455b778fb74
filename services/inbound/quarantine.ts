/**
 * Giving texts of the quarantine to an organization: each is taken in by the receiver as if it had come there, with its
 * own time and under the carrier's id, so that it is stored once whatever is repeated.
 */
import type { Database } from '../db/client.js';
import {
  type Assignment,
  type ClaimedText,
  claimNumber,
  claimQuarantined,
  type QuarantineNumber,
  settleAssigned,
} from '../record/quarantine.js';
import type { OrganizationId } from '../types.js';
import type { InboundReceiver } from './receiver.js';

export interface QuarantineDesk {
  /** @throws JackError E_NOT_FOUND, E_CONFLICT; E_DB_UNAVAILABLE: the same call again goes on. */
  assign(id: string, to: AssignTo): Promise<AssignedCounts>;
  /** The oldest 500 texts of one number. @throws as `assign`. */
  assignNumber(number: QuarantineNumber, to: AssignTo): Promise<AssignedCounts>;
}

export interface AssignTo {
  readonly organizationId: OrganizationId;
  readonly actor: string;
}

export interface AssignedCounts {
  /** Stored with the organization now. */
  readonly stored: number;
  /** In the record already. */
  readonly duplicates: number;
  /** Of those stored: too old for an answer of the assistant; staff were told. */
  readonly late: number;
}

/** After that somebody has called, driven by or bought elsewhere: a person should look before anything is said. */
const ANSWERED_WITHIN_MS = 15 * 60_000;
const MOST_AT_ONCE = 500;

export function createQuarantineDesk(deps: {
  readonly database: Database;
  readonly receiver: InboundReceiver;
}): QuarantineDesk {
  const { database, receiver } = deps;
  const assignmentOf = (to: AssignTo): Assignment => ({ ...to, answeredWithinMs: ANSWERED_WITHIN_MS });
  const store = async (claimed: readonly ClaimedText[]): Promise<AssignedCounts> => {
    // Handed in together and in order, which is the order in which the receiver stores them.
    const received = await Promise.all(claimed.map(({ text }) => receiver.receive(text)));
    await settleAssigned(
      database,
      claimed.map(({ id }) => id),
    );
    const isStored = received.map(({ outcome }) => outcome === 'stored');
    return {
      stored: isStored.filter(Boolean).length,
      duplicates: isStored.filter((is) => !is).length,
      late: claimed.filter(({ text }, index) => isStored[index] && text.assigned?.isAnswered === false)
        .length,
    };
  };
  return {
    assign: async (id, to) => {
      const claimed = await claimQuarantined(database, id, assignmentOf(to));
      return claimed ? await store([claimed]) : { stored: 0, duplicates: 1, late: 0 };
    },
    assignNumber: async (number, to) =>
      await store(await claimNumber(database, number, assignmentOf(to), MOST_AT_ONCE)),
  };
}
