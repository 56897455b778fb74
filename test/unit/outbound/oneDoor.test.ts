/** Read off the source: what the import graph cannot see. The rules about imports are in importGraph.test.ts. */
import { describe, expect, it } from '@jest/globals';
import { isInComment, readSources } from '../../../scripts/lib/importGraph.js';
import { PROJECT_ROOT } from '../../../scripts/lib/programs.js';

const PROGRAM = readSources(PROJECT_ROOT).filter(
  ({ path }) => path.startsWith('services/') || path.startsWith('routes/') || !path.includes('/'),
);

const filesWith = (pattern: RegExp): string[] =>
  PROGRAM.filter(({ text }) =>
    [...text.matchAll(pattern)].some((match) => !isInComment(text, match.index)),
  ).map(({ path }) => path);

describe('One door for outbound texts', () => {
  it('The program was read', () => {
    expect(PROGRAM.length).toBeGreaterThan(150);
  });

  it('Only the door’s transaction puts rows into the outbox', () => {
    expect(filesWith(/insert\s+into\s+outbox\b|\.insert\(\s*outbox\b/gi)).toEqual([
      'services/outbound/textRows.ts',
    ]);
  });

  it('Only the sender hands texts to a transport', () => {
    expect(filesWith(/\btransport\s*\??\.\s*send\s*\(/g).sort()).toEqual([
      'services/outbound/sender.ts',
      'services/outbound/transports/countedTransport.ts',
    ]);
  });

  it('Only the transports know where the carrier takes texts', () => {
    expect(
      filesWith(/\/?Messages\.json/g).every((path) => path.startsWith('services/outbound/transports/')),
    ).toBe(true);
    expect(filesWith(/\/?Messages\.json/g)).not.toEqual([]);
  });
});
