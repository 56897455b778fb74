/** What prospects, vehicles, vendors and providers are read with alike. */
import type { ExternalId } from '../prospect.js';
import { attributeOf, childrenOf, textOf, type XmlNode } from './xml.js';

/** Takes down what was guessed. */
export type Guess = (what: string) => void;

/** By their `sequence`, as far as they have one. */
export function readIds(node: XmlNode | undefined): readonly ExternalId[] {
  const order = (id: XmlNode): number => Number(attributeOf(id, 'sequence') ?? 0) || 0;
  return [...childrenOf(node, 'id')]
    .sort((a, b) => order(a) - order(b))
    .flatMap((id) => {
      const value = textOf(id, 200);
      const source = idSource(id);
      return value === undefined ? [] : [{ value, ...(source === undefined ? {} : { source }) }];
    });
}

function idSource(id: XmlNode): string | undefined {
  const source = id['@source'];
  return typeof source === 'string' && source.trim() !== '' ? source.trim().slice(0, 100) : undefined;
}

/** Without what is undefined; undefined when nothing is left. */
export function given<T extends object>(
  values: {
    readonly [K in keyof T]: T[K] | undefined;
  },
): { readonly [K in keyof T]?: NonNullable<T[K]> } | undefined {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return entries.length === 0
    ? undefined
    : (Object.fromEntries(entries) as { readonly [K in keyof T]?: NonNullable<T[K]> });
}
