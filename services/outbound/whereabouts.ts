/**
 * Where a recipient may be, by the order of trust: an address or postal code on the lead, a zone that somebody stated, the
 * area code, and only when nothing else is known the dealership's own zone. Sources that disagree all count.
 */
import type { E164 } from '../types.js';
import type { Place } from './quietHours.js';
import { AREA_CODES, TOLL_FREE_CODES } from './rules/areaCodes.js';
import { CANADIAN_AREAS, ZIP_RANGES, ZIP_ZONES } from './rules/postalCodes.js';
import { REGIONS } from './rules/regions.js';

export type PlaceSource = 'address' | 'stated_zone' | 'area_code' | 'organization_zone';

export interface Whereabouts {
  /** At least one. */
  readonly places: readonly Place[];
  /** What was known, the most trusted first. */
  readonly sources: readonly PlaceSource[];
}

/** What the lead's attributes may say of where the person is; forms and CRMs name it in several ways. */
export interface StatedPlace {
  readonly postalCode?: unknown;
  /** A state or province, as a code or a name. */
  readonly region?: unknown;
  readonly country?: unknown;
  /** IANA name. */
  readonly timezone?: unknown;
}

export interface Recipient {
  readonly phone: E164;
  readonly stated: StatedPlace;
  /** IANA name of the dealership's zone. */
  readonly organizationZone: string;
}

export function whereaboutsOf({ phone, stated, organizationZone }: Recipient): Whereabouts {
  const zone = zoneOf(stated.timezone);
  const known: [PlaceSource, readonly Place[]][] = [
    ['address', placesOfAddress(stated)],
    ['stated_zone', zone === undefined ? [] : [{ zone }]],
    ['area_code', placesOfPhone(phone)],
  ];
  const telling = known.filter(([, places]) => places.length > 0);
  if (telling.length === 0) return { places: [{ zone: organizationZone }], sources: ['organization_zone'] };
  return {
    places: distinct(telling.flatMap(([, places]) => places)),
    sources: telling.map(([source]) => source),
  };
}

/** A number of the United States or their territories that is no toll-free one. */
export const isUnitedStatesNumber = (phone: string): boolean =>
  regionsOfPhone(phone).some((region) => region.startsWith('US-'));

export const isTollFree = (phone: string): boolean => TOLL_FREE_CODES.has(areaCodeOf(phone) ?? '');

export const regionsOf = ({ places }: Whereabouts): readonly string[] => [
  ...new Set(places.flatMap(({ region }) => (region === undefined ? [] : [region]))),
];

function placesOfAddress(stated: StatedPlace): readonly Place[] {
  const byPostalCode = placesOfPostalCode(stated.postalCode, stated.country);
  if (byPostalCode.length > 0) return byPostalCode;
  const region = regionNamed(stated.region, stated.country);
  return region === undefined ? [] : placesIn([region]);
}

const placesIn = (regions: readonly string[], zones?: readonly string[]): Place[] =>
  regions.flatMap((region) => (zones ?? REGIONS[region]?.zones ?? []).map((zone) => ({ zone, region })));

interface AreaCode {
  readonly regions: readonly string[];
  readonly zones: readonly string[] | undefined;
}

const areaCodes: ReadonlyMap<string, AreaCode> = new Map(
  AREA_CODES.flatMap(({ codes, regions, zones }) =>
    codes.split(' ').map((code): [string, AreaCode] => [code, { regions, zones }]),
  ),
);

const areaCodeOf = (phone: string): string | undefined => /^\+1(\d{3})\d{7}$/.exec(phone)?.[1];

const regionsOfPhone = (phone: string): readonly string[] =>
  areaCodes.get(areaCodeOf(phone) ?? '')?.regions ?? [];

function placesOfPhone(phone: E164): readonly Place[] {
  const area = areaCodes.get(areaCodeOf(phone) ?? '');
  return area ? placesIn(area.regions, area.zones) : [];
}

function placesOfPostalCode(value: unknown, country: unknown): readonly Place[] {
  if (typeof value !== 'string' && typeof value !== 'number') return [];
  const code = String(value).trim().toUpperCase();
  const canadian = /^([A-Z]\d[A-Z])\s*-?\s*(\d[A-Z]\d)?$/.exec(code)?.[1];
  if (canadian && countryOf(country) !== 'US') return placesOfCanadianArea(canadian);
  const zip = /^(\d{3})\d{2}(-?\d{4})?$/.exec(code)?.[1];
  return zip && countryOf(country) !== 'CA' && countryOf(country) !== 'other' ? placesOfZip(Number(zip)) : [];
}

function placesOfCanadianArea(beginning: string): readonly Place[] {
  const fitting = CANADIAN_AREAS.filter(({ prefix }) => beginning.startsWith(prefix));
  const [best] = fitting.sort((a, b) => b.prefix.length - a.prefix.length);
  return best ? placesIn(best.regions, best.zones) : [];
}

function placesOfZip(beginning: number): readonly Place[] {
  const fits = ([first, last]: readonly [number, number, ...unknown[]]) =>
    first <= beginning && beginning <= last;
  const region = ZIP_RANGES.find(fits)?.[2];
  if (region === undefined) return [];
  const hasSeveral = (REGIONS[region]?.zones.length ?? 0) > 1;
  return placesIn([region], hasSeveral ? ZIP_ZONES.find(fits)?.[2] : undefined);
}

function countryOf(value: unknown): 'US' | 'CA' | 'other' | undefined {
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const name = value.trim().toUpperCase().replaceAll('.', '');
  if (['US', 'USA', 'UNITED STATES', 'UNITED STATES OF AMERICA'].includes(name)) return 'US';
  return ['CA', 'CAN', 'CANADA'].includes(name) ? 'CA' : 'other';
}

const regionsByName: ReadonlyMap<string, string> = new Map(
  Object.entries(REGIONS).flatMap(([code, { name }]) => [
    [code, code],
    [code.slice(3), code],
    [name.toUpperCase(), code],
  ]),
);

/** No state and province share a code, so the country only serves to refuse what lies elsewhere. */
function regionNamed(value: unknown, country: unknown): string | undefined {
  if (typeof value !== 'string' || countryOf(country) === 'other') return undefined;
  return regionsByName.get(value.trim().toUpperCase());
}

function zoneOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || !/^[A-Za-z]/.test(value)) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function distinct(places: readonly Place[]): Place[] {
  return [...new Map(places.map((place) => [`${place.zone} ${place.region ?? ''}`, place])).values()];
}
