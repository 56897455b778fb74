/**
 * Why a copy of a session may be trusted. The record is asked which sessions changed or ended lately, once a second for
 * all look-ups of the process; a copy counts only when it is young and nothing of the kind is known of it. What Redis
 * lost, kept, or was restored from does not matter: whatever it holds is judged by this. Age is measured on the record's
 * clock alone, so machines whose clocks differ agree.
 */
import type { Clock } from '../clock.js';
import type { SessionChangesRead } from '../record/sessions.js';
import type { Session } from '../types.js';

export interface SessionChangesDeps {
  read(range: { sinceMs: number; windowMs: number; limit: number }): Promise<SessionChangesRead>;
  readonly clock: Clock;
  /** How far behind the record a look-up may be. */
  readonly maxLagMs: number;
  /** How old a copy may be. */
  readonly maxAgeMs: number;
  /** Changes known at once; tests use a small one. */
  readonly maxChanges?: number;
}

/** A change is dated when its statement runs and seen when it commits: a transaction of Jack's takes a fraction of it. */
const OVERLAP_MS = 15_000;
/** The record's clock may be set back a little; a copy from further ahead is not one of ours. */
const TOLERANCE_MS = 1_000;
const MAX_CHANGES = 5_000;
/** Noted before the record's clock was known: kept until it is. */
const UNDATED = Number.POSITIVE_INFINITY;

interface Known {
  /** Copies of an older rev do not count; infinite for an ended session. */
  readonly leastRev: number;
  readonly atMs: number;
}

export class SessionChanges {
  readonly #deps: SessionChangesDeps;
  readonly #known = new Map<string, Known>();
  #asOf: { readonly recordMs: number; readonly monotonicMs: number } | undefined;
  /** There were more changes than could be known: copies from before are not used. */
  #distrustedUntilMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(deps: SessionChangesDeps) {
    this.#deps = deps;
  }

  /** From here on `allows` is at most `maxLagMs` and one statement behind the record. @throws when the record is away. */
  async catchUp(): Promise<void> {
    const { clock, maxLagMs } = this.#deps;
    if (this.#asOf && clock.monotonicMs() - this.#asOf.monotonicMs < maxLagMs) return;
    await this.#readOnce();
  }

  /** Knows everything that was committed before the call. @throws when the record is away. */
  async catchUpNow(): Promise<void> {
    // One under way may have begun too early; its failure is its callers' to hear of.
    await this.#reading?.catch(() => undefined);
    await this.#readOnce();
  }

  /** At once for this process, which made the change. */
  note(tokenHash: string, leastRev: number): void {
    this.#know(tokenHash, { leastRev, atMs: this.#asOf ? this.nowMs() : UNDATED });
  }

  noteEnd(tokenHash: string): void {
    this.note(tokenHash, Number.POSITIVE_INFINITY);
  }

  /** Not before the record's clock; -Infinity before the first reading. */
  nowMs(): number {
    if (!this.#asOf) return Number.NEGATIVE_INFINITY;
    return this.#asOf.recordMs + this.#deps.clock.monotonicMs() - this.#asOf.monotonicMs;
  }

  /** Whether a copy of a session, wherever it comes from, may stand for the record. */
  allows({ tokenHash, rev, readAtMs, expiresAtMs }: Session): boolean {
    const nowMs = this.nowMs();
    const ageMs = nowMs - readAtMs;
    if (!(ageMs <= this.#deps.maxAgeMs && ageMs >= -TOLERANCE_MS)) return false;
    if (expiresAtMs <= nowMs || readAtMs <= this.#distrustedUntilMs) return false;
    const known = this.#known.get(tokenHash);
    return known === undefined || rev >= known.leastRev;
  }

  /** How many changes are known; for tests and reports. */
  get size(): number {
    return this.#known.size;
  }

  async #readOnce(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    await this.#reading;
  }

  async #read(): Promise<void> {
    const { read, clock, maxAgeMs, maxChanges = MAX_CHANGES } = this.#deps;
    // Taken before the question, so that our idea of the record's clock is never behind it.
    const monotonicMs = clock.monotonicMs();
    const windowMs = maxAgeMs + OVERLAP_MS;
    const sinceMs = (this.#asOf?.recordMs ?? OVERLAP_MS) - OVERLAP_MS;
    const { nowMs, changes } = await read({ sinceMs, windowMs, limit: maxChanges + 1 });
    this.#asOf = { recordMs: nowMs, monotonicMs };
    if (changes.length > maxChanges) this.#distrustedUntilMs = nowMs;
    for (const { tokenHash, rev, isEnded, changedAtMs } of changes.slice(0, maxChanges)) {
      this.#know(tokenHash, { leastRev: isEnded ? Number.POSITIVE_INFINITY : rev, atMs: changedAtMs });
    }
    this.#forgetBefore(nowMs - windowMs, maxChanges);
  }

  #know(tokenHash: string, { leastRev, atMs }: Known): void {
    const before = this.#known.get(tokenHash);
    this.#known.delete(tokenHash);
    this.#known.set(tokenHash, {
      leastRev: Math.max(leastRev, before?.leastRev ?? 0),
      atMs: Math.max(atMs, before?.atMs ?? 0),
    });
  }

  /** A copy from before that moment is too old anyhow. */
  #forgetBefore(atMs: number, most: number): void {
    for (const [tokenHash, known] of this.#known) {
      if (known.atMs < atMs) this.#known.delete(tokenHash);
      else if (known.atMs === UNDATED) this.#known.set(tokenHash, { ...known, atMs: this.nowMs() });
    }
    if (this.#known.size <= 2 * most) return;
    this.#known.clear();
    this.#distrustedUntilMs = this.nowMs();
  }
}
