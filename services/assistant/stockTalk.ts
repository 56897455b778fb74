/** Answers about the inventory, and the vehicle the shopper is after. */
import type { Vehicle } from '../types.js';
import { has } from './listen.js';
import { dropNotes, hasNote, offerStock } from './memory.js';
import { findMentions } from './mentions.js';
import { fresh, type Line, type Scene, vehicleOf } from './scene.js';
import { byStockNumber, chosenVehicle, isBoth, isNone, offeredVehicles, wantsRest } from './stockChoice.js';
import { detailLines } from './stockDetails.js';
import { describeQuery, isEmptyQuery, namesKind, narrow, readQuery, type StockQuery } from './stockQuery.js';
import { nearest, search } from './stockSearch.js';
import { factsOf, fullTitleOf, listOfVehicles, PRICE_NOTE, priceOf, titleOf } from './stockWords.js';
import { bodyOf, vocabularyOf } from './vehicleVocabulary.js';
import { grouped, listOf, tokensOf, withArticle } from './words.js';

const MAX_LISTED = 3;

export function stockLines(scene: Scene): Line[] {
  const named = namedVehicles(scene);
  if (named.length > 0)
    return named.length === 1 ? presentOne(scene, named[0]!, 'named') : presentList(scene, named, '');
  if (isUnknownNumber(scene)) return unknownNumber(scene);
  if (has(scene.heard, 'tooMuch') && isEmptyQuery(scene.heard.query)) return tooMuchLines(scene);
  if (isBoth(scene)) return bothLines();
  if (isNone(scene)) return noneLines(scene);
  if (wantsRest(scene)) return restLines(scene);
  if (!isEmptyQuery(scene.heard.query)) return queryLines(scene);
  if (has(scene.heard, 'general') && !has(scene.heard, 'hours')) return overview(scene);
  return detailLines(scene);
}

/** Vehicles picked by stock number, or from the list offered last. */
function namedVehicles(scene: Scene): Vehicle[] {
  const { inventory } = scene.turn.dealership;
  if (scene.heard.stockNumbers.length > 0) {
    return byStockNumber(inventory, scene.heard.stockNumbers).slice(0, MAX_LISTED);
  }
  const choice = chosenVehicle(scene);
  return choice ? [choice] : [];
}

function bothLines(): Line[] {
  return [{ text: 'Both are worth a look; you can compare them side by side here.' }];
}

function tooMuchLines(scene: Scene): Line[] {
  const text = fresh(
    scene,
    'I hear you. What budget should I stay under?',
    'Fair enough. Name a figure and I can look below it.',
  );
  return [{ text, asks: 'vehicle' }];
}

function noneLines(scene: Scene): Line[] {
  dropNotes(scene.draft, 'stock:');
  delete scene.draft.lastQuestion;
  const text = fresh(
    scene,
    "No problem. Tell me what matters most, size, budget or make, and I'll look again.",
    "Fair enough. Name anything else and I'll look.",
  );
  return [{ text, asks: 'other' }];
}

/** The vehicles of the last search that were not on the last list. */
function restLines(scene: Scene): Line[] {
  const shown = offeredVehicles(scene);
  const rest = search(scene.turn.dealership.inventory, rememberedQuery(scene)).filter(
    (vehicle) => !shown.includes(vehicle),
  );
  if (rest.length === 0)
    return [
      { text: fresh(scene, "That's all of those we have in stock.", 'Nothing else of that kind right now.') },
    ];
  return presentList(scene, rest, '');
}

const UNKNOWN_NUMBER = /\bstock ?(?:#|no\.?|number|num)? ?:? ?#? ?([a-z]{0,2}\d{3,6}[a-z]?)\b/;

const isUnknownNumber = ({ heard }: Scene): boolean => UNKNOWN_NUMBER.test(heard.plain);

function unknownNumber({ heard }: Scene): Line[] {
  const number = UNKNOWN_NUMBER.exec(heard.plain)?.[1]?.toUpperCase() ?? '';
  return [
    {
      text: `I can't find stock number ${number} in our inventory; it may have sold. Tell me the make and model and I'll look again.`,
    },
  ];
}

function queryLines(scene: Scene): Line[] {
  const query = wholeQuery(scene);
  const { inventory } = scene.turn.dealership;
  const found = search(inventory, query);
  const known = vehicleOf(scene);
  if (found.length === 1 && found[0] === known && !asksStock(scene)) return [];
  dropNotes(scene.draft, 'stock:');
  if (found.length === 1) return presentOne(scene, found[0]!, 'found', query);
  remember(scene, query);
  if (found.length === 0) return alternatives(scene, query);
  return isMentionOfKnown(scene, found, known) ? [] : presentList(scene, found, describeQuery(query));
}

/** "See the Civic on Saturday" after one of two Civics was chosen is not a new search. */
function isMentionOfKnown(scene: Scene, found: readonly Vehicle[], known: Vehicle | undefined): boolean {
  const isKnown = known !== undefined && found.includes(known) && !asksStock(scene);
  if (isKnown) setVehicle(scene, known);
  return isKnown;
}

const asksStock = ({ heard }: Scene): boolean =>
  has(heard, 'available', 'price', 'kilometres', 'color', 'more', 'feature', 'general') ||
  heard.query.order !== undefined;

/** Without a make, model or body style the words narrow what was asked before, unless they begin anew. */
function wholeQuery(scene: Scene): StockQuery {
  const { heard, draft } = scene;
  const isNew =
    draft.vehicle === undefined || /\b(?:anything|any(?! other)|else|everything)\b/.test(heard.plain);
  return isNew || namesKind(heard.query) ? heard.query : narrow(rememberedQuery(scene), heard.query);
}

/** The wish so far, read back from its words; a colour may be asked of a Civic of another year. */
function rememberedQuery({ turn, draft }: Scene): StockQuery {
  const tokens = tokensOf((draft.vehicle ?? '').toLowerCase());
  const found = findMentions(tokens, vocabularyOf(turn.dealership.inventory), 'wish');
  const query = readQuery(found.mentions, found.wishTokens);
  return { ...query, names: query.names.map(({ year: _year, ...name }) => name) };
}

function remember({ draft }: Scene, query: StockQuery): void {
  delete draft.stockNumber;
  draft.vehicle = describeQuery(query).slice(0, 90);
}

function setVehicle({ draft }: Scene, vehicle: Vehicle): void {
  draft.vehicle = titleOf(vehicle);
  draft.stockNumber = vehicle.stockNumber;
}

function presentOne(scene: Scene, vehicle: Vehicle, how: 'named' | 'found', query?: StockQuery): Line[] {
  const isChange = scene.draft.stockNumber !== undefined && scene.draft.stockNumber !== vehicle.stockNumber;
  setVehicle(scene, vehicle);
  if (has(scene.heard, 'visit', 'reschedule') && !asksStock(scene)) return []; // the visit line names it
  const title = fullTitleOf(vehicle);
  const facts = `${factsOf(vehicle)} (stock ${vehicle.stockNumber})`;
  const isPick = how === 'named' && scene.heard.stockNumbers.length === 0;
  if (isPick && !asksStock(scene)) return pickLines(scene, vehicle);
  if (isChange && has(scene.heard, 'correction')) return [{ text: `Sure, the ${title} then: ${facts}.` }];
  const isWide = query !== undefined && query.names.length === 0;
  if (isWide) return [{ text: `We have one that fits: ${withArticle(title)}, ${facts}.` }];
  return [
    {
      text: fresh(
        scene,
        availableText(scene, title, facts),
        `The ${title}: ${facts}.`,
        `Same as before: the ${title}, ${facts}.`,
      ),
    },
  ];
}

function availableText({ heard }: Scene, title: string, facts: string): string {
  if (/\bstill\b|\bavailable\b|\bsold\b/.test(heard.plain))
    return `Yes, the ${title} is still in our inventory: ${facts}.`;
  return has(heard, 'available')
    ? `Yes, we have ${withArticle(title)}: ${facts}.`
    : `We have the ${title} in stock: ${facts}.`;
}

function pickLines(scene: Scene, vehicle: Vehicle): Line[] {
  const note = `stock ${vehicle.stockNumber}`;
  const choice = fresh(
    scene,
    `Good choice, the ${fullTitleOf(vehicle)} (${note}).`,
    `The ${fullTitleOf(vehicle)} it is (${note}).`,
  );
  return [{ text: choice }];
}

function presentList(scene: Scene, found: readonly Vehicle[], wish: string): Line[] {
  const shown = found.slice(0, scene.turn.isFirst ? 2 : MAX_LISTED);
  offerStock(
    scene.draft,
    shown.map(({ stockNumber }) => stockNumber),
  );
  const count = found.length > shown.length ? `${shown.length} of ${found.length}` : String(found.length);
  const isNamed = wish === '' || scene.heard.query.order !== undefined;
  const intro = isNamed
    ? 'Here you go:'
    : fresh(
        scene,
        `We have ${found.length} in stock:`,
        `Here are ${count} that fit:`,
        `These ${shown.length} match:`,
      );
  const more =
    found.length > shown.length && intro.startsWith('We have')
      ? `We have ${found.length} of those, here are ${shown.length}:`
      : intro;
  return [listLine(scene, more, shown)];
}

function listLine(scene: Scene, intro: string, shown: readonly Vehicle[]): Line {
  const question = fresh(
    scene,
    'Which one would you like to know more about?',
    'Which of these fits best?',
    'Which one appeals to you?',
  );
  return {
    text: `${intro} ${listOfVehicles(shown, 'full')} ${question}`,
    short: `${intro} ${listOfVehicles(shown, 'short')} ${question}`,
    asks: 'vehicle',
  };
}

function alternatives(scene: Scene, query: StockQuery): Line[] {
  const { inventory } = scene.turn.dealership;
  const wishedBody = query.names.find(({ body }) => body)?.body;
  const close = nearest(inventory, query, wishedBody).slice(0, scene.turn.isFirst ? 2 : MAX_LISTED);
  const none = fresh(
    scene,
    `I don't see ${withArticle(describeQuery(query))} in stock right now.`,
    `No ${describeQuery(query)} in stock today.`,
  );
  const only = close[0];
  if (!only) return [{ text: none }];
  if (close.length > 1) return [listLine(scene, `${none} The closest:`, close)];
  offerStock(scene.draft, [only.stockNumber]);
  return [{ text: `${none} The closest is ${withArticle(fullTitleOf(only))}: ${factsOf(only)}.` }];
}

/** What is on the lot, by body style, with the lowest price. */
function overview(scene: Scene): Line[] {
  const { inventory } = scene.turn.dealership;
  if (inventory.length === 0)
    return [{ text: "I don't have our inventory at hand, but the team can tell you what's on the lot." }];
  const counts = new Map<string, number>();
  for (const { bodyStyle } of inventory) {
    const body = bodyOf(bodyStyle) ?? 'other vehicle';
    counts.set(body, (counts.get(body) ?? 0) + 1);
  }
  const kinds = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 5);
  const words = listOf(kinds.map(([body, count]) => `${count} ${body}${count > 1 ? 's' : ''}`));
  const isWish = /\b(?:looking for|need|want|shopping|market)\b/.test(scene.heard.plain);
  const prices = inventory.filter((vehicle) => priceOf(vehicle) !== undefined).map(({ price }) => price ?? 0);
  const from = prices.length > 0 ? `, from $${grouped(Math.min(...prices))} ${PRICE_NOTE}` : '';
  const isAsked = hasNote(scene.draft, 'vehicle');
  const question = isAsked
    ? 'Name a type or a budget and I can narrow it down.'
    : isWish
      ? 'What type or budget do you have in mind?'
      : 'What kind are you after?';
  return [
    {
      text: `We have ${words} in stock${from}. ${question}`,
      ...(isAsked ? {} : { asks: 'vehicle' as const }),
    },
  ];
}
