import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { Database } from '../../services/db/client.js';
import { revokeApiKey } from '../../services/record/organizations.js';
import { sha256Hex } from '../../services/secrets.js';
import type { SessionRules } from '../../services/sessions/rules.js';
import type { Session } from '../../services/types.js';
import { newOrganization, type TestOrganization } from '../support/records.js';
import { guest, openSessionProcess, type SessionProcess, staff } from '../support/sessions.js';
import { describeEachEngine, openTestDatabase, type TestDatabase } from '../support/testDatabase.js';
import { until } from '../support/until.js';

/** Longer than any test: only what a process is told of, or asks for, may make the difference. */
const NEVER_MS = 600_000;
const DAY_MS = 86_400_000;

describeEachEngine('Sessions', (engine) => {
  let test: TestDatabase;
  let database: Database;
  let org: TestOrganization;
  let processes: SessionProcess[] = [];
  beforeAll(async () => {
    test = await openTestDatabase(engine);
    database = test.database;
  });
  beforeEach(async () => {
    await Promise.all(processes.map((process) => process.close()));
    processes = [];
    org = await newOrganization(database);
  });
  afterAll(async () => {
    await Promise.all(processes.map((process) => process.close()));
    await test.close();
  });

  const open = async (rules: Partial<SessionRules> = {}) => {
    const process = await openSessionProcess({ database, rules });
    processes.push(process);
    return process.sessions;
  };
  const rowOf = async ({ tokenHash }: Pick<Session, 'tokenHash'>) => {
    const [row] = await database.query<{ text: string; lastSeen: string }>(
      sql`select to_jsonb(s)::text as text, last_seen_at::text as "lastSeen" from sessions s
        where token_hash = ${tokenHash}`,
    );
    return row;
  };
  const countStatements = async (work: () => Promise<void>): Promise<number> => {
    const query = database.query.bind(database);
    let count = 0;
    database.query = (...args) => {
      count += 1;
      return query(...args);
    };
    try {
      await work();
    } finally {
      database.query = query;
    }
    return count;
  };
  const shift = (session: Session, column: string, interval: string) =>
    database.orm.execute(
      sql`update sessions set ${sql.raw(column)} = ${sql.raw(column)} - ${interval}::interval
        where token_hash = ${session.tokenHash}`,
    );

  describe('A session', () => {
    it('has a token of 256 bits that neither the record nor the session shows', async () => {
      const sessions = await open();
      const { token, session } = await sessions.create(org.id, guest({ data: { phone: org.number } }));
      expect(Buffer.from(token, 'base64url')).toHaveLength(32);
      expect(session.tokenHash).toBe(sha256Hex(token));
      expect(JSON.stringify(session)).not.toContain(token);
      expect((await rowOf(session))?.text).not.toContain(token);
      expect(await sessions.get(token, 'guest')).toMatchObject({
        id: session.id,
        organizationId: org.id,
        kind: 'guest',
        data: { phone: org.number },
        rev: 1,
      });
    });

    it('is found by its token alone, as what it is', async () => {
      const sessions = await open();
      const { token, session } = await sessions.create(org.id, guest());
      for (const isFresh of [true, false]) {
        for (const wrong of [session.tokenHash, session.id, `${token}x`, '', randomToken(), "' or 1=1 --"]) {
          expect(await sessions.get(wrong, 'guest', { isFresh })).toBeUndefined();
        }
        expect(await sessions.get(token, 'staff', { isFresh })).toBeUndefined();
        expect(await sessions.get(token, 'guest', { isFresh })).toBeDefined();
      }
    });

    it('lives as long as its kind: a guest 30 days idle, staff 12 hours idle and 7 days in all', async () => {
      const sessions = await open();
      const { session: visitor } = await sessions.create(org.id, guest());
      const { session: person } = await sessions.create(org.id, await staff(database, org.id));
      const days = (toMs: number | null, fromMs: number) => Math.round(((toMs ?? 0) - fromMs) / 1e5) * 1e5;
      expect(days(visitor.expiresAtMs, visitor.createdAtMs)).toBe(30 * DAY_MS);
      expect(visitor.endsAtMs).toBeNull();
      expect(days(person.expiresAtMs, person.createdAtMs)).toBe(DAY_MS / 2);
      expect(days(person.endsAtMs, person.createdAtMs)).toBe(7 * DAY_MS);
    });

    it('When the organization or the key does not exist, then there is none', async () => {
      const sessions = await open();
      const nowhere = { ...org, id: `no-${org.id}` as typeof org.id };
      await expect(sessions.create(nowhere.id, guest())).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
      const other = await newOrganization(database);
      const foreign = await staff(database, other.id);
      await expect(sessions.create(org.id, foreign)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    });

    it('When a person has too many, then the one used longest ago gives way', async () => {
      const sessions = await open({ maxPerUser: 3 });
      const user = guest();
      const made: Awaited<ReturnType<typeof sessions.create>>[] = [];
      for (let n = 0; n < 3; n += 1) made.push(await sessions.create(org.id, user));
      const [first, second] = made;
      await shift(second!.session, 'last_seen_at', '1 hour');
      await sessions.create(org.id, user);
      expect(await sessions.get(second!.token, 'guest')).toBeUndefined();
      expect(await sessions.get(first!.token, 'guest')).toBeDefined();
      expect(await sessions.listOfUser(org.id, user)).toHaveLength(3);
    });
  });

  describe('Its data', () => {
    it('is merged, and null takes a fact away', async () => {
      const sessions = await open();
      const { token, session } = await sessions.create(org.id, guest({ data: { a: 1, b: 2 } }));
      await sessions.update(session, { b: null, c: [3] });
      for (const isFresh of [false, true]) {
        const found = await sessions.get(token, 'guest', { isFresh });
        expect([found?.data, found?.rev]).toEqual([{ a: 1, c: [3] }, 2]);
      }
    });

    it('When many change it at once, in two processes, then no change is lost', async () => {
      const [one, two] = [await open(), await open()];
      const { token, session } = await one.create(org.id, guest({ data: { count: 0 } }));
      const raise = async (sessions: typeof one): Promise<void> => {
        for (let done = false; !done; ) {
          done = await sessions
            .update(session, (data) => ({ count: (data.count as number) + 1 }))
            .then(
              () => true,
              (error: { code?: string }) => {
                // What the caller is told to do: again.
                expect(error.code).toBe('E_SUPERSEDED');
                return false;
              },
            );
        }
      };
      await Promise.all(Array.from({ length: 20 }, (_, n) => raise(n % 2 ? one : two)));
      expect((await two.get(token, 'guest', { isFresh: true }))?.data).toEqual({ count: 20 });
      expect((await one.get(token, 'guest', { isFresh: true }))?.rev).toBe(21);
    });

    it('has a bound, and what is beyond it changes nothing', async () => {
      const sessions = await open({ maxDataBytes: 100 });
      const large = { text: 'é'.repeat(60) };
      await expect(sessions.create(org.id, guest({ data: large }))).rejects.toMatchObject({
        code: 'E_INPUT_INVALID',
      });
      const { token, session } = await sessions.create(org.id, guest({ data: { a: 1 } }));
      await expect(sessions.update(session, large)).rejects.toMatchObject({ code: 'E_INPUT_INVALID' });
      expect((await sessions.get(token, 'guest', { isFresh: true }))?.data).toEqual({ a: 1 });
    });

    it('When the session is over, then it cannot be changed', async () => {
      const sessions = await open();
      const { session } = await sessions.create(org.id, guest());
      await sessions.destroy(session);
      await expect(sessions.update(session, { a: 1 })).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    });
  });

  describe('Its use', () => {
    it('puts its idle end off, written once a minute at most', async () => {
      const sessions = await open({ maxLagMs: 0 });
      const { token, session } = await sessions.create(org.id, guest());
      const before = await rowOf(session);
      for (let n = 0; n < 5; n += 1) await sessions.get(token, 'guest', { isFresh: true });
      expect(await sessions.touch(session)).toBeUndefined();
      expect(await rowOf(session)).toEqual(before);

      await shift(session, 'last_seen_at', '2 minutes');
      await shift(session, 'expires_at', '2 minutes');
      const shifted = await rowOf(session);
      const found = await sessions.get(token, 'guest', { isFresh: true });
      await until(async () => (await rowOf(session))?.lastSeen !== shifted?.lastSeen, {
        what: 'the noted use',
      });
      const touched = await sessions.get(token, 'guest', { isFresh: true });
      expect(touched!.expiresAtMs - found!.expiresAtMs).toBeGreaterThanOrEqual(119_000);
      expect(touched?.rev).toBe(session.rev);
    });

    it('When another process has noted it, then it is not tried again at every look-up', async () => {
      const [one, two] = [await open({ maxLagMs: NEVER_MS }), await open({ maxLagMs: NEVER_MS })];
      const { token, session } = await one.create(org.id, guest());
      await shift(session, 'last_seen_at', '2 minutes');
      await two.get(token, 'guest');
      await one.get(token, 'guest', { isFresh: true });
      await one.stop();
      const statements = await countStatements(async () => {
        for (let n = 0; n < 20; n += 1) {
          expect(await two.get(token, 'guest')).toBeDefined();
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      });
      // At most a try that finds it noted, and the reading of what the other has written.
      expect(statements).toBeLessThanOrEqual(2);
    });

    it('does not put the absolute end off', async () => {
      const sessions = await open();
      const { session } = await sessions.create(org.id, await staff(database, org.id));
      await shift(session, 'ends_at', '6 days 23 hours');
      await shift(session, 'last_seen_at', '2 minutes');
      const touched = await sessions.touch(session);
      expect(touched?.expiresAtMs).toBe(touched?.endsAtMs);
    });

    it('does not bring back what is over', async () => {
      const sessions = await open({ touchEveryMs: 0 });
      const expired = await sessions.create(org.id, guest());
      await shift(expired.session, 'expires_at', '31 days');
      const ended = await sessions.create(org.id, guest());
      await sessions.destroy(ended.session);
      for (const { token, session } of [expired, ended]) {
        expect(await sessions.touch(session)).toBeUndefined();
        expect(await sessions.get(token, 'guest', { isFresh: true })).toBeUndefined();
      }
    });
  });

  describe('Its end', () => {
    const ends: readonly (readonly [string, (sessions: Open, session: Session) => Promise<unknown>])[] = [
      ['a log-out', (sessions, session) => sessions.destroy(session)],
      ['the end of all of a person', (sessions, session) => sessions.endAllOfUser(org.id, session)],
      ['the end of all of an organization', (sessions) => sessions.endAllOfOrganization(org.id)],
      [
        'the revocation of its key',
        async (sessions, session) => {
          await revokeApiKey(database, org.id, session.apiKeyId!, 'administrator');
          await sessions.catchUp();
        },
      ],
    ];
    type Open = Awaited<ReturnType<typeof open>>;

    it.each(ends)(
      'When it ends by %s, then at once here, and everywhere within the lag',
      async (_by, end) => {
        const [here, there] = [await open({ maxLagMs: NEVER_MS }), await open({ maxLagMs: 200 })];
        const { token, session } = await here.create(org.id, await staff(database, org.id));
        const stillOpen = await here.create((await newOrganization(database)).id, guest());
        for (const sessions of [here, there]) expect(await sessions.get(token, 'staff')).toBeDefined();

        await end(here, session);
        expect(await here.get(token, 'staff')).toBeUndefined();
        expect(await there.get(token, 'staff', { isFresh: true })).toBeUndefined();
        // Its Map still holds the copy, and nobody told it: only its own questions to the record can.
        await until(async () => (await there.get(token, 'staff')) === undefined, {
          timeoutMs: 1_000,
          what: 'the other process to hear of it',
        });
        expect(await here.get(stillOpen.token, 'guest')).toBeDefined();
      },
    );

    it('When it has expired, then it opens nothing, whatever copy there is', async () => {
      const sessions = await open({ maxLagMs: NEVER_MS });
      const { token, session } = await sessions.create(org.id, guest());
      await shift(session, 'expires_at', '31 days');
      expect(await sessions.get(token, 'guest', { isFresh: true })).toBeUndefined();
    });

    it('When its key is gone by whatever means, then it opens nothing in the record', async () => {
      const sessions = await open();
      const { token, session } = await sessions.create(org.id, await staff(database, org.id));
      await database.orm.execute(sql`delete from api_keys where id = ${session.apiKeyId}`);
      expect(await sessions.get(token, 'staff', { isFresh: true })).toBeUndefined();
    });

    it("takes nobody else's along", async () => {
      const sessions = await open();
      const pat = await staff(database, org.id);
      const others = [
        { ...pat, userId: 'Sam' },
        await staff(database, org.id, 'Pat'),
        guest({ userId: 'Pat' }),
      ];
      const mine = [await sessions.create(org.id, pat), await sessions.create(org.id, pat)];
      const theirs = await Promise.all(others.map((other) => sessions.create(org.id, other)));
      expect((await sessions.listOfUser(org.id, pat)).map(({ id }) => id).sort()).toEqual(
        mine.map(({ session }) => session.id).sort(),
      );
      const foreign = await newOrganization(database);
      expect(await sessions.endAllOfUser(foreign.id, pat)).toBe(0);
      expect(await sessions.destroy({ ...mine[0]!.session, organizationId: foreign.id })).toBe(false);
      expect(await sessions.listOfUser(foreign.id, pat)).toEqual([]);
      expect(await sessions.endAllOfUser(org.id, pat)).toBe(2);
      for (const { token, session } of theirs) {
        expect(await sessions.get(token, session.kind, { isFresh: true })).toBeDefined();
      }
    });

    it('When there are more than one statement ends, then all end', async () => {
      const sessions = await open();
      await database.orm.execute(
        sql`insert into sessions (id, organization_id, token_hash, kind, user_id, idle_ttl_seconds, expires_at)
          select gen_random_uuid(), ${org.id}, md5(random()::text || n), 'guest', 'many', 60,
            clock_timestamp() + interval '1 hour' from generate_series(1, 1001) n`,
      );
      const user = guest({ userId: 'many' });
      expect(await sessions.endAllOfUser(org.id, user)).toBe(1001);
      expect(await sessions.listOfUser(org.id, user)).toEqual([]);
    });

    it('When the organization is erased, then so are its sessions', async () => {
      const sessions = await open();
      const { token } = await sessions.create(org.id, guest());
      await database.orm.execute(sql`delete from organizations where id = ${org.id}`);
      expect(await sessions.get(token, 'guest', { isFresh: true })).toBeUndefined();
    });
  });

  describe('Clean-up', () => {
    it('removes what is over for an hour and nothing else, and two processes at once do no harm', async () => {
      const [one, two] = [await open(), await open()];
      await one.clean();
      const live = await one.create(org.id, guest());
      const justEnded = await one.create(org.id, guest());
      const longOver = await one.create(org.id, guest());
      await one.destroy(justEnded.session);
      await shift(longOver.session, 'expires_at', '30 days 61 minutes');
      await database.orm.execute(
        sql`insert into sessions (id, organization_id, token_hash, kind, user_id, idle_ttl_seconds, expires_at)
          select gen_random_uuid(), ${org.id}, md5(random()::text || n), 'guest', 'old', 60,
            clock_timestamp() - interval '2 hours' from generate_series(1, 1200) n`,
      );
      const [a, b] = await Promise.all([one.clean(), two.clean()]);
      expect(a + b).toBe(1201);
      expect(await rowOf(live.session)).toBeDefined();
      expect(await rowOf(justEnded.session)).toBeDefined();
      expect(await rowOf(longOver.session)).toBeUndefined();
    });

    it('runs by itself between start and stop', async () => {
      const sessions = await open({ cleanEveryMs: 20 });
      const make = async () => {
        const { session } = await sessions.create(org.id, guest());
        await shift(session, 'expires_at', '31 days');
        return session;
      };
      const first = await make();
      sessions.start();
      sessions.start();
      await until(async () => (await rowOf(first)) === undefined, { what: 'the clean-up' });
      await sessions.stop();
      await sessions.stop();
      const second = await make();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await rowOf(second)).toBeDefined();
    });
  });

  describe('What look-ups cost', () => {
    it('When a session is warm, then the record is asked for changes once a lag, and for nothing else', async () => {
      const sessions = await open({ maxLagMs: NEVER_MS });
      const { token } = await sessions.create(org.id, guest());
      await sessions.get(token, 'guest');
      const warm = await countStatements(async () => {
        for (let n = 0; n < 100; n += 1) expect(await sessions.get(token, 'guest')).toBeDefined();
      });
      const unknown = await countStatements(async () => {
        expect(await sessions.get(randomToken(), 'guest')).toBeUndefined();
      });
      expect([warm, unknown]).toEqual([0, 1]);
    });
  });
});

const randomToken = (): string => randomBytes(32).toString('base64url');
