/** What a text says about the vehicles offered last: "the second one", "the blue one", "both", "none of those". */
import type { Vehicle } from '../types.js';
import { isUndecided } from './intents.js';
import { has, picked } from './listen.js';
import { offeredStock } from './memory.js';
import type { Scene } from './scene.js';
import { isEmptyQuery } from './stockQuery.js';
import { search } from './stockSearch.js';

export function offeredVehicles({ turn, draft }: Scene): Vehicle[] {
  return byStockNumber(turn.dealership.inventory, offeredStock(draft));
}

export const byStockNumber = (inventory: readonly Vehicle[], numbers: readonly string[]): Vehicle[] =>
  numbers.flatMap((number) => inventory.find(({ stockNumber }) => stockNumber === number) ?? []);

/** The one vehicle chosen from the list, or undefined. */
export function chosenVehicle(scene: Scene): Vehicle | undefined {
  const offered = offeredVehicles(scene);
  if (offered.length === 0 || scene.heard.when?.minutes) return undefined;
  return byRank(scene, offered) ?? theOther(scene, offered) ?? byDescription(scene, offered);
}

function byRank({ heard, draft }: Scene, offered: readonly Vehicle[]): Vehicle | undefined {
  const option = draft.lastQuestion === 'vehicle' ? picked(heard, offered.length) : undefined;
  return option === undefined ? undefined : offered[option];
}

/** "The Ford", "the used one", "the cheaper one": a short pointer that fits one of the offered vehicles. */
function byDescription({ heard }: Scene, offered: readonly Vehicle[]): Vehicle | undefined {
  const { plain, query } = heard;
  const isPointer = /\b(?:the|that|this|one)\b/.test(plain) && plain.split(' ').length <= 8;
  if (isPointer && !has(heard, 'available', 'general', 'visit')) {
    const trimmed = offered.filter(({ trim }) => namesTrim(plain, trim));
    if (trimmed.length === 1) return trimmed[0];
  }
  if (!isPointer || isEmptyQuery(query) || has(heard, 'correction', 'visit', 'available', 'general'))
    return undefined;
  const fitting = search(offered, query);
  return fitting.length === 1 || query.order !== undefined ? fitting[0] : undefined;
}

/** "The Lariat": a word of the trim level, long enough to mean it. */
const namesTrim = (plain: string, trim: string): boolean =>
  trim
    .toLowerCase()
    .split(' ')
    .some((word) => word.length >= 4 && plain.includes(word));

/** Of two, the one not chosen so far. */
function theOther({ heard, draft }: Scene, offered: readonly Vehicle[]): Vehicle | undefined {
  const isChosen = offered.some(({ stockNumber }) => stockNumber === draft.stockNumber);
  if (offered.length !== 2 || !isChosen || !/\bthe other(?: one)?\b/.test(heard.plain)) return undefined;
  return offered.find(({ stockNumber }) => stockNumber !== draft.stockNumber);
}

export const isBoth = ({ heard, draft }: Scene): boolean =>
  draft.lastQuestion === 'vehicle' &&
  /^(?:both|either|all|any)\b/.test(heard.plain) &&
  isEmptyQuery(heard.query);

export function isNone(scene: Scene): boolean {
  const { heard, draft } = scene;
  if (draft.lastQuestion !== 'vehicle' || !isEmptyQuery(heard.query) || heard.mentions.length > 0)
    return false;
  return isUndecided(heard.plain) || (heard.refuses && offeredVehicles(scene).length > 0);
}

export const wantsRest = ({ heard, draft }: Scene): boolean =>
  draft.vehicle !== undefined &&
  isEmptyQuery(heard.query) &&
  !/\bthe other\b/.test(heard.plain) &&
  /\b(?:show me more|see more|more options|any ?thing else|(?:any )?others?\b(?! time| day)|the rest|what else)\b/.test(
    heard.plain,
  );
