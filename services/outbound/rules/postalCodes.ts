/**
 * Postal codes of the United States (first three digits) and Canada (first characters) and the region they lie in. Zones
 * are given where a region has several; two stay where the border runs through the area. Written from general knowledge of
 * the numbering of the two postal services; what is missing here, such as military addresses, says nothing.
 */
export const POSTAL_CODES_REVIEWED_ON = '2026-11-21';

/** `[first, last, region]` of three-digit beginnings; the first range that fits counts. */
export const ZIP_RANGES: ReadonlyArray<readonly [first: number, last: number, region: string]> = [
  [5, 5, 'US-NY'],
  [8, 8, 'US-VI'],
  [6, 9, 'US-PR'],
  [10, 27, 'US-MA'],
  [28, 29, 'US-RI'],
  [30, 38, 'US-NH'],
  [39, 49, 'US-ME'],
  [55, 55, 'US-MA'],
  [50, 59, 'US-VT'],
  [60, 69, 'US-CT'],
  [70, 89, 'US-NJ'],
  [100, 149, 'US-NY'],
  [150, 196, 'US-PA'],
  [197, 199, 'US-DE'],
  [201, 201, 'US-VA'],
  [200, 205, 'US-DC'],
  [206, 219, 'US-MD'],
  [220, 246, 'US-VA'],
  [247, 268, 'US-WV'],
  [270, 289, 'US-NC'],
  [290, 299, 'US-SC'],
  [300, 319, 'US-GA'],
  [320, 339, 'US-FL'],
  [341, 349, 'US-FL'],
  [350, 369, 'US-AL'],
  [370, 385, 'US-TN'],
  [386, 397, 'US-MS'],
  [398, 399, 'US-GA'],
  [400, 427, 'US-KY'],
  [430, 459, 'US-OH'],
  [460, 479, 'US-IN'],
  [480, 499, 'US-MI'],
  [500, 528, 'US-IA'],
  [530, 549, 'US-WI'],
  [550, 567, 'US-MN'],
  [570, 577, 'US-SD'],
  [580, 588, 'US-ND'],
  [590, 599, 'US-MT'],
  [600, 629, 'US-IL'],
  [630, 658, 'US-MO'],
  [660, 679, 'US-KS'],
  [680, 693, 'US-NE'],
  [700, 714, 'US-LA'],
  [716, 729, 'US-AR'],
  [733, 733, 'US-TX'],
  [730, 749, 'US-OK'],
  [750, 799, 'US-TX'],
  [800, 816, 'US-CO'],
  [820, 831, 'US-WY'],
  [832, 838, 'US-ID'],
  [840, 847, 'US-UT'],
  [850, 865, 'US-AZ'],
  [870, 884, 'US-NM'],
  [885, 885, 'US-TX'],
  [889, 898, 'US-NV'],
  [900, 961, 'US-CA'],
  [967, 968, 'US-HI'],
  [970, 979, 'US-OR'],
  [980, 994, 'US-WA'],
  [995, 999, 'US-AK'],
];

const EASTERN = 'America/New_York';
const CENTRAL = 'America/Chicago';
const MOUNTAIN = 'America/Denver';
const PACIFIC = 'America/Los_Angeles';

/** Zones of beginnings in regions with several; the first range that fits counts, what fits none has the region's. */
export const ZIP_ZONES: ReadonlyArray<readonly [first: number, last: number, zones: readonly string[]]> = [
  [324, 324, [EASTERN, CENTRAL]],
  [325, 325, [CENTRAL]],
  [320, 349, [EASTERN]],
  [373, 373, [EASTERN, CENTRAL]],
  [374, 379, [EASTERN]],
  [370, 385, [CENTRAL]],
  [401, 401, [EASTERN, CENTRAL]],
  [400, 418, [EASTERN]],
  [420, 424, [CENTRAL]],
  [463, 464, [CENTRAL]],
  [465, 465, [EASTERN, CENTRAL]],
  [475, 475, [EASTERN, CENTRAL]],
  [476, 477, [CENTRAL]],
  [479, 479, [EASTERN, CENTRAL]],
  [460, 478, [EASTERN]],
  [480, 497, [EASTERN]],
  [660, 676, [CENTRAL]],
  [680, 689, [CENTRAL]],
  [693, 693, [MOUNTAIN]],
  [570, 574, [CENTRAL]],
  [577, 577, [MOUNTAIN]],
  [580, 584, [CENTRAL]],
  [798, 799, [MOUNTAIN]],
  [885, 885, [MOUNTAIN]],
  [733, 733, [CENTRAL]],
  [750, 796, [CENTRAL]],
  [838, 838, [PACIFIC]],
  [835, 835, [MOUNTAIN, PACIFIC]],
  [832, 837, [MOUNTAIN]],
  [850, 857, ['America/Phoenix']],
  [970, 978, [PACIFIC]],
  [889, 897, [PACIFIC]],
  [995, 995, ['America/Anchorage']],
  [997, 999, ['America/Anchorage']],
];

interface PostalArea {
  /** The code begins with this; the longest beginning that fits counts. */
  readonly prefix: string;
  readonly regions: readonly string[];
  readonly zones?: readonly string[];
}

const area = (prefix: string, regions: string, ...zones: string[]): PostalArea => ({
  prefix,
  regions: regions.split(' '),
  ...(zones.length > 0 ? { zones } : {}),
});

const TORONTO = 'America/Toronto';
const WINNIPEG = 'America/Winnipeg';
const VANCOUVER = 'America/Vancouver';
const EDMONTON = 'America/Edmonton';
const LABRADOR = 'America/Goose_Bay';

export const CANADIAN_AREAS: readonly PostalArea[] = [
  area('A', 'CA-NL', 'America/St_Johns'),
  ...['A0K', 'A0P', 'A0R'].map((prefix) => area(prefix, 'CA-NL', 'America/St_Johns', LABRADOR)),
  area('A2V', 'CA-NL', LABRADOR),
  area('B', 'CA-NS'),
  area('C', 'CA-PE'),
  area('E', 'CA-NB'),
  ...['G', 'H', 'J'].map((prefix) => area(prefix, 'CA-QC', TORONTO)),
  area('G0G', 'CA-QC', TORONTO, 'America/Halifax'),
  area('G4T', 'CA-QC', 'America/Halifax'),
  ...['K', 'L', 'M', 'N', 'P'].map((prefix) => area(prefix, 'CA-ON', TORONTO)),
  ...['P0T', 'P0V', 'P0W', 'P0X'].map((prefix) => area(prefix, 'CA-ON', TORONTO, WINNIPEG)),
  ...['P8N', 'P8T', 'P9A', 'P9N'].map((prefix) => area(prefix, 'CA-ON', WINNIPEG)),
  area('R', 'CA-MB'),
  area('S', 'CA-SK', 'America/Regina'),
  area('S9V', 'CA-SK', EDMONTON),
  area('T', 'CA-AB'),
  area('V', 'CA-BC', VANCOUVER),
  ...['V0A', 'V0B', 'V1A', 'V1C'].map((prefix) => area(prefix, 'CA-BC', VANCOUVER, EDMONTON)),
  area('V0C', 'CA-BC', VANCOUVER, EDMONTON, 'America/Dawson_Creek'),
  ...['V1G', 'V1J'].map((prefix) => area(prefix, 'CA-BC', 'America/Dawson_Creek')),
  area('X', 'CA-NT CA-NU'),
  area('X0A', 'CA-NU', 'America/Iqaluit'),
  area('X1A', 'CA-NT'),
  area('Y', 'CA-YT'),
];
