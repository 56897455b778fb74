import type { Slots } from '../types.js';
import { type NewInquiry, tradedVehicle, vehicleWords, wantedVehicle } from './inquiry.js';
import { plainName, plainVehicle } from './outreachText.js';

/** @returns what is known with this inquiry; undefined when it adds nothing. */
export function learnedFrom({ prospect, name }: NewInquiry, known: Slots): Slots | undefined {
  const wanted = wantedVehicle(prospect);
  const vehicle = plainVehicle(vehicleWords(wanted));
  const tradeIn = plainVehicle(vehicleWords(tradedVehicle(prospect)));
  const first = plainName(prospect.contact.name?.first ?? name?.split(' ')[0]);
  const learned: Slots = {
    ...(first === undefined ? {} : { name: first }),
    ...(vehicle === undefined ? {} : { vehicle }),
    ...(tradeIn === undefined ? {} : { tradeIn }),
    ...known,
  };
  return JSON.stringify(learned) === JSON.stringify(known) ? undefined : learned;
}
