/**
 * The state work of one text, the same for everybody: the organization by its number, the lead by phone, the rate limit
 * of the phone, the last 20 messages with summary and flags; then the new state with two messages more.
 */
import type { ConversationSnapshot, E164, LeadId, OrganizationId } from '../../services/types.js';
import { createConversationMaker, phoneOf } from '../conversations.js';

export const CONVERSATIONS = 200;
export const MESSAGES = 20;
export const ACCOUNT = 'default';
export const NUMBER = '+16045550100' as E164;
export const ORGANIZATION = 'bench' as OrganizationId;
export const SNAPSHOT_TTL_MS = 2 * 3_600_000;
export const NUMBER_TTL_MS = 60_000;
export const LEAD_TTL_MS = 300_000;
/** Nobody is refused: the work of counting is measured, not that of refusing. */
export const LIMIT = { points: 1_000_000_000, windowS: 60 };

export interface Subject {
  /** The state work of one text of conversation `n`. @throws Error when what it read is not what was stored last. */
  turn(n: number): Promise<void>;
  /**
   * Adds a message to the history of conversation `n` as one would without a lock: read, add, write. Absent: its history
   * is not where messages are added.
   */
  append?(n: number): Promise<void>;
  /** How many messages are stored of conversation `n`. */
  count?(n: number): Promise<number>;
  close(): Promise<void>;
}

export type CreateSubject = (url: string) => Promise<Subject>;

export interface Conversation {
  readonly phone: E164;
  readonly leadId: LeadId;
  /** As stored last. */
  snapshot: ConversationSnapshot;
}

const maker = createConversationMaker();

export const newConversations = (): Conversation[] =>
  Array.from({ length: CONVERSATIONS }, (_, n) => {
    // The same in every run: a lead found in Redis may be of the run before.
    const leadId = `00000000-0000-4000-8000-${String(n).padStart(12, '0')}` as LeadId;
    return { phone: phoneOf(n), leadId, snapshot: { ...maker.snapshot(ORGANIZATION, MESSAGES), leadId } };
  });

export const nextSnapshot = maker.next;

/** What was read must be all that a turn needs. */
export function checkRead(
  { leadId, snapshot }: Conversation,
  read: { organizationId: unknown; leadId: unknown; snapshot: ConversationSnapshot | undefined },
): ConversationSnapshot {
  if (read.organizationId !== ORGANIZATION) throw new Error('the organization was not found');
  if (read.leadId !== leadId) throw new Error('the lead was not found');
  if (read.snapshot?.messages.length !== MESSAGES || read.snapshot.lastSeq !== snapshot.lastSeq)
    throw new Error(`the history is not what was stored last: ${read.snapshot?.lastSeq}`);
  return read.snapshot;
}

export const addMessage = (snapshot: ConversationSnapshot): ConversationSnapshot => {
  const { messages } = maker.next(snapshot);
  return { ...snapshot, messages: [...snapshot.messages, ...messages.slice(-1)] };
};

/** Of subjects that store the state as one value under a name. */
export const nameOf = (n: number): string => `conversation:${n}`;
export const leadNameOf = (phone: E164): string => `lead:${ORGANIZATION}:${phone}`;
export const NUMBER_NAME = `number:${ACCOUNT}:${NUMBER}`;
