import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { HANDOFF_TRIGGERS } from '../../../services/assistant/handoff.js';
import { ALERT_KINDS } from '../../../services/db/schema/alerts.js';

const [kinds = '', triggers = ''] = readFileSync('docs/ALERTS.md', 'utf8').split(
  '## When the assistant hands over',
);
const namesIn = (text: string) => [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = '']) => name);

describe('docs/ALERTS.md', () => {
  it('explains every kind of alert, and none that does not exist', () => {
    expect(namesIn(kinds).sort()).toEqual([...ALERT_KINDS].sort());
  });

  it('explains every trigger, and none that does not exist', () => {
    expect(namesIn(triggers).sort()).toEqual([...HANDOFF_TRIGGERS].sort());
  });
});
