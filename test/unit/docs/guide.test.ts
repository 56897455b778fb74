/** REDIS_IMPLEMENTATION_GUIDE.md says what the code says: settings, kinds, recommendations, messages. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { TTLS_MS } from '../../../services/cacheAdapter/ttls.js';
import { ENVIRONMENT_NAMES } from '../../../services/config.js';
import { MODE_CODES } from '../../../services/monitoring/modeFinding.js';
import { RECOMMENDATION_CODES } from '../../../services/monitoring/recommendations.js';
import { CHECK_NAMES } from '../../../services/monitoring/redisHealth.js';
import { DEFAULT_LIMITS } from '../../../services/rateLimits/limits.js';
import { codesIn, GUIDE, sectionOf, sections, tableOf, termsOf } from './_guide.js';

const UNITS_MS = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `2 h` → 7200000 */
function millisecondsOf(text: string): number {
  const [, amount, unit] = /^([\d.]+) (ms|s|min|h|d)\b/.exec(text) ?? [];
  if (amount === undefined) throw new Error(`"${text}" is no time`);
  return Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS];
}

const sourcesOf = (...folders: readonly string[]): string =>
  folders
    .flatMap((folder) =>
      folder.endsWith('.ts')
        ? [folder]
        : readdirSync(folder, { recursive: true, encoding: 'utf8' })
            .filter((name) => name.endsWith('.ts'))
            .map((name) => path.join(folder, name)),
    )
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n');

/** The parts whose warnings and errors an operator of Redis meets. */
const TOWER = sourcesOf(
  ...['redis', 'cache', 'upstash', 'pubsub', 'rateLimits', 'monitoring'].map((name) => `services/${name}`),
  ...['redis', 'cache', 'pubsub', 'rateLimits', 'warming'].map((name) => `services/${name}.ts`),
);

describe('REDIS_IMPLEMENTATION_GUIDE.md', () => {
  it('has a row for every variable of Redis, with the default in force, and for none that does not exist', () => {
    const example = readFileSync('.env.example', 'utf8');
    const defaults = Object.fromEntries(
      [...example.matchAll(/^# ([A-Z][A-Z0-9_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    );
    const wanted = ENVIRONMENT_NAMES.filter((name) => /^(USE_REDIS$|REDIS_|UPSTASH_)/.test(name));
    const rows = tableOf('Variables').map(([name = '', value = '']) => [
      codesIn(name).join(),
      codesIn(value).join(),
    ]);
    // .env.example is tested equal to the schema.
    expect(rows).toEqual(
      wanted
        .map((name) => [name, defaults[name] ?? ''])
        .sort(([a = ''], [b = '']) => order(rows, a) - order(rows, b)),
    );
    const others = tableOf('Other settings that concern Redis');
    for (const [name = '', value = ''] of others) {
      expect([name, codesIn(value).join()]).toEqual([name, defaults[codesIn(name).join()]]);
    }
  });

  it('has a row for every kind of state, with its lifetime', () => {
    const rows = tableOf('What is stored');
    const shown = Object.fromEntries(
      rows.flatMap(([kind = '', , lifetime = '']) =>
        codesIn(kind).map((name) => [name, millisecondsOf(lifetime)] as const),
      ),
    );
    expect(shown).toEqual(TTLS_MS);
  });

  it('has a row for every limit, with its number', () => {
    const shown = tableOf('Rate limits').map(([name = '', points = '']) => [codesIn(name).join(), points]);
    expect(Object.fromEntries(shown)).toEqual(
      Object.fromEntries(
        Object.entries(DEFAULT_LIMITS).map(([name, { points }]) => [name, points.toLocaleString('en-US')]),
      ),
    );
  });

  it('explains every check of health, every recommendation and every alert, and none that does not exist', () => {
    expect(tableOf('Health').flatMap(([name = '']) => codesIn(name))).toEqual([...CHECK_NAMES]);
    const codes = tableOf('Recommendations and alerts').flatMap(([code = '']) => codesIn(code));
    expect([...codes].sort()).toEqual([...RECOMMENDATION_CODES, ...MODE_CODES].sort());
  });

  it('explains log messages that exist, and every warning and error of the tower', () => {
    const all = sourcesOf('services', 'redis-migration.ts', 'server.ts');
    const terms = termsOf('Troubleshooting by log message');
    expect(terms.filter((term) => !all.includes(`'${term}'`))).toEqual([]);
    const messages = [...TOWER.matchAll(/ogger\s*\.(?:warn|error)\(\s*'([^']+)'/g)].map(([, text]) => text);
    expect(messages.length).toBeGreaterThan(10);
    expect(messages.filter((message) => !terms.includes(message ?? ''))).toEqual([]);
  });

  it('names metrics, routes and commands that exist', () => {
    const sources = sourcesOf('services/metrics', 'services/metrics.ts', 'routes');
    const metrics = GUIDE.match(/\bjack_[a-z_]+/g) ?? [];
    expect(metrics.filter((name) => !sources.includes(`'${name}`))).toEqual([]);
    const routes = [...GUIDE.matchAll(/\$JACK_URL([\w/-]*)/g)].map(([, route = '']) => route);
    expect(routes.filter((route) => !sources.includes(route))).toEqual([]);
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      scripts: Record<string, string>;
    };
    const commands = [...GUIDE.matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name);
    expect(commands.filter((name) => scripts[name] === undefined)).toEqual([]);
    const tests = GUIDE.match(/\b(?:test|services)\/[\w/]+\.ts\b/g) ?? [];
    expect(tests.filter((file) => !existsSync(file))).toEqual([]);
  });

  it('has a table of contents that leads to every chapter, and links to files that exist', () => {
    const anchors = sections.map(({ title }) =>
      title
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );
    const links = [...GUIDE.matchAll(/\]\(([^)#]*)(?:#([^)]+))?\)/g)];
    expect(
      links.flatMap(([, , anchor]) => anchor ?? []).filter((anchor) => !anchors.includes(anchor)),
    ).toEqual([]);
    for (const [, file] of links) if (file) expect(() => readFileSync(file)).not.toThrow();
    const chapters = sections.filter(({ level }) => level === 2).map(({ title }) => title);
    const contents = [...sectionOf('Contents').text.matchAll(/\[([^\]]+)\]/g)].map(([, title]) => title);
    expect(contents).toEqual(chapters.filter((title) => title !== 'Contents'));
  });

  it('has no section without words and no line that is too long', () => {
    const chapterTexts = sections.map(({ level, text }, n) => ({
      text,
      hasParts: (sections[n + 1]?.level ?? 0) > level,
    }));
    for (const { text, hasParts } of chapterTexts) expect(text.trim() !== '' || hasParts).toBe(true);
    // The tables that tools write have rows as long as they are.
    const written = GUIDE.replace(/<!-- (fault table|sizing) -->[\s\S]*?<!-- end -->/g, '');
    expect(written.split('\n').filter((line) => line.length > 120)).toEqual([]);
    for (const mark of ['<!-- fault table -->', '<!-- sizing -->']) expect(GUIDE).toContain(mark);
  });
});

function order(rows: readonly (readonly string[])[], name: string): number {
  const at = rows.findIndex(([shown]) => shown === name);
  return at === -1 ? rows.length : at;
}
