import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { readErrorRows } from '../../../routes/errorPages.js';
import { ERRORS } from '../../../services/errors.js';

const rows = readErrorRows(readFileSync('docs/ERRORS.md', 'utf8'));
const entries = Object.entries(ERRORS);

describe('docs/ERRORS.md', () => {
  it('explains every code, once, and none that does not exist', () => {
    expect(rows.map(({ code }) => code).sort()).toEqual(entries.map(([code]) => code).sort());
  });

  it.each(entries)('says of %s what the table says', (code, { status, retryable }) => {
    const row = rows.find((candidate) => candidate.code === code);
    expect(row).toMatchObject({
      http: status === null ? '(start fails)' : String(status),
      retry: retryable ? 'yes' : 'no',
    });
    expect(row?.when.length).toBeGreaterThan(10);
    expect(row?.action.length).toBeGreaterThan(5);
  });
});
