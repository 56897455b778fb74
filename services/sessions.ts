/**
 * Who is logged in: guests of the phone page and staff. A session is in the record; look-ups are read through the tower,
 * so FLUSHALL, an outage of Redis and a restart log nobody out.
 *
 * What an end is worth (log-out, end of all, revoked key, expiry): in the process that ended it, from the moment the call
 * returns; in every other process after `maxLagMs` (1 s) at most, whatever Redis holds, lost, or was restored from; and
 * at once everywhere for look-ups with `isFresh`, which ask the record. The same holds for changes of `data`. A session
 * whose organization is erased opens nothing in the record; a copy of it elsewhere lives 30 s at most.
 */
import type { StateDoor } from '../redis-migration.js';
import type { Clock } from './clock.js';
import type { Database } from './db/client.js';
import { asError, JackError } from './errors.js';
import type { Logger } from './logger.js';
import * as record from './record/sessions.js';
import { SessionChanges } from './sessions/changes.js';
import { SessionCleaner } from './sessions/cleaner.js';
import { changedData, type DataChange, refuseTooMuch } from './sessions/data.js';
import { DEFAULT_SESSION_RULES, type SessionRules } from './sessions/rules.js';
import { hashSessionToken, newSessionToken } from './sessions/token.js';
import type { OrganizationId, Session, SessionData } from './types.js';

export type { SessionUser } from './record/sessions.js';
export type { DataChange } from './sessions/data.js';

export interface SessionsDeps {
  readonly database: Database;
  readonly state: Pick<StateDoor, 'getSession' | 'storeSession' | 'dropSessions'>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly rules?: Partial<SessionRules> | undefined;
}

export interface NewSession extends record.SessionUser {
  readonly data?: SessionData;
  /** Who opens it, for the audit trail; absent: no entry. */
  readonly actor?: string;
}

const UPDATE_ATTEMPTS = 10;
/** Ended rows are kept for the processes that must hear of it. */
const KEPT_AFTER_END_MS = 3_600_000;

export class Sessions {
  readonly #deps: SessionsDeps;
  readonly #rules: SessionRules;
  readonly #changes: SessionChanges;
  readonly #cleaner: SessionCleaner;
  /** Token hashes whose use is being noted. */
  readonly #touching = new Map<string, Promise<void>>();

  private constructor(deps: SessionsDeps) {
    const { database, clock, random, logger } = deps;
    this.#deps = deps;
    this.#rules = { ...DEFAULT_SESSION_RULES, ...deps.rules };
    this.#changes = new SessionChanges({
      read: (range) => record.readSessionChanges(database, range),
      clock,
      maxLagMs: this.#rules.maxLagMs,
      maxAgeMs: this.#rules.maxCopyAgeMs,
    });
    this.#cleaner = new SessionCleaner({
      purge: (limit) => record.purgeSessions(database, { keptMs: KEPT_AFTER_END_MS, limit }),
      everyMs: this.#rules.cleanEveryMs,
      random,
      logger,
    });
  }

  static create(deps: SessionsDeps): Sessions {
    return new Sessions(deps);
  }

  /** Begins to clean up. Everything else works without. */
  start(): void {
    this.#cleaner.start();
  }

  /** Waits for what is under way. Safe to call twice. */
  async stop(): Promise<void> {
    await this.#cleaner.stop();
    await Promise.all(this.#touching.values());
  }

  /** How long a cookie may hold a token of this kind. */
  cookieTtlMs(kind: Session['kind']): number {
    const { idleTtlMs, absoluteTtlMs } = this.#rules[kind];
    return absoluteTtlMs ?? idleTtlMs;
  }

  /**
   * Always with a new token, which is shown here and nowhere else. A person's oldest sessions give way to the newest.
   * @throws JackError E_NOT_FOUND when there is no such organization or key; E_INPUT_INVALID for too much data.
   */
  async create(
    organizationId: OrganizationId,
    { data = {}, ...user }: NewSession,
  ): Promise<{ readonly token: string; readonly session: Session }> {
    refuseTooMuch(data, this.#rules.maxDataBytes);
    const token = newSessionToken();
    const tokenHash = hashSessionToken(token) ?? '';
    const { idleTtlMs, absoluteTtlMs } = this.#rules[user.kind];
    const { maxPerUser } = this.#rules;
    const limits = { idleTtlMs, absoluteTtlMs, maxPerUser };
    const created = await record.createSession(this.#deps.database, organizationId, {
      ...user,
      ...limits,
      tokenHash,
      data,
    });
    if (!created) throw new JackError('E_NOT_FOUND', 'There is no such organization or key.');
    await this.#forget(organizationId, created.ended);
    await this.#keep(created.session);
    return { token, session: created.session };
  }

  /**
   * The live session of a token; noted as used, once a minute at most and in the background.
   * @param isFresh asks the record, for what must not happen after an end: every request that changes something.
   * @throws when the record is away: JackError E_DB_UNAVAILABLE at the edge.
   */
  async get(
    token: string,
    kind: Session['kind'],
    { isFresh = false }: { readonly isFresh?: boolean } = {},
  ): Promise<Session | undefined> {
    const tokenHash = hashSessionToken(token);
    if (tokenHash === undefined) return undefined;
    const session = isFresh
      ? await record.readSession(this.#deps.database, tokenHash)
      : await this.#look(tokenHash);
    if (session?.kind !== kind) return undefined;
    if (session.readAtMs - session.lastSeenAtMs >= this.#rules.touchEveryMs) this.#touchInBackground(session);
    return session;
  }

  /**
   * No change of another process or request is lost: each is made on the data as it is then.
   * @throws JackError E_NOT_FOUND when the session is over, E_INPUT_INVALID for too much data, E_SUPERSEDED when others
   * changed it all the while.
   */
  async update({ organizationId, tokenHash }: Session, change: DataChange): Promise<Session> {
    for (let attempt = 0; attempt < UPDATE_ATTEMPTS; attempt += 1) {
      const current = await record.readSession(this.#deps.database, tokenHash);
      if (current?.organizationId !== organizationId) throw over();
      const data = changedData(current.data, change);
      refuseTooMuch(data, this.#rules.maxDataBytes);
      const written = await record.writeSessionData(this.#deps.database, current, data);
      if (!written) continue;
      this.#changes.note(tokenHash, written.rev);
      await this.#keep(written);
      return written;
    }
    throw new JackError('E_SUPERSEDED', 'The session was changed by others all the while.');
  }

  /**
   * Notes that the session is in use, which puts off its idle end; written at most once a minute.
   * @returns the session with its new end; undefined when there was nothing to note or the session is over.
   */
  async touch(session: Session): Promise<Session | undefined> {
    const touched = await record.touchSession(this.#deps.database, session, this.#rules.touchEveryMs);
    if (touched) await this.#keep(touched);
    return touched;
  }

  /** @returns false when it was over already. */
  async destroy(session: Session): Promise<boolean> {
    const { organizationId, tokenHash } = session;
    const isEnded = await record.endSession(this.#deps.database, session);
    await this.#forget(organizationId, [tokenHash]);
    return isEnded;
  }

  /** Live sessions of one person, the one used last first; 100 at most. */
  async listOfUser(organizationId: OrganizationId, user: record.SessionUser): Promise<readonly Session[]> {
    return await record.listSessions(this.#deps.database, organizationId, user);
  }

  /** @returns how many there were. */
  async endAllOfUser(organizationId: OrganizationId, user: record.SessionUser): Promise<number> {
    return await this.#endAll(organizationId, record.endSessions(this.#deps.database, organizationId, user));
  }

  /** Guests and staff. @returns how many there were. */
  async endAllOfOrganization(organizationId: OrganizationId): Promise<number> {
    return await this.#endAll(organizationId, record.endSessions(this.#deps.database, organizationId));
  }

  /** After a commit that ended sessions by other means, such as the removal of a key: this process knows at once. */
  async catchUp(): Promise<void> {
    await this.#changes.catchUpNow();
  }

  /** Removes what is over, as the timer does. @returns how many. */
  async clean(): Promise<number> {
    return await this.#cleaner.run();
  }

  async #look(tokenHash: string): Promise<Session | undefined> {
    await this.#changes.catchUp();
    return await this.#deps.state.getSession(tokenHash, (copy) => this.#changes.allows(copy));
  }

  async #endAll(organizationId: OrganizationId, batches: AsyncIterable<readonly string[]>): Promise<number> {
    let ended = 0;
    for await (const tokenHashes of batches) {
      await this.#forget(organizationId, tokenHashes);
      ended += tokenHashes.length;
    }
    return ended;
  }

  #touchInBackground(session: Session): void {
    const { tokenHash, organizationId } = session;
    if (this.#touching.has(tokenHash)) return;
    const touching = this.#touchOrDrop(session)
      .catch((error: unknown) => {
        const at = { organizationId, error: asError(error) };
        this.#deps.logger.warn('the use of a session could not be noted', at);
      })
      .finally(() => this.#touching.delete(tokenHash));
    this.#touching.set(tokenHash, touching);
  }

  /** When somebody else has noted it, or ended the session, our copy is behind and would make us try again each time. */
  async #touchOrDrop(session: Session): Promise<void> {
    const touched = await this.touch(session);
    if (!touched) await this.#deps.state.dropSessions([session.tokenHash]);
  }

  /** The record has it already, so a cache that fails costs a later read. */
  async #keep(session: Session): Promise<void> {
    await this.#bestEffort(session.organizationId, () => this.#deps.state.storeSession(session));
  }

  /** Noted first: whatever becomes of the copies, none counts here from now on. */
  async #forget(organizationId: OrganizationId, tokenHashes: readonly string[]): Promise<void> {
    for (const tokenHash of tokenHashes) this.#changes.noteEnd(tokenHash);
    if (tokenHashes.length === 0) return;
    await this.#bestEffort(organizationId, () => this.#deps.state.dropSessions(tokenHashes));
  }

  async #bestEffort(organizationId: OrganizationId, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#deps.logger.warn('copies of sessions could not be brought up to date', {
        organizationId,
        error: asError(error),
      });
    }
  }
}

const over = (): JackError => new JackError('E_NOT_FOUND', 'The session is over.');
