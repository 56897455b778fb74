/** What the topics of one turn share. A topic reads `turn` and `heard`, may change `draft`, and returns its lines. */
import type { Vehicle } from '../types.js';
import type { Learned } from './learn.js';
import type { Heard } from './listen.js';
import type { Draft, Question } from './memory.js';
import type { Turn } from './turn.js';

export interface Line {
  readonly text: string;
  /** Used instead when the whole reply would be longer than two segments. */
  readonly short?: string;
  /** Left out first when space is short. */
  readonly isOptional?: boolean;
  /** The line ends with this question, so no other is asked in the same text. */
  readonly asks?: Question | 'other';
}

export interface Scene {
  readonly turn: Turn;
  readonly heard: Heard;
  readonly draft: Draft;
  readonly learned: Learned;
}

/** The first wording not used in this conversation yet, so that no sentence comes twice; else the last one. */
export function fresh({ turn }: Pick<Scene, 'turn'>, ...wordings: readonly [string, ...string[]]): string {
  const unused = wordings.find((wording) => !turn.said.some((body) => body.includes(wording)));
  return unused ?? wordings.at(-1) ?? wordings[0];
}

export function vehicleOf(scene: Scene): Vehicle | undefined {
  const { stockNumber } = scene.draft;
  return scene.turn.dealership.inventory.find((vehicle) => vehicle.stockNumber === stockNumber);
}
