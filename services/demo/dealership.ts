/** The dealership of a first run: made up, with 555-01xx numbers and a small inventory. Data only; seeding is elsewhere. */
import type { E164, OrganizationId, OrganizationSettings, Vehicle } from '../types.js';

export interface DemoDealership {
  readonly id: OrganizationId;
  readonly name: string;
  readonly timezone: string;
  readonly phoneNumber: E164;
  readonly settings: OrganizationSettings;
  readonly inventory: readonly Vehicle[];
}

type Row = readonly [
  stockNumber: string,
  condition: 'new' | 'used',
  year: number,
  make: string,
  model: string,
  trim: string,
  bodyStyle: string,
  color: string,
  odometerKm: number,
  price: number | null,
];

const ROWS: readonly Row[] = [
  ['P4471', 'used', 2021, 'Honda', 'Civic', 'Sport', 'Sedan', 'Blue', 61200, 22995],
  ['N2603', 'new', 2026, 'Honda', 'Civic', 'Sport Hybrid', 'Sedan', 'Grey', 12, 36890],
  ['P4502', 'used', 2022, 'Honda', 'CR-V', 'EX-L', 'SUV', 'White', 48700, 32995],
  ['N2611', 'new', 2026, 'Honda', 'CR-V', 'Touring Hybrid', 'SUV', 'Black', 9, 49870],
  ['P4438', 'used', 2020, 'Toyota', 'RAV4', 'XLE AWD', 'SUV', 'Silver', 74300, 28995],
  ['N2620', 'new', 2026, 'Toyota', 'RAV4', 'XLE Hybrid', 'SUV', 'Blue', 15, null],
  ['P4389', 'used', 2019, 'Toyota', 'Corolla', 'LE', 'Sedan', 'Red', 88100, 18995],
  ['P4515', 'used', 2023, 'Toyota', 'Tacoma', 'TRD Off Road', 'Pickup', 'Grey', 39400, 46995],
  ['P4460', 'used', 2021, 'Ford', 'F-150', 'XLT SuperCrew', 'Pickup', 'Blue', 67800, 41995],
  ['N2633', 'new', 2025, 'Ford', 'F-150', 'Lariat', 'Pickup', 'White', 21, 74250],
  ['P4496', 'used', 2022, 'Tesla', 'Model 3', 'Long Range', 'Sedan', 'White', 52600, 37995],
  ['P4427', 'used', 2020, 'Subaru', 'Outback', 'Limited', 'Wagon', 'Green', 81500, 26995],
  ['P4350', 'used', 2018, 'Mazda', 'CX-5', 'GS', 'SUV', 'Red', 96200, 19995],
  ['P4409', 'used', 2019, 'Volkswagen', 'Golf', 'Comfortline', 'Hatchback', 'Black', 72900, 17995],
  ['P4521', 'used', 2021, 'Toyota', 'Sienna', 'LE Hybrid', 'Minivan', 'Silver', 58800, 43995],
];

const vehicle = (row: Row): Vehicle => {
  const [stockNumber, condition, year, make, model, trim, bodyStyle, color, odometerKm, price] = row;
  return {
    stockNumber,
    condition,
    year,
    make,
    model,
    trim,
    bodyStyle,
    color,
    odometerKm,
    price,
    currency: 'CAD',
  };
};

const WEEKDAY = [['09:00', '19:00']] as const;

export const DEMO_DEALERSHIP: DemoDealership = {
  id: 'demo-motors' as OrganizationId,
  name: 'Harbor Example Motors',
  timezone: 'America/Vancouver',
  phoneNumber: '+16045550100' as E164,
  settings: {
    address: '100 Example Harbour Way, Vancouver, BC',
    publicPhone: '604-555-0101',
    website: 'https://harbor-motors.example',
    hours: {
      1: WEEKDAY,
      2: WEEKDAY,
      3: WEEKDAY,
      4: WEEKDAY,
      5: [['09:00', '18:00']],
      6: [['10:00', '17:00']],
    },
    assistantName: 'Jack',
  },
  inventory: ROWS.map(vehicle),
};
