/**
 * Numbers that must never be in a text are masked before it is stored (services/privacy/mask.ts). Here what stands for
 * them is blanked as well, so that no answer, slot or summary is made of it; and, in texts from before, the numbers.
 */
import { maskIdentifiers, PLACEHOLDERS } from '../privacy/mask.js';

export interface Scrubbed {
  readonly text: string;
  readonly found: boolean;
}

export function scrubIdentifiers(text: string): Scrubbed {
  const masked = maskIdentifiers(text).text;
  let clean = masked;
  for (const placeholder of Object.values(PLACEHOLDERS)) clean = clean.replaceAll(placeholder, ' ');
  return { text: clean, found: clean !== masked };
}
