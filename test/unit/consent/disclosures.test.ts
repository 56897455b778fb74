import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import {
  DISCLOSURES,
  disclosureOf,
  disclosureRef,
  fillDisclosure,
} from '../../../services/consent/disclosures.js';
import { isGsm7 } from '../../../services/sms/gsm7.js';
import { countSegments } from '../../../services/sms/segments.js';

/** Of `id@version`, the beginning of the text's SHA-256: a wording that was in use is never changed. */
const IN_USE: Readonly<Record<string, string>> = {
  'web_form.en@1': '136787f2372a',
  'web_form.fr@1': '199eb9d3f1d8',
  'web_form.es@1': '2b950cd7527f',
  'first_text.en@1': 'be0a029d82b5',
  'opt_out_confirmation.en@1': '70c1b00f80b4',
  'opt_out_confirmation.fr@1': '3302fd58882b',
  'opt_out_confirmation.es@1': '3dfe1910c8b7',
  'opt_in_confirmation.en@1': '351977e3d0df',
  'help_answer.en@1': '73419fca82e4',
};

describe('Texts about consent', () => {
  it('are never changed: a new wording is a new version', () => {
    const digests = DISCLOSURES.map((entry) => [
      disclosureRef(entry),
      createHash('sha256').update(entry.text).digest('hex').slice(0, 12),
    ]);
    expect(Object.fromEntries(digests)).toEqual(IN_USE);
    expect(new Set(digests.map(([ref]) => ref)).size).toBe(DISCLOSURES.length);
  });

  it.each(['en', 'fr', 'es'] as const)(
    'confirm an opt-out in %s in one segment, and how to come back',
    (language) => {
      const text = fillDisclosure(disclosureOf('opt_out_confirmation', language), {
        dealership: 'Harbour Motors',
      });
      expect(text).toMatch(/Harbour Motors.*START/);
      expect(isGsm7(text)).toBe(true);
      expect(countSegments(text).segments).toBe(1);
    },
  );

  it('stay short when the dealership has a long name, and are English where a language has none', () => {
    const dealership = 'A dealership '.repeat(20);
    const text = fillDisclosure(disclosureOf('help_answer', 'fr'), { dealership, contact: '604-555-0123' });
    expect(text).toMatch(/or call 604-555-0123\. .*Reply STOP/);
    expect(countSegments(text).segments).toBeLessThanOrEqual(2);
  });
});
