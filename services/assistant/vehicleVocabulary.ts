/**
 * Names of vehicles people text about, in stock or not: enough to understand "trading in my F-150" and to know that
 * a Camry is a sedan when there is none. The inventory of the dealership comes on top and wins.
 */
import type { Vehicle } from '../types.js';

export type Body = 'SUV' | 'truck' | 'sedan' | 'hatchback' | 'coupe' | 'convertible' | 'van' | 'wagon';

export interface VehicleName {
  readonly make: string;
  readonly model?: string;
  readonly body?: Body;
}

const LETTERS: Readonly<Record<string, Body>> = {
  s: 'SUV',
  t: 'truck',
  d: 'sedan',
  h: 'hatchback',
  c: 'coupe',
  v: 'van',
  w: 'wagon',
};

/** Models as `Name/body letter`. */
const KNOWN: Readonly<Record<string, string>> = {
  Acura: 'Integra/h ILX/d TLX/d RDX/s MDX/s',
  Audi: 'A3/d A4/d A5/c A6/d Q3/s Q5/s Q7/s Q8/s',
  BMW: 'X1/s X3/s X5/s X7/s 328i/d 330i/d i4/d',
  Buick: 'Encore/s Envision/s Enclave/s',
  Cadillac: 'Escalade/s XT4/s XT5/s CT5/d',
  Chevrolet:
    'Silverado/t Colorado/t Equinox/s Trax/s Blazer/s Traverse/s Tahoe/s Suburban/s Malibu/d Cruze/d Camaro/c Corvette/c Bolt/h',
  Chrysler: '300/d Pacifica/v',
  Dodge: 'Charger/d Challenger/c Durango/s Caravan/v Grand-Caravan/v Journey/s',
  Ford: 'F-150/t F-250/t F-350/t Ranger/t Maverick/t Escape/s Explorer/s Edge/s Expedition/s Bronco/s Bronco-Sport/s Mustang/c Mach-E/s Fusion/d Focus/h Fiesta/h Transit/v EcoSport/s',
  GMC: 'Sierra/t Canyon/t Terrain/s Acadia/s Yukon/s',
  Honda: 'Civic/d Accord/d CR-V/s HR-V/s Pilot/s Passport/s Ridgeline/t Odyssey/v Fit/h Prologue/s',
  Hyundai:
    'Elantra/d Sonata/d Accent/d Kona/s Tucson/s Santa-Fe/s Palisade/s Venue/s Santa-Cruz/t Ioniq/h Ioniq-5/s',
  Infiniti: 'Q50/d QX50/s QX60/s',
  Jeep: 'Wrangler/s Cherokee/s Grand-Cherokee/s Compass/s Renegade/s Patriot/s Gladiator/t',
  Kia: 'Forte/d Rio/d K5/d Soul/h Seltos/s Sportage/s Sorento/s Telluride/s Carnival/v Niro/s EV6/s',
  'Land Rover': 'Range-Rover/s Discovery/s Defender/s Evoque/s',
  Lexus: 'IS/d ES/d NX/s RX/s GX/s UX/s',
  Lincoln: 'Navigator/s Nautilus/s Corsair/s',
  Mazda: 'Mazda3/d 3/d Mazda6/d CX-3/s CX-30/s CX-5/s CX-50/s CX-9/s CX-90/s MX-5/c Miata/c',
  'Mercedes-Benz': 'C300/d E350/d GLA/s GLB/s GLC/s GLE/s Sprinter/v',
  Mini: 'Cooper/h Countryman/s',
  Mitsubishi: 'Outlander/s RVR/s Eclipse-Cross/s Mirage/h Lancer/d',
  Nissan:
    'Altima/d Sentra/d Versa/d Maxima/d Rogue/s Qashqai/s Kicks/s Murano/s Pathfinder/s Armada/s Frontier/t Titan/t Leaf/h Micra/h',
  Pontiac: 'Vibe/h G6/d',
  Porsche: 'Macan/s Cayenne/s 911/c',
  Ram: '1500/t 2500/t 3500/t ProMaster/v',
  Subaru: 'Outback/w Forester/s Crosstrek/s Impreza/h Legacy/d Ascent/s WRX/d BRZ/c',
  Tesla: 'Model-3/d Model-Y/s Model-S/d Model-X/s Cybertruck/t',
  Toyota:
    'Camry/d Corolla/d Corolla-Cross/s RAV4/s Highlander/s 4Runner/s Sequoia/s Tacoma/t Tundra/t Prius/h Sienna/v Venza/s C-HR/s Yaris/h Matrix/h Avalon/d Supra/c',
  Volkswagen: 'Jetta/d Passat/d Golf/h GTI/h Tiguan/s Taos/s Atlas/s ID.4/s Beetle/h',
  Volvo: 'XC40/s XC60/s XC90/s S60/d V60/w',
};

const NICKNAMES: Readonly<Record<string, string>> = {
  chevy: 'Chevrolet',
  chev: 'Chevrolet',
  vw: 'Volkswagen',
  benz: 'Mercedes-Benz',
  mercedes: 'Mercedes-Benz',
  merc: 'Mercedes-Benz',
  beemer: 'BMW',
  bimmer: 'BMW',
  caddy: 'Cadillac',
  subie: 'Subaru',
  dodgeram: 'Ram',
};

/** Also everyday words: a model only after its make, a year, or `a`, `the`, `my`. */
const EVERYDAY = new Set(
  'fit soul edge focus escape pilot leaf rogue journey passport legacy patriot compass accent rio fusion is es rx nx ux gx 3 300 911 1500 2500 3500 ram mini integra explorer maverick sierra ascent note venue titan frontier canyon transit discovery defender charger challenger matrix'.split(
    ' ',
  ),
);

export const isEveryday = (key: string): boolean => EVERYDAY.has(key);

/** `CR-V` and `cr v` → `crv`. */
export const keyOf = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

export interface Vocabulary {
  readonly makes: ReadonlyMap<string, string>;
  readonly models: ReadonlyMap<string, VehicleName>;
  /** Keys of models in stock, for which a slip of one letter is forgiven. */
  readonly inStock: readonly string[];
}

const GENERAL = buildGeneral();

function buildGeneral(): { makes: Map<string, string>; models: Map<string, VehicleName> } {
  const makes = new Map<string, string>(Object.entries(NICKNAMES));
  const models = new Map<string, VehicleName>();
  for (const [make, list] of Object.entries(KNOWN)) {
    makes.set(keyOf(make), make);
    for (const entry of list.split(' ')) {
      const [name = '', letter = ''] = entry.split('/');
      const body = LETTERS[letter];
      const model = /^(?:Grand|Santa|Bronco|Corolla|Range|Land|Eclipse|Model|Ioniq)-/.test(name)
        ? name.replace('-', ' ')
        : name;
      models.set(keyOf(name), { make, model, ...(body ? { body } : {}) });
    }
  }
  return { makes, models };
}

export function vocabularyOf(inventory: readonly Vehicle[]): Vocabulary {
  const makes = new Map(GENERAL.makes);
  const models = new Map(GENERAL.models);
  const inStock = new Set<string>();
  for (const { make, model, bodyStyle } of inventory) {
    const key = keyOf(model);
    if (keyOf(make) === '' || key === '') continue;
    const body = bodyOf(bodyStyle) ?? models.get(key)?.body;
    makes.set(keyOf(make), make);
    models.set(key, { make, model, ...(body ? { body } : {}) });
    inStock.add(key);
  }
  return { makes, models, inStock: [...inStock] };
}

const BODY_WORDS: Readonly<Record<string, Body>> = {
  suv: 'SUV',
  crossover: 'SUV',
  sportutility: 'SUV',
  '4x4': 'SUV',
  truck: 'truck',
  pickup: 'truck',
  pickuptruck: 'truck',
  sedan: 'sedan',
  saloon: 'sedan',
  hatchback: 'hatchback',
  hatch: 'hatchback',
  coupe: 'coupe',
  convertible: 'convertible',
  cabriolet: 'convertible',
  van: 'van',
  minivan: 'van',
  wagon: 'wagon',
};

/** The body style a word means, singular or plural, or undefined. */
export function bodyOf(word: string): Body | undefined {
  const key = keyOf(word);
  return BODY_WORDS[key] ?? (key.endsWith('s') ? BODY_WORDS[key.slice(0, -1)] : undefined);
}
