/** Calls of a voice agent: what it is told before it speaks, and what is kept of what was said. */
import type { StateDoor } from '../../redis-migration.js';
import type { Database } from '../db/client.js';
import type { CallLine } from '../db/schema/inquiries.js';
import type { LiveEvents } from '../events.js';
import { maskIdentifiers } from '../privacy/mask.js';
import { findCallParties, storeCall } from '../record/voiceCalls.js';
import type { Secrets } from '../secrets.js';
import type { E164, OrganizationId, Slots } from '../types.js';

export interface VoiceDeskDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  readonly state: Pick<StateDoor, 'getConversationSnapshot' | 'getOrganization'>;
  readonly events: LiveEvents;
}

export interface CallNumbers {
  readonly dealershipNumber: E164;
  /** Undefined: withheld. */
  readonly callerNumber: E164 | undefined;
}

/** For the agent's prompt. Every name is always there, since a missing one fails the call; empty means "not known". */
export interface CallContext {
  readonly dealership: string;
  readonly assistant_name: string;
  readonly is_known: 'true' | 'false';
  readonly name: string;
  readonly vehicle: string;
  readonly trade_in: string;
  readonly timeframe: string;
  readonly visit_at: string;
  readonly summary: string;
  /** The last texts, oldest first. */
  readonly history: string;
}

export interface FinishedCall extends CallNumbers {
  readonly externalId: string;
  readonly direction: 'inbound' | 'outbound';
  readonly startedAtMs: number | null;
  readonly durationSeconds: number | null;
  readonly summary: string;
  readonly transcript: readonly CallLine[];
}

export type KeptCall =
  | { readonly outcome: 'stored' | 'duplicate'; readonly organizationId: OrganizationId }
  | { readonly outcome: 'ignored'; readonly reason: 'unknown_number' | 'no_phone' };

export interface VoiceDesk {
  /** Undefined when the number is nobody's here. */
  contextOf(call: CallNumbers): Promise<CallContext | undefined>;
  keep(call: FinishedCall): Promise<KeptCall>;
}

const HISTORY_TEXTS = 6;
const MAX_HISTORY_CHARACTERS = 1_500;
/** Of a call in the conversation: what people and the assistant read. The whole of it is beside. */
const MAX_BODY_CHARACTERS = 4_000;
const MAX_LINES = 2_000;

export function createVoiceDesk({ database, secrets, state, events }: VoiceDeskDeps): VoiceDesk {
  return {
    contextOf: async (call) => {
      const parties = await findCallParties(database, call);
      if (!parties) return undefined;
      const { organizationId, organizationRev, conversationId, baseRev, leadName } = parties;
      const [organization, found] = await Promise.all([
        state.getOrganization(organizationId, organizationRev),
        conversationId !== null && baseRev !== null
          ? state.getConversationSnapshot(organizationId, { conversationId, baseRev })
          : undefined,
      ]);
      const snapshot = found?.snapshot;
      return {
        dealership: organization?.name ?? '',
        assistant_name: organization?.settings.assistantName ?? 'Jack',
        is_known: snapshot ? 'true' : 'false',
        ...slotsOf(snapshot?.slots ?? {}, leadName),
        summary: snapshot?.summary ?? '',
        history: (snapshot?.messages ?? [])
          .slice(-HISTORY_TEXTS)
          .map(({ sender, body }) => `${sender === 'lead' ? 'Shopper' : 'Dealership'}: ${body}`)
          .join('\n')
          .slice(-MAX_HISTORY_CHARACTERS),
      };
    },
    keep: async (call) => {
      const { dealershipNumber, callerNumber } = call;
      if (callerNumber === undefined) return { outcome: 'ignored', reason: 'no_phone' };
      const parties = await findCallParties(database, { dealershipNumber, callerNumber });
      if (!parties) return { outcome: 'ignored', reason: 'unknown_number' };
      const { organizationId } = parties;
      const { masked, ...said } = maskCall(call);
      const stored = await storeCall({ database, secrets }, organizationId, {
        ...said,
        externalId: call.externalId,
        phone: callerNumber,
        direction: call.direction,
        startedAtMs: call.startedAtMs,
        durationSeconds: call.durationSeconds,
        body: bodyOf(call, said),
        masked,
      });
      if (stored.outcome === 'stored') {
        const { conversationId, seq } = stored;
        events.publish({ type: 'message.queued', organizationId, conversationId, seq });
      }
      return { outcome: stored.outcome, organizationId };
    },
  };
}

const slotsOf = (slots: Slots, leadName: string | null) => ({
  name: slots.name ?? leadName ?? '',
  vehicle: slots.vehicle ?? '',
  trade_in: slots.tradeIn ?? '',
  timeframe: slots.timeframe ?? '',
  visit_at: slots.visitAt ?? '',
});

interface Said {
  readonly summary: string;
  readonly transcript: readonly CallLine[];
}

function maskCall({ summary, transcript }: FinishedCall): Said & { readonly masked: readonly string[] } {
  const kinds = new Set<string>();
  const mask = (text: string): string => {
    const masked = maskIdentifiers(text);
    for (const kind of masked.kinds) kinds.add(kind);
    return masked.text;
  };
  const lines = transcript.slice(0, MAX_LINES).map((line) => ({ ...line, text: mask(line.text) }));
  return { summary: mask(summary), transcript: lines, masked: [...kinds] };
}

function bodyOf({ durationSeconds, direction }: FinishedCall, { summary, transcript }: Said): string {
  const lines = transcript.map(
    ({ role, text }) => `${role === 'agent' ? 'Voice agent' : 'Shopper'}: ${text}`,
  );
  const length = durationSeconds === null ? '' : `, ${minutes(durationSeconds)}`;
  const head = `${direction === 'inbound' ? 'Phone call from' : 'Phone call to'} the shopper${length}.`;
  const body = [head, ...(summary === '' ? [] : [summary]), ...lines].join('\n');
  return body.length <= MAX_BODY_CHARACTERS ? body : `${[...body].slice(0, MAX_BODY_CHARACTERS).join('')}…`;
}

const minutes = (seconds: number): string => `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
