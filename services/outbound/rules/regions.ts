/**
 * States, provinces and territories by ISO 3166-2, with the time zones that people there live in. Where a region has
 * several, a text must be allowed in all of them until a postal code or area code says which. Written from general
 * knowledge of the IANA zones; a split that concerns a few thousand people is listed too, because the worst that it does
 * is to delay a text by an hour.
 */
export interface Region {
  readonly name: string;
  /** IANA names, the one with most people first. */
  readonly zones: readonly string[];
}

const EASTERN = 'America/New_York';
const CENTRAL = 'America/Chicago';
const MOUNTAIN = 'America/Denver';
const PACIFIC = 'America/Los_Angeles';
const ARIZONA = 'America/Phoenix';
const ATLANTIC = 'America/Halifax';

const region = (name: string, ...zones: string[]): Region => ({ name, zones });

export const REGIONS: Readonly<Record<string, Region>> = {
  'US-AL': region('Alabama', CENTRAL),
  'US-AK': region('Alaska', 'America/Anchorage', 'America/Adak'),
  'US-AZ': region('Arizona', ARIZONA, MOUNTAIN),
  'US-AR': region('Arkansas', CENTRAL),
  'US-CA': region('California', PACIFIC),
  'US-CO': region('Colorado', MOUNTAIN),
  'US-CT': region('Connecticut', EASTERN),
  'US-DE': region('Delaware', EASTERN),
  'US-DC': region('District of Columbia', EASTERN),
  'US-FL': region('Florida', EASTERN, CENTRAL),
  'US-GA': region('Georgia', EASTERN),
  'US-HI': region('Hawaii', 'Pacific/Honolulu'),
  'US-ID': region('Idaho', MOUNTAIN, PACIFIC),
  'US-IL': region('Illinois', CENTRAL),
  'US-IN': region('Indiana', EASTERN, CENTRAL),
  'US-IA': region('Iowa', CENTRAL),
  'US-KS': region('Kansas', CENTRAL, MOUNTAIN),
  'US-KY': region('Kentucky', EASTERN, CENTRAL),
  'US-LA': region('Louisiana', CENTRAL),
  'US-ME': region('Maine', EASTERN),
  'US-MD': region('Maryland', EASTERN),
  'US-MA': region('Massachusetts', EASTERN),
  'US-MI': region('Michigan', EASTERN, CENTRAL),
  'US-MN': region('Minnesota', CENTRAL),
  'US-MS': region('Mississippi', CENTRAL),
  'US-MO': region('Missouri', CENTRAL),
  'US-MT': region('Montana', MOUNTAIN),
  'US-NE': region('Nebraska', CENTRAL, MOUNTAIN),
  'US-NV': region('Nevada', PACIFIC, MOUNTAIN),
  'US-NH': region('New Hampshire', EASTERN),
  'US-NJ': region('New Jersey', EASTERN),
  'US-NM': region('New Mexico', MOUNTAIN),
  'US-NY': region('New York', EASTERN),
  'US-NC': region('North Carolina', EASTERN),
  'US-ND': region('North Dakota', CENTRAL, MOUNTAIN),
  'US-OH': region('Ohio', EASTERN),
  'US-OK': region('Oklahoma', CENTRAL),
  'US-OR': region('Oregon', PACIFIC, MOUNTAIN),
  'US-PA': region('Pennsylvania', EASTERN),
  'US-RI': region('Rhode Island', EASTERN),
  'US-SC': region('South Carolina', EASTERN),
  'US-SD': region('South Dakota', CENTRAL, MOUNTAIN),
  'US-TN': region('Tennessee', CENTRAL, EASTERN),
  'US-TX': region('Texas', CENTRAL, MOUNTAIN),
  'US-UT': region('Utah', MOUNTAIN),
  'US-VT': region('Vermont', EASTERN),
  'US-VA': region('Virginia', EASTERN),
  'US-WA': region('Washington', PACIFIC),
  'US-WV': region('West Virginia', EASTERN),
  'US-WI': region('Wisconsin', CENTRAL),
  'US-WY': region('Wyoming', MOUNTAIN),
  'US-PR': region('Puerto Rico', 'America/Puerto_Rico'),
  'US-VI': region('U.S. Virgin Islands', 'America/St_Thomas'),
  'US-GU': region('Guam', 'Pacific/Guam'),
  'US-MP': region('Northern Mariana Islands', 'Pacific/Saipan'),
  'US-AS': region('American Samoa', 'Pacific/Pago_Pago'),
  'CA-AB': region('Alberta', 'America/Edmonton'),
  'CA-BC': region('British Columbia', 'America/Vancouver', 'America/Edmonton', 'America/Dawson_Creek'),
  'CA-MB': region('Manitoba', 'America/Winnipeg'),
  'CA-NB': region('New Brunswick', 'America/Moncton'),
  'CA-NL': region('Newfoundland and Labrador', 'America/St_Johns', 'America/Goose_Bay'),
  'CA-NS': region('Nova Scotia', ATLANTIC),
  'CA-NT': region('Northwest Territories', 'America/Yellowknife'),
  'CA-NU': region('Nunavut', 'America/Iqaluit', 'America/Rankin_Inlet', 'America/Cambridge_Bay'),
  'CA-ON': region('Ontario', 'America/Toronto', 'America/Winnipeg'),
  'CA-PE': region('Prince Edward Island', ATLANTIC),
  'CA-QC': region('Quebec', 'America/Toronto', ATLANTIC),
  'CA-SK': region('Saskatchewan', 'America/Regina', 'America/Edmonton'),
  'CA-YT': region('Yukon', 'America/Whitehorse'),
};
