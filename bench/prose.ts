/** Texts of real prose: sentences of this repository's own pages, cut to the length of a text. */
import { readFileSync } from 'node:fs';
import { createRandom } from './random.js';

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'REDIS_IMPLEMENTATION_GUIDE.md',
  'docs/ARCHITECTURE.md',
  'bench/README.md',
];

export interface Prose {
  /** @returns texts that follow each other on a page: no sentence twice, as in a conversation. */
  texts(count: number): string[];
}

/** @param length of a text in characters. @param seed equal seeds give equal texts. */
export function createProse({ length = 120, seed = 1 } = {}): Prose {
  const random = createRandom(seed);
  const words = sentences();
  return {
    texts: (count) => {
      let at = Math.floor(random() * words.length);
      return Array.from({ length: count }, () => {
        let text = '';
        while (text.length < length) {
          text += `${words[at % words.length]} `;
          at += 1;
        }
        return text.slice(0, length);
      });
    },
  };
}

/** Words of running text; tables, lists of names and commands are no prose. */
function sentences(): string[] {
  return PAGES.flatMap((page) => {
    const text = readFileSync(new URL(`../${page}`, import.meta.url), 'utf8').replace(/```.*?```/gs, '');
    const lines = text.split('\n').filter((line) => /^[A-Za-z]/.test(line) && !line.includes('|'));
    return lines.join(' ').replaceAll('`', '').split(/\s+/);
  });
}
