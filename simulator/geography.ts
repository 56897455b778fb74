/** What a carrier says of a number: where it was issued, not where its owner is. A few area codes are enough to show it. */
export interface Place {
  readonly city: string;
  readonly state: string;
  readonly zip: string;
  readonly country: string;
}

const UNKNOWN: Place = { city: '', state: '', zip: '', country: '' };
const TOLL_FREE: Place = { ...UNKNOWN, country: 'US' };
const TOLL_FREE_CODES = new Set(['800', '833', '844', '855', '866', '877', '888']);

const AREA_CODES: Readonly<Record<string, Place>> = {
  '604': { city: 'BURNABY', state: 'BC', zip: '', country: 'CA' },
  '778': { city: 'VANCOUVER', state: 'BC', zip: '', country: 'CA' },
  '416': { city: 'TORONTO', state: 'ON', zip: '', country: 'CA' },
  '514': { city: 'MONTREAL', state: 'QC', zip: '', country: 'CA' },
  '206': { city: 'SEATTLE', state: 'WA', zip: '98101', country: 'US' },
  '512': { city: 'AUSTIN', state: 'TX', zip: '78701', country: 'US' },
  '305': { city: 'MIAMI', state: 'FL', zip: '33101', country: 'US' },
};

export function placeOf(phone: string): Place {
  if (!phone.startsWith('+1')) return UNKNOWN;
  const areaCode = phone.slice(2, 5);
  return TOLL_FREE_CODES.has(areaCode) ? TOLL_FREE : (AREA_CODES[areaCode] ?? UNKNOWN);
}

export const isTollFree = (phone: string): boolean =>
  phone.startsWith('+1') && TOLL_FREE_CODES.has(phone.slice(2, 5));
