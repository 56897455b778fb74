import { describe, expect, it } from '@jest/globals';
import { AREA_CODES } from '../../../services/outbound/rules/areaCodes.js';
import { CANADIAN_AREAS, ZIP_RANGES, ZIP_ZONES } from '../../../services/outbound/rules/postalCodes.js';
import { REGIONS } from '../../../services/outbound/rules/regions.js';
import {
  isTollFree,
  isUnitedStatesNumber,
  type StatedPlace,
  whereaboutsOf,
} from '../../../services/outbound/whereabouts.js';
import type { E164 } from '../../../services/types.js';

const at = (phone: string, stated: StatedPlace = {}) => {
  const { places, sources } = whereaboutsOf({
    phone: phone as E164,
    stated,
    organizationZone: 'America/Vancouver',
  });
  return { places: places.map(({ zone, region }) => `${region ?? '*'} ${zone}`), sources };
};

/** An area code that nobody has. */
const NOWHERE = '+12005550100';

describe('Where a recipient may be', () => {
  it.each([
    ['+12125550100', ['US-NY America/New_York']],
    ['+16045550123', ['CA-BC America/Vancouver']],
    ['+19155550100', ['US-TX America/Denver']],
    ['+18505550100', ['US-FL America/New_York', 'US-FL America/Chicago']],
    ['+19025550100', ['CA-NS America/Halifax', 'CA-PE America/Halifax']],
  ])('The area code of %s says it', (phone, places) => {
    expect(at(phone)).toEqual({ places, sources: ['area_code'] });
  });

  it.each([
    ['98101', {}, ['US-WA America/Los_Angeles']],
    ['32501', {}, ['US-FL America/Chicago']],
    ['33101-1234', {}, ['US-FL America/New_York']],
    ['79901', { country: 'USA' }, ['US-TX America/Denver']],
    ['06510', {}, ['US-CT America/New_York']],
    ['V5H 0A1', { country: 'CA' }, ['CA-BC America/Vancouver']],
    ['v1g1a1', {}, ['CA-BC America/Dawson_Creek']],
    ['A1B', {}, ['CA-NL America/St_Johns']],
  ])('The postal code %s says it', (postalCode, rest, places) => {
    expect(at(NOWHERE, { postalCode, ...rest })).toEqual({ places, sources: ['address'] });
  });

  it.each([
    ['TX', ['US-TX America/Chicago', 'US-TX America/Denver']],
    ['texas', ['US-TX America/Chicago', 'US-TX America/Denver']],
    ['US-CA', ['US-CA America/Los_Angeles']],
    ['Alberta', ['CA-AB America/Edmonton']],
  ])('Without a postal code the region %s says it', (region, places) => {
    expect(at(NOWHERE, { region })).toEqual({ places, sources: ['address'] });
  });

  it('Sources that disagree all count, the most trusted first', () => {
    expect(at('+12125550100', { postalCode: '78701', timezone: 'America/Denver' })).toEqual({
      places: ['US-TX America/Chicago', '* America/Denver', 'US-NY America/New_York'],
      sources: ['address', 'stated_zone', 'area_code'],
    });
  });

  it('Sources that agree are one place', () => {
    expect(at('+12065550100', { postalCode: '98101' }).places).toEqual(['US-WA America/Los_Angeles']);
  });

  it.each([
    ['nothing', {}],
    ['a military address', { postalCode: '09012' }],
    ['a postal code of another country', { postalCode: '10115', country: 'Germany' }],
    ['what is no zone', { timezone: 'Mars/Olympus' }],
    ['what is no text', { postalCode: { deep: true }, region: 7, timezone: ['America/Denver'] }],
  ])('When %s is known, the dealership’s own zone counts', (_name, stated) => {
    const own = { places: ['* America/Vancouver'], sources: ['organization_zone'] };
    expect(at(NOWHERE, stated)).toEqual(own);
    expect(at('+18005550100', stated)).toEqual(own);
    expect(at('+441632960100', stated)).toEqual(own);
  });

  it('Numbers of the United States and toll-free ones are known', () => {
    expect(
      ['+12125550100', '+17875550100', '+16045550123', '+18885550100'].map(isUnitedStatesNumber),
    ).toEqual([true, true, false, false]);
    expect(['+18885550100', '+12125550100'].map(isTollFree)).toEqual([true, false]);
  });
});

describe('The tables', () => {
  const zones = [
    ...Object.values(REGIONS).flatMap((region) => region.zones),
    ...AREA_CODES.flatMap((area) => area.zones ?? []),
    ...CANADIAN_AREAS.flatMap((area) => area.zones ?? []),
    ...ZIP_ZONES.flatMap(([, , each]) => each),
  ];

  it('Every zone is one that Intl knows', () => {
    for (const zone of new Set(zones))
      expect(() => new Intl.DateTimeFormat('en', { timeZone: zone })).not.toThrow();
  });

  it('No area code is listed twice, and each has three digits', () => {
    const codes = AREA_CODES.flatMap(({ codes }) => codes.split(' '));
    expect(codes.filter((code) => !/^[2-9]\d\d$/.test(code))).toEqual([]);
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
    expect(codes.length).toBeGreaterThan(380);
  });

  it('Every region of the tables exists, and has an area code and a postal code', () => {
    const named = [
      ...AREA_CODES.flatMap(({ regions }) => regions),
      ...CANADIAN_AREAS.flatMap(({ regions }) => regions),
      ...ZIP_RANGES.map(([, , region]) => region),
    ];
    expect(named.filter((region) => !(region in REGIONS))).toEqual([]);
    const codes = new Set(AREA_CODES.flatMap(({ regions }) => regions));
    expect(Object.keys(REGIONS).filter((region) => !codes.has(region))).toEqual([]);
  });

  it('A zone that narrows a region is one of its zones', () => {
    for (const { regions, zones: narrowed } of [...AREA_CODES, ...CANADIAN_AREAS]) {
      const all = regions.flatMap((region) => REGIONS[region]?.zones ?? []);
      expect(all).toEqual(expect.arrayContaining([...(narrowed ?? [])]));
    }
  });
});
