import type { AgentConfiguration, ConversationSnapshot, Slots } from '../types.js';

/**
 * The one interface every engine has. A request holds the state of one organization and one conversation and
 * nothing else, so an engine cannot see another dealership even by mistake.
 */
export interface AssistantRequest {
  readonly agent: AgentConfiguration;
  /** The conversation at the claim; its last messages hold the texts to answer. */
  readonly conversation: ConversationSnapshot;
  readonly now: Date;
  /**
   * Aborted when the answer is of no use any more: a newer text came, a person took over, the lease was lost, the
   * deadline passed or the process stops. An engine ends its call then.
   */
  readonly signal: AbortSignal;
}

export interface AssistantReply {
  /** What to send; 1 to 480 characters. */
  readonly body: string;
  readonly slots: Slots;
  /** One short paragraph for the next turn and for staff; no phone number in it. */
  readonly summary: string;
  /** Present when a person must take over; the reply still goes out and tells the shopper so. */
  readonly handoff?: {
    /** For staff, in a few words of the engine's; never what the shopper wrote. */
    readonly reason: string;
    /** Which rule it was (docs/ALERTS.md), where it was one. */
    readonly trigger?: string;
  };
}

export interface Assistant {
  /** Shown by health: `scripted`. */
  readonly name: string;
  reply(request: AssistantRequest): Promise<AssistantReply>;
}
