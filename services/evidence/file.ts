/** What a court or a regulator asks for: one conversation with all that shows what was sent, why, and what became of it. */
import type { Database } from '../db/client.js';
import { writeAudit } from '../record/audit.js';
import { type EvidenceSource, type RowKind, readEvidence } from '../record/evidence.js';
import type { Secrets } from '../secrets.js';
import type { LeadId, OrganizationId } from '../types.js';
import { type Chain, chain, type Entry } from './chain.js';

const FORMAT = 'jack-evidence-1';
const HOW =
  'SHA-256, hex. The hash of an entry covers the hash before it, a line feed, and the entry {at, data, kind} as JSON ' +
  'without spaces and with sorted names; the first one covers the same of `head`.';

export interface EvidenceFile extends Chain {
  readonly head: EvidenceHead;
  readonly hashing: string;
}

export interface EvidenceHead {
  readonly format: typeof FORMAT;
  /** ISO 8601; the record as of this moment. */
  readonly generatedAt: string;
  readonly generatedBy: string;
  readonly organization: EvidenceSource['organization'];
  readonly lead: EvidenceSource['lead'];
  readonly conversation: EvidenceSource['conversation'];
  readonly counts: Readonly<Record<string, number>>;
}

/**
 * The file, and an entry in the audit trail with its last hash.
 * @returns undefined when the organization has no such lead.
 * @throws JackError E_CONFLICT, E_ARCHIVE_DAMAGED
 */
export async function createEvidence(
  deps: { readonly database: Database; readonly secrets: Secrets },
  organizationId: OrganizationId,
  { leadId, actor }: { readonly leadId: LeadId; readonly actor: string },
): Promise<EvidenceFile | undefined> {
  const source = await readEvidence(deps, organizationId, leadId);
  if (!source) return undefined;
  const entries = toEntries(source);
  const { generatedAt, organization, lead, conversation } = source;
  const head: EvidenceHead = {
    format: FORMAT,
    generatedAt,
    generatedBy: actor,
    organization,
    lead,
    conversation,
    counts: countKinds(entries),
  };
  const chained = chain(head, entries);
  await writeAudit(deps.database.orm, {
    organizationId,
    actor,
    action: 'conversation.evidence',
    subject: leadId,
    details: { entries: entries.length, lastHash: chained.last },
  });
  return { head, hashing: HOW, ...chained };
}

/** By time; what has the same, in the order of its kinds: a message before what was decided on it and became of it. */
function toEntries({ messages, decisions, rows }: EvidenceSource): Entry[] {
  const all: Entry[] = [
    ...messages.map((message) => ({ kind: 'message', at: message.createdAt, data: { ...message } })),
    ...decisions.map((decision) => ({ kind: 'decision', at: decision.createdAt, data: { ...decision } })),
    ...(Object.keys(rows) as RowKind[]).flatMap((kind) =>
      rows[kind].map(({ at, data }) => ({ kind, at, data })),
    ),
  ];
  // A sort in JavaScript keeps the order of equals.
  return all.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

function countKinds(entries: readonly Entry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of entries) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}
