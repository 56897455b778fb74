/** Numbers that count as the United States for the registration of texts (A2P 10DLC). */
import { AREA_CODES } from './areaCodes.js';

export const US_AREA_CODES: readonly string[] = AREA_CODES.filter(({ regions }) =>
  regions.some((region) => region.startsWith('US-')),
).flatMap(({ codes }) => codes.split(' '));
