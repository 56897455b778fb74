/** `npm run archive` as operators run it. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { createCommands } from '../../scripts/lib/archive/commands.js';
import { EXIT, runProgram } from '../../scripts/lib/archive/program.js';
import { explain } from '../../scripts/lib/command/output.js';
import { loadConfig } from '../../services/config.js';
import { Database } from '../../services/db/client.js';
import { migrate } from '../../services/db/migrate.js';
import { preparedDataDirectory } from '../support/jackProcess.js';
import { newOrganization, newPhone, type TestOrganization } from '../support/records.js';
import { createPostgresDatabase, describeEachEngine, silentLogger } from '../support/testDatabase.js';

/** Each command opens the record anew, and one is a process of its own. */
const SLOW_MS = 60_000;

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** As a process of its own. */
function spawned(args: readonly string[], env: Record<string, string>): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--import', 'tsx', 'scripts/archive.ts', ...args],
      { env: { PATH: process.env.PATH, NODE_ENV: 'test', USE_REDIS: 'false', ...env } },
      (error, out, err) => resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

/** The same in this process, which takes a tenth of the time. */
async function command(args: readonly string[], env: Record<string, string>): Promise<Ended> {
  const [out, err]: [string[], string[]] = [[], []];
  const commands = createCommands({
    config: loadConfig({ NODE_ENV: 'test', USE_REDIS: 'false', ...env }),
    logger: silentLogger,
    signal: new AbortController().signal,
    print: (text) => out.push(text),
    tell: (text) => err.push(text),
  });
  const code = await runProgram(args, commands).catch((error: unknown) => {
    err.push(explain(error));
    return EXIT.failed;
  });
  return { code, out: out.join('\n'), err: err.join('\n') };
}

describe('npm run archive', () => {
  it.each([
    ['no organization', ['export', '--out', 'x.jsonl']],
    ['no number of days', ['run', '--after-days', 'soon']],
  ])(
    'With %s it says how it is used, and ends with 2',
    async (_name, args) => {
      const { code, err } = await spawned(args, {});
      expect([code, err]).toEqual([2, expect.stringContaining('error:')]);
    },
    SLOW_MS,
  );
});

describeEachEngine('npm run archive on a record', (engine) => {
  let env: Record<string, string>;
  let organization: TestOrganization;
  let folder: string;
  const leads = new Map<string, number>();

  /** The embedded record serves one process, so it is open only for a moment. */
  async function onRecord<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const database = await Database.open({
      databaseUrl: env.DATABASE_URL,
      dataDir: env.DATA_DIR,
      logger: silentLogger,
    });
    try {
      await migrate(database);
      return await work(database);
    } finally {
      await database.close();
    }
  }

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'jack-archive-'));
    env =
      engine === 'postgres'
        ? { DATABASE_URL: await createPostgresDatabase() }
        : { DATA_DIR: preparedDataDirectory() };
    await onRecord(async (database) => {
      organization = await newOrganization(database);
      for (const days of [200, 40, 0]) {
        const [row] = await database.query<{ lead: string }>(
          sql`with l as (
              insert into leads (id, organization_id, phone, source)
              values (gen_random_uuid(), ${organization.id}, ${newPhone()}, 'sms') returning id
            ), c as (
              insert into conversations (id, organization_id, lead_id, last_seq, last_message_at)
              select gen_random_uuid(), ${organization.id}, id, 3, clock_timestamp() - make_interval(days => ${days})
              from l returning id, lead_id
            )
            select lead_id as lead from c`,
        );
        leads.set(row!.lead, days);
        await database.orm.execute(
          sql`insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding,
              segments, status)
            select gen_random_uuid(), c.organization_id, c.id, n, 'inbound', 'lead', 'text ' || n, 'GSM-7', 1, 'received'
            from conversations c, generate_series(1, 3) n where c.lead_id = ${row!.lead}`,
        );
      }
    });
  }, SLOW_MS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const hot = () =>
    onRecord(async (database) => {
      const [row] = await database.query<{ n: number }>(sql`select count(*)::int as n from messages`);
      return row?.n;
    });
  const exportTo = async (name: string, ...more: string[]) => {
    const out = path.join(folder, name);
    const ended = await command(['export', '--organization', organization.id, '--out', out, ...more], env);
    return { ...ended, path: out };
  };
  const linesOf = (file: string) =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  it(
    'counts without moving, moves what is past retention, and exports all of it as before',
    async () => {
      const before = await exportTo('before.jsonl');
      expect([before.code, before.err]).toEqual([0, '']);
      expect(statSync(before.path).mode & 0o777).toBe(0o600);

      const dry = await spawned(['run', '--dry-run', '--json'], env);
      expect(JSON.parse(dry.out)).toMatchObject({
        isDryRun: true,
        afterDays: 90,
        conversations: 1,
        messages: 3,
      });
      expect(await hot()).toBe(9);

      const moved = await command(['run', '--json'], env);
      expect(moved.code).toBe(0);
      expect(JSON.parse(moved.out)).toMatchObject({ conversations: 1, messages: 3, blocks: 1, failed: 0 });
      expect(await hot()).toBe(6);
      const more = await command(['run', '--after-days', '30'], env);
      expect(more.out).toContain('1 conversations with 3 messages went into the archive');
      expect((await command(['run', '--after-days', '30', '--json'], env)).out).toContain(
        '"conversations":0',
      );

      const after = await exportTo('after.jsonl');
      expect(linesOf(after.path)).toEqual(linesOf(before.path));
      const lines = linesOf(after.path);
      expect(lines.filter((line) => 'conversation' in line)).toHaveLength(3);
      expect(lines.filter((line) => 'message' in line)).toHaveLength(9);
      expect(lines[1]).toMatchObject({ leadId: expect.any(String), message: { seq: 1, body: 'text 1' } });
    },
    SLOW_MS,
  );

  it(
    'replaces no file unless told to, and knows no organization that there is not',
    async () => {
      await exportTo('twice.jsonl');
      const again = await exportTo('twice.jsonl');
      expect([again.code, again.err]).toEqual([1, expect.stringContaining('is there already')]);
      expect((await exportTo('twice.jsonl', '--force')).code).toBe(0);
      const nobody = await command(
        ['export', '--organization', 'nobody', '--out', path.join(folder, 'x')],
        env,
      );
      expect([nobody.code, nobody.err]).toEqual([
        1,
        expect.stringContaining('There is no organization nobody'),
      ]);
    },
    SLOW_MS,
  );

  it(
    'When a block is damaged, then the rest is exported, and the exit code and standard error say so',
    async () => {
      await command(['run'], env);
      await onRecord((database) =>
        database.orm.execute(
          sql`update archived_messages set content = set_byte(content, 9, 255 - get_byte(content, 9))
          where (conversation_id, first_seq) in (select conversation_id, first_seq from archived_messages limit 1)`,
        ),
      );
      const { code, err, path: file } = await exportTo('damaged.jsonl');
      expect(code).toBe(3);
      expect(err).toMatch(/Archived messages 1 to 3 of conversation [0-9a-f-]{36}.* cannot be read/);
      expect(linesOf(file).filter((line) => 'message' in line)).toHaveLength(6);
    },
    SLOW_MS,
  );

  it(
    'With ARCHIVE_AFTER_DAYS=0 nothing is past retention unless a time is named',
    async () => {
      const never = { ...env, ARCHIVE_AFTER_DAYS: '0' };
      expect(await command(['run'], never)).toMatchObject({ code: 2 });
      expect(await command(['run', '--dry-run', '--after-days', '30'], never)).toMatchObject({ code: 0 });
    },
    SLOW_MS,
  );
});
