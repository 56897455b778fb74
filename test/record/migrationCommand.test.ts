import { once } from 'node:events';
import { createWriteStream, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { E164 } from '../../services/types.js';
import { preparedDataDirectory, startJack, temporaryDirectory } from '../support/jackProcess.js';
import { runMigrate, startMigrate } from '../support/migrateCommand.js';
import { legacyHistory } from '../support/migrationStage.js';
import { newPhone } from '../support/records.js';
import { describeWithPostgres } from '../support/services.js';
import { createPostgresDatabase } from '../support/testDatabase.js';
import { until } from '../support/until.js';

/** Each command is a process that opens an embedded record of its own. */
jest.setTimeout(60_000);

const organizations = {
  north: { name: 'North Motors', timezone: 'America/Vancouver', phoneNumbers: [newPhone()] },
};

function jsonFile(value: unknown, name = 'state.json'): string {
  const file = path.join(temporaryDirectory(), name);
  writeFileSync(file, typeof value === 'string' ? value : JSON.stringify(value));
  return file;
}

const people = (count: number): E164[] => Array.from({ length: count }, newPhone);
const mapOf = <T>(phones: readonly E164[], value: (index: number) => T): Record<string, T> =>
  Object.fromEntries(phones.map((phone, index) => [`north:${phone}`, value(index)]));

function dump(count: number) {
  const phones = people(count);
  return {
    conversationSummaries: mapOf(phones, (index) => `Summary ${index}.`),
    conversationContexts: mapOf(phones, (index) => ({ vehicle: 'Civic', optedOut: index === 0 })),
    conversationHistory: mapOf(phones, () => legacyHistory(4, Date.now())),
    organizations,
  };
}

describe('npm run migrate on an embedded record', () => {
  let dataDir: string;
  let env: Record<string, string>;
  beforeEach(() => {
    dataDir = preparedDataDirectory();
    env = { DATA_DIR: dataDir };
  });

  it('tries, moves, moves again without a change, and writes back what it read', async () => {
    const file = jsonFile(dump(5));
    const tried = await runMigrate(['maps', file, '--dry-run', '--json'], env);
    expect(tried).toMatchObject({ code: 0, json: { isDryRun: true, exitCode: 0 } });
    expect(tried.json.kinds.organizations?.written).toBe(1);

    const moved = await runMigrate(['maps', file, '--json'], env);
    expect(moved).toMatchObject({ code: 0, json: { isComplete: true, target: { record: 'pglite' } } });
    expect(moved.json.kinds.conversationHistory).toMatchObject({ read: 5, written: 5 });
    const again = await runMigrate(['maps', file, '--json'], env);
    expect(again.code).toBe(0);
    expect(again.json.kinds.conversationHistory).toMatchObject({ read: 5, written: 0, skipped: 5 });

    const out = path.join(temporaryDirectory(), 'out.json');
    expect(await runMigrate(['export', 'maps', '--out', out, '--organization', 'north'], env)).toMatchObject({
      code: 0,
    });
    expect(statSync(out).mode & 0o777).toBe(0o600);
    const written = JSON.parse(readFileSync(out, 'utf8'));
    expect(Object.keys(written.conversationHistory)).toHaveLength(5);
    expect(
      Object.values(written.conversationContexts).filter(
        (context) => (context as { optedOut: boolean }).optedOut,
      ),
    ).toHaveLength(1);
    const back = await runMigrate(['maps', out, '--json'], env);
    expect(back.code).toBe(0);
    expect(Object.values(back.json.kinds).map(({ written: count }) => count)).toEqual([0, 0, 0, 0, 0, 0, 0]);

    const other = preparedDataDirectory();
    const elsewhere = await runMigrate(['maps', out, '--json'], { DATA_DIR: other });
    expect(elsewhere.json.kinds.conversationHistory).toMatchObject({ read: 5, written: 5 });
    expect(await runMigrate(['export', 'maps', '--out', out], env)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is there already'),
    });
  });

  it('ends with 3 when entries were rejected, says why, and shows no phone', async () => {
    const value = dump(1);
    const file = jsonFile({
      ...value,
      conversationHistory: { ...value.conversationHistory, '+16045550199': [] },
    });
    const moved = await runMigrate(['maps', file], env);
    expect(moved.code).toBe(3);
    expect(moved.stdout).toContain('needs_organization');
    expect(moved.stdout).toContain('***0199');
    expect(moved.stdout + moved.stderr).not.toMatch(/\+?1\d{10}/);
    expect(await runMigrate(['maps', file, '--organization', 'north'], env)).toMatchObject({ code: 0 });
  });

  it.each<[string, string[], number, RegExp]>([
    ['no command', [], 2, /Usage/],
    ['an unknown option', ['maps', 'a.json', '--fast'], 2, /unknown option/],
    ['a chat without its organization', ['chat', 'a.json'], 2, /--organization/],
    ['a missing file', ['maps', '/nowhere.json'], 1, /cannot be read/],
    ['help', ['--help'], 0, /Exit codes/],
  ])('answers %s', async (_name, args, code, message) => {
    const outcome = await runMigrate(args, env);
    expect(outcome.code).toBe(code);
    expect(outcome.stdout + outcome.stderr).toMatch(message);
  });

  it('refuses a file that is cut off before it writes anything', async () => {
    const text = JSON.stringify(dump(3));
    const outcome = await runMigrate(['maps', jsonFile(text.slice(0, -40))], env);
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining('ends too early') });
    const list = await runMigrate(['maps', jsonFile(dump(0)), '--dry-run', '--json'], env);
    expect(list.json.kinds.organizations).toMatchObject({ written: 1 });
  });

  it('says that Jack must be stopped while it runs on the same directory', async () => {
    const jack = await startJack({ DATA_DIR: dataDir });
    try {
      const outcome = await runMigrate(['maps', jsonFile(dump(1))], env);
      expect(outcome.code).toBe(1);
      expect(outcome.stderr).toContain(`is in use by process ${jack.pid}`);
    } finally {
      await jack.kill();
    }
  });

  it('stops between two batches on Ctrl-C, says how to go on, and goes on', async () => {
    const file = jsonFile(dump(80));
    const running = startMigrate(['maps', file, '--batch', '4', '--json'], env);
    const point = path.join(dataDir, 'migrations');
    await until(() => existsSync(point) && readdirSync(point).length > 0, {
      what: 'the first batch',
      timeoutMs: 15_000,
    });
    running.signal('SIGINT');
    const stopped = await running.ended;
    expect(stopped).toMatchObject({ code: 1, json: { isComplete: false } });
    expect(stopped.stderr).toContain(`npm run migrate -- maps ${file} --resume`);
    const before = stopped.json.kinds.conversationHistory?.read ?? 0;
    expect(before).toBeLessThan(80);

    const resumed = await runMigrate(['maps', file, '--resume', '--json'], env);
    expect(resumed.code).toBe(0);
    expect(resumed.json.kinds.conversationHistory).toMatchObject({ read: 80, written: 80, skipped: 0 });
    expect(resumed.json.kinds.conversationSummaries).toMatchObject({ read: 80, written: 80 });
    expect(readdirSync(point)).toEqual([]);
  });

  it('moves chats, keeps keys sealed, and writes them only when asked', async () => {
    await runMigrate(['maps', jsonFile({ organizations })], env);
    const key = 'sk-test-0123456789abcdef';
    const messages = [{ id: '1', content: 'Hi', type: 'text', date: '2026-03-01T18:00:00Z' }];
    const database = {
      conversations: [{ id: 'c1', userName: 'Sam', messages }, { id: 'c2' }],
      keys: [{ key, queries: 3, tokens: 100, balance: 2 }],
    };
    const file = jsonFile(database, 'db.json');
    const moved = await runMigrate(['chat', file, '--organization', 'north', '--json'], env);
    expect(moved.code).toBe(3);
    expect(moved.json.kinds).toMatchObject({
      conversations: { written: 1, invalid: 1 },
      keys: { written: 1 },
    });
    expect(moved.stdout + moved.stderr).not.toContain('sk-test');

    const write = async (...flags: string[]) => {
      const out = path.join(temporaryDirectory(), 'chat.json');
      const outcome = await runMigrate(
        ['export', 'chat', '--organization', 'north', '--out', out, ...flags],
        env,
      );
      expect(outcome.code).toBe(0);
      expect(outcome.stdout + outcome.stderr).not.toContain('sk-test');
      return JSON.parse(readFileSync(out, 'utf8'));
    };
    expect(await write()).toEqual({ conversations: [{ id: 'c1', userName: 'Sam', messages }], keys: [] });
    expect((await write('--include-keys')).keys).toEqual(database.keys);
  });

  it('reads a file that is larger than its memory', async () => {
    // The program alone needs some 60 MB.
    const memoryMb = 96;
    const leads = 3_500;
    const file = path.join(temporaryDirectory(), 'large.json');
    const stream = createWriteStream(file);
    stream.write('{"conversationHistory": {');
    const filler = 'x'.repeat(1_000);
    for (let n = 0; n < leads; n += 1) {
      const messages = Array.from({ length: 30 }, (_, index) => `User: ${index} ${filler}`);
      if (!stream.write(`${n > 0 ? ',' : ''}"north:+1${2_000_000_000 + n}": ${JSON.stringify(messages)}`)) {
        await once(stream, 'drain');
      }
    }
    stream.end('}}');
    await once(stream, 'finish');
    expect(statSync(file).size).toBeGreaterThan(memoryMb * 2 ** 20);
    const outcome = await runMigrate(['maps', file, '--dry-run', '--json'], env, [
      `--max-old-space-size=${memoryMb}`,
    ]);
    expect(outcome).toMatchObject({ code: 3, json: { reasons: { organization_unknown: leads } } });
  }, 150_000);
});

describeWithPostgres('npm run migrate on PostgreSQL', () => {
  it('may run twice at the same time', async () => {
    const env = { DATABASE_URL: await createPostgresDatabase(), DATA_DIR: temporaryDirectory() };
    const file = jsonFile(dump(60));
    const runs = await Promise.all(
      [1, 2].map(() => runMigrate(['maps', file, '--json', '--batch', '10'], env)),
    );
    expect(runs.map(({ code }) => code)).toEqual([0, 0]);
    for (const kind of [
      'organizations',
      'conversationHistory',
      'conversationContexts',
      'conversationSummaries',
    ]) {
      const written = runs.map(({ json }) => json.kinds[kind]?.written ?? 0);
      expect([kind, written[0]! + written[1]!]).toEqual([kind, kind === 'organizations' ? 1 : 60]);
    }
  });

  it('names what is wrong with the target and never a password', async () => {
    const env = { DATABASE_URL: 'postgres://jack:hunter2@127.0.0.1:1/jack', DATA_DIR: temporaryDirectory() };
    const outcome = await runMigrate(['maps', jsonFile(dump(1))], env);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain('The record does not answer');
    expect(outcome.stderr).not.toContain('hunter2');
  });
});
