/** One turn: state at the claim, assistant, door, new snapshot. */
import { withIntroduction } from '../assistant/introduction.js';
import type { Assistant, AssistantReply } from '../assistant/types.js';
import { asError } from '../errors.js';
import type { OutboundResult, RequestedAlert } from '../outbound/types.js';
import { toContextMessage } from '../record/messageRow.js';
import type { AgentConfiguration, ConversationSnapshot } from '../types.js';
import { atClaim, SNAPSHOT_MESSAGES } from './atClaim.js';
import { type Claim, releaseLease, returnClaim } from './claims.js';
import { type Ending, endingOf } from './endings.js';
import { findLoop, type LoopFinding } from './loopGuard.js';
import { stopLoop } from './stopLoop.js';
import type { TurnLimits, TurnRunnerDeps } from './types.js';

type TurnDeps = TurnRunnerDeps & { readonly limits: TurnLimits };

/** How soon a claim that met a change in the same moment is taken again. */
const RETRY_SOON_MS = 20;

/**
 * @param signal aborted with a TurnEndedError when there is no use in going on.
 * @returns in how many milliseconds due turns should be looked for again; undefined when this one is settled.
 */
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
  const loop = findLoop(conversation.messages, deps.clock.now(), deps.limits.loop);
  if (loop) return await endLoop(deps, claim, loop);
  const answer = await askAssistant(deps, claim, { agent, conversation }, signal);
  if (!('reply' in answer)) return answer.againInMs;
  const { reply } = answer;
  const result = await submit(deps, claim, answer);
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

/** @returns when to look again, since a claim that was lost may be anybody's by now. */
async function endLoop(deps: TurnDeps, claim: Claim, finding: LoopFinding): Promise<number | undefined> {
  const { organizationId, conversationId } = claim;
  const isStopped = await stopLoop(deps.database, claim, finding);
  if (isStopped) deps.logger.warn('two machines were talking', { organizationId, conversationId, finding });
  return isStopped ? undefined : 0;
}

interface TurnState {
  readonly agent: AgentConfiguration;
  readonly conversation: ConversationSnapshot;
}

interface Answer {
  readonly reply: AssistantReply;
  readonly alerts?: readonly RequestedAlert[];
}

/** No reply of this turn; undefined: nothing has to be looked for. */
interface NoAnswer {
  readonly againInMs: number | undefined;
}

async function askAssistant(
  deps: TurnDeps,
  claim: Claim,
  state: TurnState,
  ended: AbortSignal,
): Promise<Answer | NoAnswer> {
  try {
    const request = { ...state, now: new Date(deps.clock.now()) };
    return { reply: await withDeadline(deps.assistant, deps.limits.assistantDeadlineMs, ended, request) };
  } catch (error) {
    const ending = endingOf(ended);
    if (ending) return { againInMs: await endEarly(deps, claim, ending) };
    const { organizationId, conversationId, attempts } = claim;
    deps.logger.error('the assistant failed', {
      organizationId,
      conversationId,
      attempts,
      error: asError(error),
    });
    if (attempts < deps.limits.maxAttempts) {
      const delayMs = 250 * 2 ** attempts;
      await releaseLease(deps.database, claim, delayMs);
      return { againInMs: delayMs };
    }
    const alert: RequestedAlert = {
      kind: 'assistant_failed',
      reason: 'The assistant could not answer; the shopper was told that a person will.',
      details: { attempts },
    };
    return { reply: withIntroduction(fallbackReply(state), state), alerts: [alert] };
  }
}

/** What the assistant was about to say is given up, and the conversation is free at once for whoever answers. */
async function endEarly(deps: TurnDeps, claim: Claim, ending: Ending): Promise<number | undefined> {
  const { organizationId, conversationId } = claim;
  deps.logger.info('a turn was given up before its reply', { organizationId, conversationId, ending });
  if (ending === 'lease_lost') return undefined;
  await returnClaim(deps.database, claim);
  return ending === 'newer_text' ? 0 : undefined;
}

async function withDeadline(
  assistant: Assistant,
  deadlineMs: number,
  ended: AbortSignal,
  request: TurnState & { readonly now: Date },
): Promise<AssistantReply> {
  ended.throwIfAborted();
  const deadline = AbortSignal.timeout(deadlineMs);
  const signal = AbortSignal.any([deadline, ended]);
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

async function submit(deps: TurnDeps, claim: Claim, { reply, alerts }: Answer): Promise<OutboundResult> {
  return await deps.door.submit({
    organizationId: claim.organizationId,
    conversationId: claim.conversationId,
    origin: 'assistant',
    body: reply.body,
    ...(alerts ? { alerts } : {}),
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
