/** A shopper who texts with the engine: plays texts, keeps the snapshot as a turn would. */
import { randomUUID } from 'node:crypto';
import { createScriptedAssistant } from '../../../services/assistant/scripted.js';
import type { Assistant, AssistantReply } from '../../../services/assistant/types.js';
import { DEMO_DEALERSHIP } from '../../../services/demo/dealership.js';
import {
  type ContextMessage,
  type ConversationId,
  type ConversationSnapshot,
  type LeadId,
  type Media,
  newOrganizationId,
  type OrganizationSettings,
  type Rev,
  type Slots,
  type Vehicle,
} from '../../../services/types.js';

export interface PlayOptions {
  /** Instant of the first text; the default is Saturday 2026-11-21, 11:00 in Vancouver. */
  readonly now?: string;
  readonly name?: string;
  readonly timezone?: string;
  readonly settings?: OrganizationSettings;
  readonly inventory?: readonly Vehicle[];
  readonly slots?: Slots;
}

export interface Shopper {
  /** Sends one or more texts as one burst and returns the reply. */
  text(...bodies: readonly string[]): Promise<AssistantReply>;
  photo(body?: string): Promise<AssistantReply>;
  /** A text by staff, as after a takeover. */
  staff(body: string): void;
  /** A text that the system started, such as a follow-up. */
  system(body: string): void;
  /** A text that the assistant does not answer: a person speaks. */
  toStaff(body: string): void;
  wait(minutes: number): void;
  readonly slots: Slots;
  readonly summary: string;
  /** Everything said, `> ` for the shopper. */
  readonly transcript: readonly string[];
  readonly replies: readonly string[];
}

export const SATURDAY_11 = '2026-11-21T19:00:00Z';

export function startConversation(
  options: PlayOptions = {},
  assistant: Assistant = createScriptedAssistant(),
): Shopper {
  let now = Date.parse(options.now ?? SATURDAY_11);
  let slots: Slots = options.slots ?? {};
  let summary = '';
  const messages: ContextMessage[] = [];
  const transcript: string[] = [];
  const organizationId = newOrganizationId();
  const conversationId = randomUUID() as ConversationId;
  const leadId = randomUUID() as LeadId;

  function add(
    direction: ContextMessage['direction'],
    sender: ContextMessage['sender'],
    body: string,
    media: readonly Media[] = [],
  ): void {
    messages.push({
      seq: messages.length + 1,
      direction,
      sender,
      body,
      media,
      createdAtMs: now,
    });
    transcript.push(direction === 'inbound' ? `> ${body || '(photo)'}` : body);
  }

  async function answer(): Promise<AssistantReply> {
    const conversation: ConversationSnapshot = {
      organizationId,
      conversationId,
      leadId,
      rev: randomUUID() as Rev,
      lastSeq: messages.length,
      owner: 'assistant',
      optedOut: false,
      summary,
      slots,
      messages: messages.slice(-50),
    };
    const organization = {
      id: organizationId,
      rev: 'r1' as Rev,
      name: options.name ?? DEMO_DEALERSHIP.name,
      timezone: options.timezone ?? DEMO_DEALERSHIP.timezone,
      phoneNumbers: [DEMO_DEALERSHIP.phoneNumber],
      settings: options.settings ?? DEMO_DEALERSHIP.settings,
    };
    const agent = { organization, inventory: options.inventory ?? DEMO_DEALERSHIP.inventory };
    const reply = await assistant.reply({
      agent,
      conversation,
      now: new Date(now),
      signal: new AbortController().signal,
    });
    slots = JSON.parse(JSON.stringify(reply.slots)) as Slots;
    summary = reply.summary;
    add('outbound', 'assistant', reply.body);
    now += 60_000;
    return reply;
  }

  return {
    async text(...bodies) {
      for (const body of bodies) add('inbound', 'lead', body);
      return await answer();
    },
    async photo(body = '') {
      add('inbound', 'lead', body, [{ url: 'https://media.example/1', contentType: 'image/jpeg' }]);
      return await answer();
    },
    staff: (body) => add('outbound', 'staff', body),
    system: (body) => add('outbound', 'system', body),
    toStaff: (body) => add('inbound', 'lead', body),
    wait: (minutes) => {
      now += minutes * 60_000;
    },
    get slots() {
      return slots;
    },
    get summary() {
      return summary;
    },
    transcript,
    get replies() {
      return messages.filter(({ sender }) => sender === 'assistant').map(({ body }) => body);
    },
  };
}
