/** Conversations that were moved and may be texted soon: their snapshots are put into the cache at the end. */
import type { Clock } from '../clock.js';
import type { ConversationId, LeadId, OrganizationId } from '../types.js';
import { inParallel } from './sources.js';

/** What nobody has used for longer is read from the record if it is ever asked for. */
const WITHIN_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_CONVERSATIONS = 5_000;
const PARALLEL = 4;

interface Place {
  readonly organizationId: OrganizationId;
  readonly leadId: LeadId;
  readonly lastMessageAtMs: number;
}

/** Puts the snapshot of a conversation into the cache. */
export type Warm = (
  organizationId: OrganizationId,
  at: { readonly conversationId: ConversationId; readonly leadId: LeadId },
) => Promise<void>;

export class WarmList {
  readonly #places = new Map<ConversationId, Place>();

  add(
    organizationId: OrganizationId,
    { id, leadId, lastMessageAtMs }: { id: ConversationId; leadId: LeadId; lastMessageAtMs: number },
  ): void {
    if (this.#places.size >= MAX_CONVERSATIONS && !this.#places.has(id)) return;
    this.#places.set(id, { organizationId, leadId, lastMessageAtMs });
  }

  /** @returns how many were put into the cache. */
  async warm(
    { warm, clock }: { readonly warm: Warm; readonly clock: Clock },
    signal: AbortSignal | undefined,
  ): Promise<number> {
    const since = clock.now() - WITHIN_MS;
    let warmed = 0;
    await inParallel(
      this.#places,
      PARALLEL,
      async ([conversationId, { organizationId, leadId, lastMessageAtMs }]) => {
        if (lastMessageAtMs < since || signal?.aborted) return;
        await warm(organizationId, { conversationId, leadId });
        warmed += 1;
      },
    );
    return warmed;
  }
}
