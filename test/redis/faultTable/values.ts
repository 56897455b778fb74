/** Values of each kind that carry a number, so that whoever reads one knows which write it is of. */
import { randomUUID } from 'node:crypto';
import type {
  ConversationId,
  ConversationSnapshot,
  E164,
  LeadId,
  LiveView,
  OrganizationId,
  Rev,
} from '../../../services/types.js';

export const newOrganization = (): OrganizationId => `org-${randomUUID()}` as OrganizationId;
export const newConversation = (): ConversationId => `conversation-${randomUUID()}` as ConversationId;
export const newLead = (): LeadId => `lead-${randomUUID()}` as LeadId;
export const newRev = (): Rev => randomUUID() as Rev;
export const phoneOf = (n: number): E164 => `+1202555${String(n % 10_000).padStart(4, '0')}` as E164;

export function snapshotOf(
  organizationId: OrganizationId,
  conversationId: ConversationId,
  { rev, n }: { readonly rev: Rev; readonly n: number },
): ConversationSnapshot {
  const body = `text ${n} of a shopper who asks whether the blue one is still there`;
  return {
    organizationId,
    conversationId,
    leadId: `lead-of-${conversationId}` as LeadId,
    rev,
    lastSeq: n,
    owner: 'assistant',
    optedOut: false,
    summary: `summary ${n}`,
    slots: {},
    messages: [
      { seq: n, direction: 'inbound', sender: 'lead', body, media: [], createdAtMs: 1_700_000_000_000 + n },
    ],
  };
}

export const liveViewOf = (n: number): LiveView => ({
  asOf: '2026-01-01T00:00:00.000Z',
  open: n,
  waitingForPerson: 0,
  waitingForAssistant: 0,
  optedOut: 0,
  newestAt: null,
  newest: [],
});
