import type { Amount, Price, ProspectVehicle } from '../prospect.js';
import { type Guess, given, readIds } from './ids.js';
import { INTEREST_WORDS, readNumber, readYear } from './values.js';
import { attributeOf, childOf, childrenOf, textOf, type XmlNode } from './xml.js';

const MAX_OPTIONS = 50;

export function readVehicle(node: XmlNode, guess: Guess): ProspectVehicle {
  const ids = readIds(node);
  const yearText = textOf(childOf(node, 'year'));
  const year = readYear(yearText);
  if (childOf(node, 'year') && year === undefined)
    guess('a year that is empty or cannot be read is left out');
  const prices = childrenOf(node, 'price').slice(0, 10).flatMap(readPrice);
  const options = childrenOf(node, 'option')
    .slice(0, MAX_OPTIONS)
    .flatMap((option) => textOf(childOf(option, 'optionname')) ?? []);
  const colors = childrenOf(node, 'colorcombination').slice(0, 5).flatMap(readColors);
  return {
    interest: readInterest(attributeOf(node, 'interest'), guess),
    ...given({
      status: readStatus(attributeOf(node, 'status'), guess),
      ids: ids.length > 0 ? ids : undefined,
      year,
      make: textOf(childOf(node, 'make'), 60),
      model: textOf(childOf(node, 'model'), 60),
      trim: textOf(childOf(node, 'trim'), 60),
      vin: textOf(childOf(node, 'vin'), 40),
      stockNumber: textOf(childOf(node, 'stock'), 40),
      bodyStyle: textOf(childOf(node, 'bodystyle'), 60),
      transmission: textOf(childOf(node, 'transmission'), 60),
      doors: textOf(childOf(node, 'doors'), 20),
      odometer: readOdometer(childOf(node, 'odometer')),
      condition: (['excellent', 'good', 'fair', 'poor', 'unknown'] as const).find(
        (known) => known === textOf(childOf(node, 'condition'))?.toLowerCase(),
      ),
      colors: colors.length > 0 ? colors : undefined,
      prices: prices.length > 0 ? prices : undefined,
      options: options.length > 0 ? options : undefined,
      finance: readFinance(childOf(node, 'finance')),
      comments: textOf(childOf(node, 'comments'), 2_000),
    }),
  };
}

function readInterest(said: string | undefined, guess: Guess): ProspectVehicle['interest'] {
  if (said === undefined) return 'buy';
  const interest = INTEREST_WORDS[said];
  if (interest !== said) guess(`an interest that ADF does not have is taken as ${interest ?? 'buy'}`);
  return interest ?? 'buy';
}

function readStatus(said: string | undefined, guess: Guess): ProspectVehicle['status'] {
  if (said === undefined || said === 'new' || said === 'used') return said;
  guess('the status of a vehicle is not one of ADF and is left out');
  return undefined;
}

function readOdometer(node: XmlNode | undefined): ProspectVehicle['odometer'] {
  const value = readNumber(textOf(node));
  const units = (['km', 'mi'] as const).find((known) => known === attributeOf(node, 'units'));
  return value === undefined ? undefined : { value, ...(units ? { units } : {}) };
}

function readColors(node: XmlNode): { readonly interior?: string; readonly exterior?: string }[] {
  const colors = given({
    interior: textOf(childOf(node, 'interiorcolor'), 60),
    exterior: textOf(childOf(node, 'exteriorcolor'), 60),
  });
  return colors ? [colors] : [];
}

function readPrice(node: XmlNode): Price[] {
  const value = readNumber(textOf(node));
  if (value === undefined) return [];
  return [{ value, ...given({ type: attributeOf(node, 'type'), currency: currencyOf(node) }) }];
}

function readFinance(node: XmlNode | undefined): ProspectVehicle['finance'] {
  const amounts = childrenOf(node, 'amount').slice(0, 10).flatMap(readAmount);
  return given({
    method: (['cash', 'finance', 'lease'] as const).find(
      (known) => known === textOf(childOf(node, 'method'))?.toLowerCase(),
    ),
    amounts: amounts.length > 0 ? amounts : undefined,
    balance: childrenOf(node, 'balance').flatMap(readAmount)[0],
  });
}

function readAmount(node: XmlNode): Amount[] {
  const value = readNumber(textOf(node));
  if (value === undefined) return [];
  return [
    {
      value,
      ...given({
        type: attributeOf(node, 'type'),
        limit: attributeOf(node, 'limit'),
        currency: currencyOf(node),
      }),
    },
  ];
}

const currencyOf = (node: XmlNode): string | undefined => {
  const currency = attributeOf(node, 'currency')?.toUpperCase();
  return currency !== undefined && /^[A-Z]{3}$/.test(currency) ? currency : undefined;
};
