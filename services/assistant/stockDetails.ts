/** "How much is it?", "what colour?", "any accidents?": questions about the vehicle being talked of. */
import type { Vehicle } from '../types.js';
import { has } from './listen.js';
import { offeredStock } from './memory.js';
import { fresh, type Line, type Scene, vehicleOf } from './scene.js';
import { offeredVehicles } from './stockChoice.js';
import { factsOf, fullTitleOf, PRICE_NOTE, priceOf, titleOf, wearOf } from './stockWords.js';
import { withArticle } from './words.js';

export function detailLines(scene: Scene): Line[] {
  const { heard } = scene;
  if (!has(heard, 'price', 'kilometres', 'color', 'available', 'more', 'feature', 'photos', 'hold'))
    return [];
  if (has(heard, 'tradeValue', 'tax')) return [];
  const vehicle = vehicleOf(scene) ?? onlyOffered(scene);
  if (!vehicle) return offeredDetails(scene) ?? unknownVehicle(scene);
  const lines = [
    availability(scene, vehicle),
    price(scene, vehicle),
    wear(scene, vehicle),
    color(scene, vehicle),
    more(scene, vehicle),
    feature(scene, vehicle),
  ];
  return lines.filter((text) => text !== undefined).map((text) => ({ text }));
}

function onlyOffered({ turn, draft }: Scene): Vehicle | undefined {
  const offered = offeredStock(draft);
  return offered.length === 1
    ? turn.dealership.inventory.find(({ stockNumber }) => stockNumber === offered[0])
    : undefined;
}

/** The same detail of every vehicle on the last list. */
function offeredDetails(scene: Scene): Line[] | undefined {
  const offered = offeredVehicles(scene);
  const { heard } = scene;
  if (offered.length < 2 || !has(heard, 'price', 'kilometres', 'color')) return undefined;
  const detail = (vehicle: Vehicle): string => {
    if (has(heard, 'price')) return priceOf(vehicle) ?? 'price on request';
    return has(heard, 'kilometres') ? wearOf(vehicle) : vehicle.color.toLowerCase();
  };
  const items = offered.map((vehicle) => `${titleOf(vehicle)}: ${detail(vehicle)}`).join('. ');
  return [{ text: `${items}${has(heard, 'price') ? `, all ${PRICE_NOTE}` : ''}.` }];
}

function unknownVehicle(scene: Scene): Line[] {
  if (!has(scene.heard, 'price', 'kilometres', 'color', 'available', 'more', 'feature')) return [];
  if (has(scene.heard, 'looking') && !has(scene.heard, 'price', 'available')) return [];

  return [
    {
      text: fresh(
        scene,
        'Which vehicle do you mean?',
        'Which one is that about? A make and model is enough.',
      ),
      asks: 'vehicle',
    },
  ];
}

function availability(scene: Scene, vehicle: Vehicle): string | undefined {
  if (!has(scene.heard, 'available') || has(scene.heard, 'feature', 'photos')) return undefined;
  return fresh(
    scene,
    `Yes, the ${titleOf(vehicle)} is still in our inventory.`,
    `It's still listed, stock ${vehicle.stockNumber}.`,
  );
}

function price(scene: Scene, vehicle: Vehicle): string | undefined {
  if (!has(scene.heard, 'price')) return undefined;
  const amount = priceOf(vehicle);
  if (amount === undefined)
    return fresh(
      scene,
      `There's no published price for the ${titleOf(vehicle)}; the team can give you one.`,
      'That price really has to come from the team.',
    );
  return fresh(
    scene,
    `The ${titleOf(vehicle)} is listed at ${amount} ${PRICE_NOTE}.`,
    `It's ${amount}, ${PRICE_NOTE}.`,
  );
}

function wear(scene: Scene, vehicle: Vehicle): string | undefined {
  if (!has(scene.heard, 'kilometres')) return undefined;
  return vehicle.condition === 'new'
    ? "It's new, with delivery kilometres only."
    : `It has ${wearOf(vehicle)} on it.`;
}

const color = (scene: Scene, vehicle: Vehicle): string | undefined =>
  has(scene.heard, 'color') && vehicle.color !== '' ? `It's ${vehicle.color.toLowerCase()}.` : undefined;

function more(scene: Scene, vehicle: Vehicle): string | undefined {
  if (!has(scene.heard, 'more')) return undefined;
  const about = `${withArticle(vehicle.condition)} ${fullTitleOf(vehicle)}`;
  return fresh(
    scene,
    `It's ${about}: ${factsOf(vehicle)}, stock ${vehicle.stockNumber}.`,
    `That's all I have on the ${titleOf(vehicle)} here; the team knows the rest.`,
  );
}

function feature(scene: Scene, vehicle: Vehicle): string | undefined {
  if (!has(scene.heard, 'feature') || has(scene.heard, 'more')) return undefined;
  return fresh(
    scene,
    `I don't have that detail for the ${titleOf(vehicle)}, and I'd rather not guess. Text "person" and someone will check it for you.`,
    "That one isn't in my notes either. The team can look at the car and tell you.",
  );
}
