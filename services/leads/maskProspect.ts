import { maskIdentifiers } from '../privacy/mask.js';
import type { Prospect } from './prospect.js';

/** Values that are numbers by their nature, and not the person's secrets. */
const KEPT = new Set(['phones', 'ids', 'vin', 'stockNumber', 'postalCode', 'email', 'requestedAt', 'url']);

/** Card, identity and licence numbers that somebody wrote into a form, wherever they wrote them. */
export function maskProspect(prospect: Prospect): {
  readonly prospect: Prospect;
  readonly masked: readonly string[];
} {
  const kinds = new Set<string>();
  const mask = (value: unknown): unknown => {
    if (typeof value === 'string') {
      const masked = maskIdentifiers(value);
      for (const kind of masked.kinds) kinds.add(kind);
      return masked.text;
    }
    if (Array.isArray(value)) return value.map(mask);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => [name, KEPT.has(name) ? (inner as unknown) : mask(inner)]),
    );
  };
  return { prospect: mask(prospect) as Prospect, masked: [...kinds] };
}
