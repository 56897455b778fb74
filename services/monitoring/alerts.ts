/**
 * What is raised and what is not. A finding has to be seen twice to be raised and to be absent for a minute to be
 * cleared, so that a value at the edge is two log lines and not two hundred.
 */
import type { Logger } from '../logger.js';
import type { Recommendation } from './types.js';

export interface Alert extends Recommendation {
  /** ISO 8601. */
  readonly since: string;
}

interface Watched {
  finding: Recommendation;
  seen: number;
  missed: number;
  sinceMs: number | undefined;
}

export interface AlertsDeps {
  readonly clock: { now(): number };
  readonly logger: Logger;
  /** Looks in a row that find it, until it is raised. */
  readonly raiseAfter?: number;
  /** Looks in a row that do not, until it is cleared. */
  readonly clearAfter?: number;
}

export class Alerts {
  readonly #deps: Required<AlertsDeps>;
  readonly #watched = new Map<string, Watched>();

  constructor(deps: AlertsDeps) {
    this.#deps = { raiseAfter: 2, clearAfter: 4, ...deps };
  }

  /**
   * What one look found; hints (`info`) are no alerts.
   * @param isKnown whether the look could have found this code: what cannot be looked at is not gone.
   */
  look(findings: readonly Recommendation[], isKnown: (code: string) => boolean = () => true): void {
    const found = new Map(
      findings.filter(({ severity }) => severity !== 'info').map((finding) => [finding.code, finding]),
    );
    for (const finding of found.values()) this.#see(finding, this.#deps.raiseAfter);
    for (const [code, watched] of this.#watched)
      if (!found.has(code) && isKnown(code)) this.#miss(code, watched);
  }

  /** Raised without waiting for a second look: an event, and not a value at an edge. */
  raise(finding: Recommendation): void {
    this.#see(finding, 1);
  }

  raised(): Alert[] {
    return [...this.#watched.values()].flatMap(({ finding, sinceMs }) =>
      sinceMs === undefined ? [] : [{ ...finding, since: new Date(sinceMs).toISOString() }],
    );
  }

  codes(): ReadonlySet<string> {
    return new Set(this.raised().map(({ code }) => code));
  }

  #see(finding: Recommendation, raiseAfter: number): void {
    const watched = this.#watched.get(finding.code) ?? { finding, seen: 0, missed: 0, sinceMs: undefined };
    this.#watched.set(finding.code, watched);
    watched.finding = finding;
    watched.seen += 1;
    watched.missed = 0;
    if (watched.sinceMs !== undefined || watched.seen < raiseAfter) return;
    watched.sinceMs = this.#deps.clock.now();
    const { code, severity, message, action } = finding;
    this.#deps.logger.log(severity === 'critical' ? 'error' : 'warn', 'an alert is raised', {
      code,
      severity,
      finding: message,
      action,
    });
  }

  #miss(code: string, watched: Watched): void {
    watched.missed += 1;
    if (watched.sinceMs !== undefined && watched.missed < this.#deps.clearAfter) return;
    this.#watched.delete(code);
    if (watched.sinceMs === undefined) return;
    this.#deps.logger.info('an alert is cleared', {
      code,
      raisedForSeconds: Math.round((this.#deps.clock.now() - watched.sinceMs) / 1_000),
    });
  }
}
