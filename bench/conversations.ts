/** Conversations as the tower stores them, of real prose. */
import { randomUUID } from 'node:crypto';
import type {
  ContextMessage,
  ConversationId,
  ConversationSnapshot,
  E164,
  LeadId,
  OrganizationId,
  Rev,
} from '../services/types.js';
import { createProse, type Prose } from './prose.js';

const STARTED_AT_MS = 1_790_000_000_000;
const EVERY_MS = 61_234;

export interface ConversationMaker {
  snapshot(organizationId: OrganizationId, messages: number): ConversationSnapshot;
  /** The same after a text and its answer; as many messages as before, the newest of them. */
  next(snapshot: ConversationSnapshot): ConversationSnapshot;
}

export function createConversationMaker(prose: Prose = createProse()): ConversationMaker {
  const more = prose.texts(1_000);
  let used = 0;
  const body = (): string => more[used++ % more.length] as string;
  return {
    snapshot: (organizationId, messages) => ({
      organizationId,
      conversationId: randomUUID() as ConversationId,
      leadId: randomUUID() as LeadId,
      rev: randomUUID() as Rev,
      lastSeq: messages,
      owner: 'assistant',
      optedOut: false,
      summary: 'Wants a used SUV under 30,000, trades in a 2018 F-150, comes on Saturday.',
      slots: {
        name: 'Dana',
        vehicle: 'SUV under 30,000',
        tradeIn: '2018 Ford F-150',
        timeframe: 'this week',
      },
      messages: prose.texts(messages).map((text, at) => message(at + 1, text)),
    }),
    next: (snapshot) => {
      const { lastSeq, messages } = snapshot;
      return {
        ...snapshot,
        rev: randomUUID() as Rev,
        lastSeq: lastSeq + 2,
        messages: [...messages.slice(2), message(lastSeq + 1, body()), message(lastSeq + 2, body())],
      };
    },
  };
}

export const phoneOf = (n: number): E164 => `+1604555${String(1_000 + n)}` as E164;

function message(seq: number, body: string): ContextMessage {
  const isText = seq % 2 === 1;
  return {
    seq,
    direction: isText ? 'inbound' : 'outbound',
    sender: isText ? 'lead' : 'assistant',
    body,
    media: [],
    // Two messages of a conversation are never exactly a minute apart.
    createdAtMs: STARTED_AT_MS + seq * EVERY_MS + ((seq * 7_919) % 20_000),
  };
}
