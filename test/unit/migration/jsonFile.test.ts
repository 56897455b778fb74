import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openJsonFile } from '../../../services/migration/jsonFile.js';
import { JsonSections } from '../../../services/migration/jsonSections.js';
import { MAP_KINDS, type MigrationKind } from '../../../services/migration/types.js';

const directory = mkdtempSync(path.join(tmpdir(), 'jack-json-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(text: string): string {
  const name = path.join(directory, `${Math.random()}.json`);
  writeFileSync(name, text);
  return name;
}

async function entries(name: string, kind: MigrationKind, skip = 0) {
  const source = await openJsonFile(name, MAP_KINDS);
  const found: { key: string; value?: unknown; problem?: string }[] = [];
  for await (const { key, value, problem } of source.entries(kind, skip)) {
    found.push(problem === undefined ? { key, value } : { key, problem });
  }
  return found;
}

describe('A file of Maps', () => {
  it('gives the kinds in the order of work, and every entry with its key', async () => {
    const name = file(
      '\ufeff {"exportedAt": "2026-03-01", "conversationHistory": {"a:1": ["x\\"}", {"y": []}], "b": null},' +
        '"other": [1, {"a": 2}], "organizations": [["north", {"name": "N"}]], "phoneToLead": {}}\n',
    );
    const source = await openJsonFile(name, MAP_KINDS);
    expect(source).toMatchObject({ kinds: ['organizations', 'conversationHistory'], total: 3 });
    expect(await entries(name, 'conversationHistory')).toEqual([
      { key: 'a:1', value: ['x"}', { y: [] }] },
      { key: 'b', value: null },
    ]);
    expect(await entries(name, 'conversationHistory', 1)).toEqual([{ key: 'b', value: null }]);
    expect(await entries(name, 'organizations')).toEqual([{ key: 'north', value: { name: 'N' } }]);
  });

  it('may be empty', async () => {
    expect(await openJsonFile(file('{"phoneToLead": {}}'), MAP_KINDS)).toMatchObject({ kinds: [], total: 0 });
  });

  it('An entry that is no JSON is named, and the others are read', async () => {
    const name = file(
      '{"phoneToLead": {"a": tru, "b": 1, "c": [1,]}, "conversationHistory": [[1], ["k", 2]]}',
    );
    expect(await entries(name, 'phoneToLead')).toEqual([
      { key: 'a', problem: 'not_json' },
      { key: 'b', value: 1 },
      { key: 'c', problem: 'not_json' },
    ]);
    expect(await entries(name, 'conversationHistory')).toEqual([
      { key: '#0', problem: 'entry_has_no_key' },
      { key: 'k', value: 2 },
    ]);
  });

  it.each([
    ['', /ends too early/],
    ['[]', /does not begin with an object/],
    ['{"phoneToLead": {"a": 1', /ends too early/],
    ['{"phoneToLead": {"a" 1}}', /a colon is expected \(byte 21\)/],
    ['{"phoneToLead": {"a": 1 "b": 2}}', /a comma is expected/],
    ['{"phoneToLead": {a: 1}}', /a name is expected/],
    ['{"phoneToLead": {"a": }}', /a value is expected/],
    ['{"phoneToLead": {}} x', /something follows its end/],
    ['{"users": [], "posts": []}', /holds none of .* It has: users, posts/],
  ])('%p is refused with the place', async (text, message) => {
    await expect(openJsonFile(file(text), MAP_KINDS)).rejects.toThrow(message);
  });

  it('A missing file and a directory are refused', async () => {
    await expect(openJsonFile('/nowhere.json', MAP_KINDS)).rejects.toMatchObject({ code: 'E_INPUT_INVALID' });
    await expect(openJsonFile(directory, MAP_KINDS)).rejects.toThrow(/is not a file/);
  });

  it('An entry over the limit is not kept in memory', () => {
    const parser = new JsonSections({ maxEntryBytes: 10 });
    const slices = parser.push(Buffer.from('{"a": {"k": "0123456789", "l": "01234"}}'));
    expect(slices.map(({ key, bytes }) => [key, bytes?.toString()])).toEqual([
      ['k', undefined],
      ['l', '"01234"'],
    ]);
  });

  it('gives the same whatever the chunks are', () => {
    const dump = fc.dictionary(
      fc.string(),
      fc.oneof(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.jsonValue())),
    );
    fc.assert(
      fc.property(dump, fc.array(fc.nat(40), { maxLength: 10 }), (value, cuts) => {
        const bytes = Buffer.from(JSON.stringify(value, null, cuts.length % 2));
        const parser = new JsonSections();
        const slices = [];
        let from = 0;
        for (const cut of [...cuts, bytes.length]) {
          slices.push(...parser.push(bytes.subarray(from, from + cut)));
          from = Math.min(bytes.length, from + cut);
        }
        parser.end();
        const expected = Object.entries(value).flatMap(([section, held]) =>
          Array.isArray(held)
            ? held.map((item) => [section, undefined, item])
            : Object.entries(held).map(([key, item]) => [section, key, item]),
        );
        const found = slices.map(({ section, key, bytes: slice }) => [
          section,
          key,
          JSON.parse(String(slice)),
        ]);
        expect(found).toEqual(
          JSON.parse(JSON.stringify(expected, (_name, item) => (item === undefined ? '\0' : item))).map(
            (row: unknown[]) => row.map((item) => (item === '\0' ? undefined : item)),
          ),
        );
      }),
      { numRuns: 300 },
    );
  });
});
