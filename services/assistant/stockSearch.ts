/** Finding vehicles: what matches a query, and what comes closest when nothing does. */
import type { Vehicle } from '../types.js';
import type { StockQuery } from './stockQuery.js';
import { bodyOf, keyOf } from './vehicleVocabulary.js';

const ELECTRIC =
  /\b(?:ev|electric|model [3syx]|bolt|leaf|ioniq [56]|ev6|ev9|id\.?4|mach-e|e-tron|prologue)\b/i;

export function search(inventory: readonly Vehicle[], query: StockQuery): Vehicle[] {
  return order(
    inventory.filter((vehicle) => fits(vehicle, query)),
    query,
  );
}

function fits(vehicle: Vehicle, query: StockQuery): boolean {
  return (
    fitsName(vehicle, query) &&
    fitsKind(vehicle, query) &&
    fitsPrice(vehicle, query) &&
    fitsYear(vehicle, query) &&
    (query.maxKm === undefined || vehicle.odometerKm <= query.maxKm)
  );
}

function fitsName(vehicle: Vehicle, { names }: StockQuery): boolean {
  if (names.length === 0) return true;
  return names.some(
    ({ make, model, year }) =>
      keyOf(make) === keyOf(vehicle.make) &&
      (model === undefined || keyOf(model) === keyOf(vehicle.model)) &&
      (year === undefined || year === vehicle.year),
  );
}

function fitsKind(vehicle: Vehicle, query: StockQuery): boolean {
  const body = bodyOf(vehicle.bodyStyle);
  return (
    (query.bodies.length === 0 || query.names.length > 0 || query.bodies.some((wanted) => wanted === body)) &&
    fitsColor(vehicle, query) &&
    (query.condition === undefined || query.condition === vehicle.condition) &&
    (query.fuel === undefined || fuelOf(vehicle) === query.fuel)
  );
}

function fitsColor(vehicle: Vehicle, { colors }: StockQuery): boolean {
  const color = vehicle.color.toLowerCase().replace('gray', 'grey');
  return colors.length === 0 || colors.some((wanted) => color.includes(wanted));
}

function fuelOf({ model, trim }: Vehicle): 'hybrid' | 'electric' | undefined {
  if (/hybrid/i.test(`${model} ${trim}`)) return 'hybrid';
  return ELECTRIC.test(`${model} ${trim}`) ? 'electric' : undefined;
}

function fitsPrice({ price }: Vehicle, { minPrice, maxPrice }: StockQuery): boolean {
  if (minPrice === undefined && maxPrice === undefined) return true;
  return price !== null && price >= (minPrice ?? 0) && price <= (maxPrice ?? Number.POSITIVE_INFINITY);
}

const fitsYear = ({ year }: Vehicle, { minYear, maxYear }: StockQuery): boolean =>
  year >= (minYear ?? 0) && year <= (maxYear ?? 9999);

function order(vehicles: Vehicle[], query: StockQuery): Vehicle[] {
  const price = (vehicle: Vehicle): number => vehicle.price ?? Number.MAX_SAFE_INTEGER;
  if (query.order === 'newest') return vehicles.sort((a, b) => b.year - a.year || price(a) - price(b));
  return vehicles.sort((a, b) => price(a) - price(b) || b.year - a.year);
}

/** The nearest alternatives, best first: same model, then body style, make, price, condition, colour. */
export function nearest(
  inventory: readonly Vehicle[],
  query: StockQuery,
  wishedBody: string | undefined,
): Vehicle[] {
  const scored = inventory.map((vehicle) => ({ vehicle, score: score(vehicle, query, wishedBody) }));
  return scored
    .filter(({ score: points }) => points >= 2)
    .sort((a, b) => b.score - a.score || (a.vehicle.price ?? 0) - (b.vehicle.price ?? 0))
    .map(({ vehicle }) => vehicle);
}

function score(vehicle: Vehicle, query: StockQuery, wishedBody: string | undefined): number {
  const isModel = query.names.some(
    ({ model }) => model !== undefined && keyOf(model) === keyOf(vehicle.model),
  );
  const isMake = query.names.some(({ make }) => keyOf(make) === keyOf(vehicle.make));
  const body = bodyOf(vehicle.bodyStyle);
  const isBody = body !== undefined && (body === wishedBody || query.bodies.includes(body));
  return (
    (isModel ? 6 : 0) +
    (isBody ? 4 : 0) +
    (isMake ? 2 : 0) +
    (query.fuel !== undefined && fuelOf(vehicle) === query.fuel ? 3 : 0) +
    (query.colors.length > 0 && fitsColor(vehicle, query) ? 2 : 0) +
    (query.condition === vehicle.condition ? 1 : 0) +
    priceScore(vehicle, query)
  );
}

function priceScore(vehicle: Vehicle, query: StockQuery): number {
  const { price } = vehicle;
  const limit = query.maxPrice ?? query.minPrice;
  if (limit === undefined || price === null) return 0;
  const distance = Math.abs(price - limit) / limit;
  return fitsPrice(vehicle, query) ? 3 : Math.max(0, 3 - distance * 4);
}
