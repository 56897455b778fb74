import { Writable } from 'node:stream';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { createLogger } from '../../../services/logger.js';
import { Alerts } from '../../../services/monitoring/alerts.js';
import type { Recommendation } from '../../../services/monitoring/types.js';

const full: Recommendation = {
  code: 'redis_memory_near_limit',
  severity: 'warning',
  message: 'Full.',
  action: 'Act.',
};
const hint: Recommendation = {
  code: 'redis_persistence_off',
  severity: 'info',
  message: 'Off.',
  action: 'None.',
};

describe('Alerts', () => {
  let lines: { message: string; level: string; code: string; raisedForSeconds?: number }[];
  let alerts: Alerts;
  let nowMs: number;
  beforeEach(() => {
    lines = [];
    nowMs = Date.parse('2026-11-21T12:00:00Z');
    const stream = new Writable({
      write: (chunk, _encoding, done) => {
        lines.push(JSON.parse(String(chunk)));
        done();
      },
    });
    const logger = createLogger({ level: 'debug', format: 'json', stream });
    alerts = new Alerts({ clock: { now: () => nowMs }, logger });
  });
  const look = (times: number, ...findings: Recommendation[]) => {
    for (let n = 0; n < times; n += 1) {
      nowMs += 15_000;
      alerts.look(findings);
    }
  };

  it('When something is seen once, then nothing is raised; when twice, then once', () => {
    look(1, full);
    expect(alerts.raised()).toEqual([]);
    look(50, full);
    expect(alerts.raised()).toEqual([{ ...full, since: '2026-11-21T12:00:30.000Z' }]);
    expect(lines).toEqual([
      expect.objectContaining({ level: 'warn', message: 'an alert is raised', code: full.code }),
    ]);
  });

  it('When it is gone for a minute, then it is cleared, with how long it was raised', () => {
    look(2, full);
    look(3);
    expect(alerts.codes()).toEqual(new Set([full.code]));
    look(1);
    expect(alerts.raised()).toEqual([]);
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatchObject({ level: 'info', message: 'an alert is cleared', raisedForSeconds: 60 });
  });

  it('When it comes and goes for an hour, then the log has one line of it', () => {
    for (let n = 0; n < 60; n += 1) {
      look(2, full);
      look(2);
    }
    expect(lines).toHaveLength(1);
  });

  it('When it is seen now and then, and never twice in a row, then it is not raised', () => {
    for (let n = 0; n < 20; n += 1) {
      look(1, full);
      look(1);
    }
    expect(lines).toEqual([]);
  });

  it('When nobody can look, then what was raised is not gone', () => {
    look(2, full);
    for (let n = 0; n < 20; n += 1) alerts.look([], (code) => code !== full.code);
    expect(alerts.codes()).toEqual(new Set([full.code]));
  });

  it('When it is an event, then it is raised at once; a hint never is', () => {
    alerts.raise({ ...full, code: 'cache_degraded', severity: 'critical' });
    look(10, hint);
    expect(lines[0]).toMatchObject({ level: 'error', code: 'cache_degraded' });
    expect(lines).toHaveLength(2);
    expect(alerts.raised()).toEqual([]);
  });
});
