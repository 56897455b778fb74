/**
 * How many texts a business may start to one person within 24 hours, by region. Law as data; not confirmed by counsel.
 */
export interface FrequencyCap {
  /** ISO 3166-2; `*` is what the house allows everywhere. */
  readonly regions: readonly string[];
  readonly textsPerDay: number;
  readonly source: string;
  readonly reviewedOn: string;
}

export const FREQUENCY_CAPS: readonly FrequencyCap[] = [
  {
    regions: ['*'],
    textsPerDay: 3,
    source: 'the house: the strictest law we know of',
    reviewedOn: '2026-11-21',
  },
  {
    regions: ['US-FL', 'US-MD', 'US-OK'],
    textsPerDay: 3,
    source:
      'general knowledge of the telemarketing acts of the three states (on one subject); no stored source',
    reviewedOn: '2026-11-21',
  },
];
