/** Vehicles in words. Every figure comes from the inventory; a price never stands without what comes on top of it. */
import type { Vehicle } from '../types.js';
import { grouped } from './words.js';

export const PRICE_NOTE = 'plus tax and fees';

/** `2021 Honda Civic` */
export const titleOf = ({ year, make, model }: Vehicle): string => `${year} ${make} ${model}`;

/** `2021 Honda Civic Sport` */
export const fullTitleOf = (vehicle: Vehicle): string =>
  [titleOf(vehicle), vehicle.trim].filter(Boolean).join(' ');

/** `$22,995`, or undefined when the dealership does not publish one. */
export function priceOf({ price, currency }: Vehicle): string | undefined {
  if (price === null || !Number.isFinite(price)) return undefined;
  return currency === 'CAD' || currency === 'USD' || currency === ''
    ? `$${grouped(price)}`
    : `${grouped(price)} ${currency}`;
}

/** `new` or `61,200 km` */
export const wearOf = ({ condition, odometerKm }: Vehicle): string =>
  condition === 'new' ? 'new' : `${grouped(odometerKm)} km`;

/** `blue, 61,200 km, $22,995 plus tax and fees` */
export function factsOf(vehicle: Vehicle): string {
  const price = priceOf(vehicle);
  const money = price === undefined ? 'price not published' : `${price} ${PRICE_NOTE}`;
  return [vehicle.color.toLowerCase(), wearOf(vehicle), money].filter(Boolean).join(', ');
}

/** One entry of a numbered list; the note about tax stands once, after the list. */
export function entryOf(vehicle: Vehicle, at: number, size: 'full' | 'short'): string {
  const price = priceOf(vehicle) ?? 'price on request';
  const facts =
    size === 'full'
      ? [fullTitleOf(vehicle), vehicle.color.toLowerCase(), wearOf(vehicle), price]
      : [titleOf(vehicle), vehicle.condition === 'new' ? 'new' : vehicle.color.toLowerCase(), price];
  return `${at + 1}) ${facts.filter(Boolean).join(', ')}`;
}

/** `1) … 2) … Prices are plus tax and fees.` */
export function listOfVehicles(vehicles: readonly Vehicle[], size: 'full' | 'short'): string {
  const entries = vehicles.map((vehicle, at) => entryOf(vehicle, at, size)).join('. ');
  const hasPrice = vehicles.some((vehicle) => priceOf(vehicle) !== undefined);
  return `${entries}.${hasPrice ? ` Prices are ${PRICE_NOTE}.` : ''}`;
}
