/** One turn: state at the claim, assistant, door, new snapshot. */
import type { Assistant, AssistantReply } from '../assistant/types.js';
import { asError } from '../errors.js';
import type { OutboundResult } from '../outbound/types.js';
import { toContextMessage } from '../record/messageRow.js';
import type { AgentConfiguration, ConversationSnapshot } from '../types.js';
import { atClaim, SNAPSHOT_MESSAGES } from './atClaim.js';
import { type Claim, releaseLease } from './claims.js';
import type { TurnLimits, TurnRunnerDeps } from './types.js';

type TurnDeps = TurnRunnerDeps & { readonly limits: TurnLimits };

/** How soon a claim that met a change in the same moment is taken again. */
const RETRY_SOON_MS = 20;

/** @returns in how many milliseconds due turns should be looked for again; undefined when this one is settled. */
export async function runTurn(
  deps: TurnDeps,
  claim: Claim,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { organizationId, conversationId } = claim;
  const [conversation, agent] = await Promise.all([
    conversationAtClaim(deps, claim),
    deps.state.getAgentConfiguration(organizationId, claim.organizationRev),
  ]);
  if (!conversation || !agent) {
    await releaseLease(deps.database, claim, RETRY_SOON_MS);
    deps.logger.debug('the conversation changed at the claim; it is taken again', {
      organizationId,
      conversationId,
    });
    return RETRY_SOON_MS;
  }
  const reply = await askAssistant(deps, claim, { agent, conversation }, signal);
  if (typeof reply === 'number') return reply;
  const result = await submit(deps, claim, reply);
  if (!result.allowed) {
    deps.logger.info('a reply was not sent', { organizationId, conversationId, reason: result.reason });
    return 0;
  }
  // What was redacted, say, while the assistant thought must not come back with the snapshot; the next turn reads anew.
  if (result.follows === claim.baseRev) await keepSnapshot(deps, conversation, reply, result);
  return undefined;
}

async function conversationAtClaim(deps: TurnDeps, claim: Claim): Promise<ConversationSnapshot | undefined> {
  const { snapshot } = await deps.state.getConversationSnapshot(claim.organizationId, claim);
  return snapshot && atClaim(snapshot, claim);
}

interface TurnState {
  readonly agent: AgentConfiguration;
  readonly conversation: ConversationSnapshot;
}

/** @returns the reply, or in how many milliseconds the turn is to be tried again. */
async function askAssistant(
  deps: TurnDeps,
  claim: Claim,
  state: TurnState,
  lost: AbortSignal,
): Promise<AssistantReply | number> {
  try {
    return await withDeadline(deps.assistant, deps.limits.assistantDeadlineMs, lost, {
      ...state,
      now: new Date(deps.clock.now()),
    });
  } catch (error) {
    const { organizationId, conversationId, attempts } = claim;
    deps.logger.error('the assistant failed', {
      organizationId,
      conversationId,
      attempts,
      error: asError(error),
    });
    if (lost.aborted) return deps.limits.sweepMs;
    if (attempts < deps.limits.maxAttempts) {
      const delayMs = 250 * 2 ** attempts;
      await releaseLease(deps.database, claim, delayMs);
      return delayMs;
    }
    return fallbackReply(state);
  }
}

async function withDeadline(
  assistant: Assistant,
  deadlineMs: number,
  lost: AbortSignal,
  request: TurnState & { readonly now: Date },
): Promise<AssistantReply> {
  const deadline = AbortSignal.timeout(deadlineMs);
  const signal = AbortSignal.any([deadline, lost]);
  const aborted = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(asError(signal.reason)), { once: true });
  });
  return await Promise.race([assistant.reply({ ...request, signal }), aborted]);
}

/** Nobody is ignored: when the assistant cannot answer, the shopper is told that a person will. */
function fallbackReply({ agent, conversation }: TurnState): AssistantReply {
  return {
    body: `Thanks for your text. Someone from the ${agent.organization.name} team will get back to you soon.`.slice(
      0,
      480,
    ),
    slots: conversation.slots,
    summary: conversation.summary,
    handoff: { reason: 'assistant_failed' },
  };
}

async function submit(deps: TurnDeps, claim: Claim, reply: AssistantReply): Promise<OutboundResult> {
  return await deps.door.submit({
    organizationId: claim.organizationId,
    conversationId: claim.conversationId,
    origin: 'assistant',
    body: reply.body,
    turn: {
      fence: claim.fence,
      seenSeq: claim.lastSeq,
      slots: reply.slots,
      summary: reply.summary,
      ...(reply.handoff ? { handoff: reply.handoff } : {}),
    },
  });
}

async function keepSnapshot(
  deps: TurnDeps,
  conversation: ConversationSnapshot,
  reply: AssistantReply,
  result: OutboundResult & { readonly allowed: true },
): Promise<void> {
  await deps.state.storeConversationSnapshot(conversation.organizationId, {
    ...conversation,
    rev: result.rev,
    lastSeq: result.message.seq,
    owner: reply.handoff ? 'human' : conversation.owner,
    summary: reply.summary,
    slots: reply.slots,
    messages: [...conversation.messages, toContextMessage(result.message)].slice(-SNAPSHOT_MESSAGES),
  });
}
