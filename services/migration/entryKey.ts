/** Keys of the Maps: `organization:phone`, `organization:leadId`, or the second part alone. */
import { type E164, isOrganizationId, type OrganizationId, toE164 } from '../types.js';

export interface PlacedKey {
  /** Undefined for a bare key that nobody could place. */
  readonly organizationId: OrganizationId | undefined;
  /** What follows the organization. */
  readonly rest: string;
}

export type OrganizationOf = (key: string) => OrganizationId | undefined;

/** @returns undefined when what stands before the colon cannot be an organization. */
export function placeKey(key: string, organizationOf: OrganizationOf): PlacedKey | undefined {
  const colon = key.indexOf(':');
  if (colon === -1) return { organizationId: organizationOf(key), rest: key };
  const organization = key.slice(0, colon);
  return isOrganizationId(organization)
    ? { organizationId: organization, rest: key.slice(colon + 1) }
    : undefined;
}

export const phoneOf = (text: string): E164 | undefined => toE164(text.trim());

/** `north-shore:+16045550123` → `north-shore:***0123`; an id keeps its last four characters too. */
export function maskKey(key: string): string {
  const colon = key.indexOf(':');
  const organization = colon === -1 ? '' : key.slice(0, colon + 1);
  const isPlain = isOrganizationId(organization.slice(0, -1)) && !/\d{7}/.test(organization);
  const rest = key.slice(colon + 1);
  const shown = rest.slice(rest.length - Math.min(4, Math.floor(rest.length / 2)));
  return `${isPlain ? organization : ''}***${shown}`;
}
