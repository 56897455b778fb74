import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const folder = new URL('../../../services/cache/lua/', import.meta.url);

describe.each(readdirSync(folder))('The script %s', (file) => {
  const text = readFileSync(new URL(file, folder), 'utf8');
  const code = text.replaceAll(/--.*$/gm, '');

  it('has the number of its keys in its name, n for any', () => {
    const used = [...code.matchAll(/KEYS\[(\d+)\]/g)].map((match) => Number(match[1]));
    const count = code.includes('#KEYS') ? 'n' : Math.max(0, ...used);
    expect(file).toMatch(new RegExp(`^[a-zA-Z]+-${count}\\.lua$`));
  });

  it('says at its head what every key and argument is and what it returns', () => {
    const head = /^(--.*\n)+/.exec(text)?.[0] ?? '';
    const slots = new Set([...code.matchAll(/(?:KEYS|ARGV)\[\d+\]/g)].map(([slot]) => slot));
    for (const slot of [...slots, 'returns']) expect(head).toContain(slot);
  });

  it('returns numbers, since a Lua false arrives as null', () => {
    expect(code).not.toMatch(/return\s+(true|false|nil)/);
  });
});
