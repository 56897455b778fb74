/** The record of the replayed day: what exists, and at which rev. What the tower does not hold is read here. */
import type { CacheAdapter } from '../../services/cacheAdapter.js';
import type {
  AgentConfiguration,
  ConversationSnapshot,
  Message,
  MessageId,
  Organization,
  OrganizationId,
  Rev,
} from '../../services/types.js';
import { createConversationMaker } from '../conversations.js';
import { type DayEvent, HOUR_MS } from './script.js';

export interface Rates {
  /** What a turn asks for: the conversation, and the settings of the organization. */
  readonly snapshot: Rate;
  readonly agent: Rate;
  /** What people read. */
  readonly history: Rate;
}

export interface Rate {
  hits: number;
  /** The conversation was there, and the tower did not hold it. */
  misses: number;
  /** The first text of a conversation: nobody can hold it. */
  firsts: number;
}

interface Conversation {
  snapshot: ConversationSnapshot;
  hasBegun: boolean;
  /** What happens to it now. */
  last: Promise<void>;
}

/** Caches are cold at midnight; from here on it counts. */
export const COUNTED_FROM_MS = 8 * HOUR_MS;
const MESSAGES = 20;
const REV = '00000000-0000-4000-8000-000000000001' as Rev;

export class Dealerships {
  readonly #snapshot = newRate();
  readonly #history = newRate();
  #settingsBefore: Rate | undefined;
  /** Reads that were answered with something that is not in the record. */
  stale = 0;
  readonly #adapter: CacheAdapter;
  readonly #maker = createConversationMaker();
  readonly #conversations = new Map<string, Conversation>();

  constructor(adapter: CacheAdapter) {
    this.#adapter = adapter;
  }

  get rates(): Rates {
    const { hits, misses } = this.#settings();
    const before = this.#settingsBefore ?? newRate();
    const agent = { hits: hits - before.hits, misses: misses - before.misses, firsts: 0 };
    return { snapshot: this.#snapshot, agent, history: this.#history };
  }

  async happen(event: DayEvent): Promise<void> {
    const isCounted = event.atMs >= COUNTED_FROM_MS;
    const organizationId = `org-${event.organization}` as OrganizationId;
    const own = this.#conversation(organizationId, event.shopper);
    const work = event.kind === 'text' ? this.#text : this.#look;
    // A conversation has one turn at a time, also when minutes pass in milliseconds.
    own.last = own.last.then(() => work.call(this, organizationId, own, isCounted));
    await own.last;
  }

  #settings(): Rate {
    const { hits = 0, misses = 0 } = this.#adapter.report().kinds.agent ?? {};
    return { hits, misses, firsts: 0 };
  }

  async #text(organizationId: OrganizationId, own: Conversation, isCounted: boolean): Promise<void> {
    const known = own.snapshot;
    const [found] = await Promise.all([
      this.#adapter.getSnapshot(organizationId, known.conversationId, known.rev),
      this.#adapter.agentConfiguration(organizationId, REV, async () => agentOf(organizationId)),
    ]);
    if (found && found.lastSeq !== known.lastSeq) this.stale += 1;
    if (isCounted) {
      // By the tower's own count: an answer that is loaded anew in the background is a hit.
      this.#settingsBefore ??= this.#settings();
      count(this.#snapshot, found ? 'hits' : own.hasBegun ? 'misses' : 'firsts');
    }
    own.hasBegun = true;
    own.snapshot = this.#maker.next(known);
    await this.#adapter.storeSnapshot(organizationId, own.snapshot);
  }

  async #look(organizationId: OrganizationId, { snapshot }: Conversation, isCounted: boolean): Promise<void> {
    const { leadId, rev } = snapshot;
    const found = await this.#adapter.getHistory(organizationId, leadId, rev);
    if (isCounted) count(this.#history, found ? 'hits' : 'misses');
    if (found) return;
    await this.#adapter.storeHistory(organizationId, leadId, { rev, messages: messagesOf(snapshot) });
  }

  #conversation(organizationId: OrganizationId, shopper: number): Conversation {
    const name = `${organizationId}/${shopper}`;
    const known = this.#conversations.get(name);
    if (known) return known;
    const made = {
      snapshot: this.#maker.snapshot(organizationId, MESSAGES),
      hasBegun: false,
      last: Promise.resolve(),
    };
    this.#conversations.set(name, made);
    return made;
  }
}

const newRate = (): Rate => ({ hits: 0, misses: 0, firsts: 0 });

const count = (rate: Rate, what: keyof Rate): void => {
  rate[what] += 1;
};

function agentOf(id: OrganizationId): AgentConfiguration {
  const organization = {
    id,
    rev: REV,
    name: id,
    timezone: 'America/Vancouver',
    phoneNumbers: [],
    settings: {},
  };
  return { organization: organization as unknown as Organization, inventory: [] };
}

const messagesOf = ({ messages }: ConversationSnapshot): Message[] =>
  messages.map(({ createdAtMs, ...message }) => ({
    ...message,
    id: `00000000-0000-4000-8000-${String(message.seq).padStart(12, '0')}` as MessageId,
    segments: 1,
    status: message.direction === 'inbound' ? 'received' : 'delivered',
    errorCode: null,
    createdAt: new Date(createdAtMs).toISOString(),
  }));
