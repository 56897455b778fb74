/**
 * Who of the staff looks at a conversation and who is writing. Kept through the tower for some seconds, told by pub/sub;
 * whoever is there says so again before the time is over. Two processes that note two people in the same moment may
 * lose one of them until that person's next word.
 */
import type { StateDoor } from '../../redis-migration.js';
import type { Clock } from '../clock.js';
import type { PubSub, Unsubscribe } from '../pubsub.js';
import type { ConversationId, OrganizationId, Presence, PresenceKind } from '../types.js';

export interface PresenceView {
  /** Names, in order of the alphabet. */
  readonly viewing: readonly string[];
  readonly typing: readonly string[];
  /** Milliseconds since the epoch when somebody is no longer there unless said again; undefined when nobody is. */
  readonly changesAtMs: number | undefined;
}

export interface PresenceDeps {
  readonly state: Pick<StateDoor, 'getPresence' | 'storePresence'>;
  readonly pubsub: PubSub;
  readonly clock: Clock;
}

/** Pages say it every few seconds; one that was closed is forgotten after this. */
const LIFETIME_MS: Readonly<Record<PresenceKind, number>> = { presence: 20_000, typing: 6_000 };
/** More people than look at one conversation; who comes on top pushes out who has been silent longest. */
const MAX_NAMES = 30;

export class PresenceBoard {
  readonly #deps: PresenceDeps;
  /** Notes about one conversation go in one after the other. */
  readonly #noting = new Map<ConversationId, Promise<void>>();

  private constructor(deps: PresenceDeps) {
    this.#deps = deps;
  }

  static create(deps: PresenceDeps): PresenceBoard {
    return new PresenceBoard(deps);
  }

  /** @param typing undefined: nothing is said about it. */
  async note(
    organizationId: OrganizationId,
    conversationId: ConversationId,
    { name, typing }: { readonly name: string; readonly typing?: boolean | undefined },
  ): Promise<PresenceView> {
    const before = this.#noting.get(conversationId) ?? Promise.resolve();
    const now = before.then(async () => {
      await this.#keep(organizationId, conversationId, 'presence', name, true);
      if (typing !== undefined) await this.#keep(organizationId, conversationId, 'typing', name, typing);
    });
    const settled = now.catch(() => undefined);
    this.#noting.set(conversationId, settled);
    try {
      await now;
    } finally {
      if (this.#noting.get(conversationId) === settled) this.#noting.delete(conversationId);
    }
    this.#deps.pubsub.publish(organizationId, channelOf(conversationId), 'changed');
    return await this.view(organizationId, conversationId);
  }

  async view(organizationId: OrganizationId, conversationId: ConversationId): Promise<PresenceView> {
    const [viewing, typing] = await Promise.all([
      this.#read(organizationId, conversationId, 'presence'),
      this.#read(organizationId, conversationId, 'typing'),
    ]);
    const ends = [...Object.values(viewing), ...Object.values(typing)];
    return {
      viewing: Object.keys(viewing).sort(),
      typing: Object.keys(typing).sort(),
      changesAtMs: ends.length > 0 ? Math.min(...ends) : undefined,
    };
  }

  onChange(
    organizationId: OrganizationId,
    conversationId: ConversationId,
    listener: () => void,
  ): Unsubscribe {
    return this.#deps.pubsub.subscribe(organizationId, channelOf(conversationId), listener);
  }

  /** Who is there now. */
  async #read(
    organizationId: OrganizationId,
    conversationId: ConversationId,
    kind: PresenceKind,
  ): Promise<Presence> {
    const stored = await this.#deps.state.getPresence(organizationId, conversationId, kind);
    const now = this.#deps.clock.now();
    return Object.fromEntries(Object.entries(stored ?? {}).filter(([, untilMs]) => untilMs > now));
  }

  async #keep(
    organizationId: OrganizationId,
    conversationId: ConversationId,
    kind: PresenceKind,
    name: string,
    isThere: boolean,
  ): Promise<void> {
    const { [name]: _before, ...others } = await this.#read(organizationId, conversationId, kind);
    const untilMs = this.#deps.clock.now() + LIFETIME_MS[kind];
    const newestFirst = Object.entries(others).sort(([, a], [, b]) => b - a);
    const kept = newestFirst.slice(0, isThere ? MAX_NAMES - 1 : MAX_NAMES);
    const presence = Object.fromEntries(isThere ? [[name, untilMs] as const, ...kept] : kept);
    await this.#deps.state.storePresence(organizationId, conversationId, kind, presence);
  }
}

const channelOf = (conversationId: ConversationId): string => `presence:${conversationId}`;
