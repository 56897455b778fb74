/** Shoppers who text, each with one conversation, and wait for the reply before they text again. */
import type { Database } from '../../../services/db/client.js';
import { JackError } from '../../../services/errors.js';
import type { InboundSms } from '../../../services/twilio/webhook.js';
import type { ConversationId, E164, LeadId } from '../../../services/types.js';
import type { JackWorker } from '../jackWorker/jackWorker.js';
import { conversationOf, inboundText, newPhone, type TestOrganization } from '../records.js';
import { settingsMark } from './checker.js';
import type { ArenaProcess } from './process.js';

export interface ArenaOrganization extends TestOrganization {
  /** Number of its settings; raised after they were committed. */
  settingsVersion: number;
}

export interface ArenaConversation {
  readonly organization: ArenaOrganization;
  readonly phone: E164;
  /** Both absent until the first text is stored. */
  id?: ConversationId;
  leadId?: LeadId;
  isBusy: boolean;
  onQueued?: (() => void) | undefined;
}

export interface Shoppers {
  readonly conversations: readonly ArenaConversation[];
  readonly texts: number;
  /** Replies that did not come within the patience of a shopper, who then texts again. */
  readonly impatient: number;
  /** Texts that the record could not take at once, as when it ended a deadlock. */
  readonly redelivered: number;
  /** Stops texting; the replies under way are not waited for. */
  stop(): Promise<void>;
}

export interface ShoppersOptions {
  readonly database: Database;
  readonly processes: readonly ArenaProcess[];
  readonly organizations: readonly ArenaOrganization[];
  readonly conversations: number;
  /** How many text at the same time. */
  readonly concurrency: number;
  readonly random: () => number;
}

const PATIENCE_MS = 1_000;

export async function startShoppers(options: ShoppersOptions): Promise<Shoppers> {
  const { processes, organizations, random } = options;
  const conversations = Array.from(
    { length: options.conversations },
    (_, n): ArenaConversation => ({
      organization: organizations[n % organizations.length]!,
      phone: newPhone(),
      isBusy: false,
    }),
  );
  const byId = new Map<ConversationId, ArenaConversation>();
  let isRunning = true;
  let [texts, impatient, redelivered] = [0, 0, 0];

  for (const { jack } of processes) {
    jack.onQueued((conversationId) => byId.get(conversationId as ConversationId)?.onQueued?.());
    await jack.call(
      'listen',
      organizations.map(({ id }) => id),
    );
  }

  async function say(conversation: ArenaConversation): Promise<void> {
    const { organization, phone } = conversation;
    const { jack } = processes[Math.floor(random() * processes.length)]!;
    texts += 1;
    const body = `text ${texts} of ${phone.slice(-7)} ${settingsMark(organization.settingsVersion)}`;
    await deliver(inboundText(organization.number, phone, { body }), jack);
    if (conversation.id === undefined) await identify(conversation);
  }

  /** As the carrier does: what was not acknowledged comes again, to whichever process answers, under the same id. */
  async function deliver(text: InboundSms, jack: JackWorker, attempt = 1): Promise<void> {
    try {
      await jack.call('receive', text);
    } catch (error) {
      if (!(error instanceof JackError) || error.code !== 'E_DB_UNAVAILABLE' || attempt > 3) throw error;
      redelivered += 1;
      await deliver(text, processes[attempt % processes.length]!.jack, attempt + 1);
    }
  }

  async function identify(conversation: ArenaConversation): Promise<void> {
    const row = await conversationOf(options.database, conversation.organization.id, conversation.phone);
    conversation.id = row.id;
    conversation.leadId = row.leadId;
    byId.set(row.id, conversation);
  }

  /** Resolves at the reply, or when patience ends. */
  function reply(conversation: ArenaConversation): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        impatient += 1;
        resolve();
      }, PATIENCE_MS);
      conversation.onQueued = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function converse(conversation: ArenaConversation): Promise<void> {
    const replied = reply(conversation);
    // Sometimes in a burst, of which parts may come in through different processes at once.
    const burst = random() < 0.8 ? 1 : 2 + Math.floor(random() * 2);
    if (random() < 0.5) await Promise.all(Array.from({ length: burst }, () => say(conversation)));
    else for (let n = 0; n < burst; n += 1) await say(conversation);
    await replied;
    conversation.onQueued = undefined;
  }

  async function work(): Promise<void> {
    while (isRunning) {
      const conversation = conversations[Math.floor(random() * conversations.length)]!;
      if (conversation.isBusy) {
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      conversation.isBusy = true;
      try {
        await converse(conversation);
      } finally {
        conversation.isBusy = false;
      }
    }
  }

  const working = Array.from({ length: options.concurrency }, work);
  return {
    conversations,
    get texts() {
      return texts;
    },
    get impatient() {
      return impatient;
    },
    get redelivered() {
      return redelivered;
    },
    stop: async () => {
      isRunning = false;
      await Promise.all(working);
    },
  };
}
