/** H22: what Redis holds, loses, or is restored from decides nothing about who is logged in. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { Redis } from 'ioredis';
import type { SessionRules } from '../../services/sessions/rules.js';
import type { Session } from '../../services/types.js';
import { newOrganization, type TestOrganization } from '../support/records.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { guest, openSessionProcess, type SessionProcess, staff } from '../support/sessions.js';
import { openTestDatabase, type TestDatabase } from '../support/testDatabase.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

const PREFIX = 'jack:sessions:';
/** Longer than any test. */
const NEVER_MS = 600_000;

describeWithRedis('Sessions while Redis has its troubles', () => {
  let record: TestDatabase;
  let redis: RedisServer;
  let client: Redis;
  let org: TestOrganization;
  let processes: SessionProcess[] = [];

  beforeAll(async () => {
    record = await openTestDatabase('pglite');
    redis = await startRedis();
    client = new Redis(redis.url, { retryStrategy: () => 50 });
    client.on('error', () => undefined);
  });
  beforeEach(async () => {
    org = await newOrganization(record.database);
  });
  afterEach(async () => {
    await Promise.all(processes.map((process) => process.close()));
    processes = [];
    // For the next test, should this one have failed half-way.
    if (redis.pid === undefined) await redis.restart();
  });
  afterAll(async () => {
    client.disconnect();
    await redis.stop();
    await record.close();
  });

  /** No process keeps anything decoded, so that each look-up says what Redis holds. */
  async function open(rules: Partial<SessionRules> = {}): Promise<SessionProcess> {
    const { database } = record;
    const process = await openSessionProcess({
      database,
      redisUrl: redis.url,
      keyPrefix: PREFIX,
      localMaxBytes: 0,
      rules,
    });
    processes.push(process);
    return process;
  }
  const modeOf = (process: SessionProcess, mode: string) =>
    until(() => process.state.mode() === mode, { timeoutMs: 10_000, what: `the mode ${mode}` });
  const readsOf = ({ state }: SessionProcess) => ({ cache: 0, record: 0, ...state.report().reads.session });
  const nameOf = ({ tokenHash }: Session) => `${PREFIX}session:{${tokenHash}}`;

  /** @returns puts the bytes that are in Redis now back, as a restored dump would, with a lifetime of ten minutes. */
  async function takeDump(session: Session): Promise<() => Promise<void>> {
    const name = nameOf(session);
    const bytes = await client.dumpBuffer(name);
    if (!bytes) throw new Error('the test expects a copy in Redis');
    return async () => void (await client.restore(name, NEVER_MS, bytes, 'REPLACE'));
  }

  it('When nothing is wrong, then a second process finds the copy in Redis and does not ask the record', async () => {
    const [one, two] = [await open(), await open()];
    const { token, session } = await one.sessions.create(org.id, guest({ data: { phone: org.number } }));
    expect(await two.sessions.get(token, 'guest')).toMatchObject({
      id: session.id,
      data: { phone: org.number },
    });
    expect(readsOf(two)).toEqual({ cache: 1, record: 0 });
    const ttlMs = await client.pttl(nameOf(session));
    expect(ttlMs).toBeGreaterThan(20_000);
    expect(ttlMs).toBeLessThanOrEqual(30_000);
    expect(await client.getBuffer(nameOf(session))).not.toContain(token);
  });

  it('When FLUSHALL comes at any moment, then everybody stays logged in', async () => {
    const [one, two] = [await open(), await open()];
    const made = await Promise.all(Array.from({ length: 20 }, () => one.sessions.create(org.id, guest())));
    let isOver = false;
    const flushing = (async () => {
      for (; !isOver; await new Promise((resolve) => setTimeout(resolve, 5))) await client.flushall();
    })();
    for (let round = 0; round < 10; round += 1) {
      for (const { token } of made) {
        for (const { sessions } of [one, two]) expect(await sessions.get(token, 'guest')).toBeDefined();
      }
    }
    isOver = true;
    await flushing;
    expect(readsOf(two).record).toBeGreaterThan(0);
  });

  it('When Redis is killed and comes back empty, then nobody is logged out and no log-out is undone', async () => {
    const [one, two] = [await open(), await open()];
    const person = await staff(record.database, org.id);
    const [stays, before, during] = [
      await one.sessions.create(org.id, person),
      await one.sessions.create(org.id, person),
      await one.sessions.create(org.id, person),
    ];
    const expectState = async (isDuringOver: boolean): Promise<void> => {
      for (const { sessions } of [one, two]) {
        expect(await sessions.get(stays.token, 'staff')).toBeDefined();
        expect(await sessions.get(before.token, 'staff')).toBeUndefined();
        expect((await sessions.get(during.token, 'staff')) === undefined).toBe(isDuringOver);
      }
    };
    const heardOf = (token: string) =>
      until(async () => (await two.sessions.get(token, 'staff')) === undefined, {
        timeoutMs: 2_000,
        what: 'the other process to hear of the end',
      });
    await one.sessions.destroy(before.session);
    await heardOf(before.token);
    await redis.kill();
    await Promise.all([modeOf(one, 'memory'), modeOf(two, 'memory')]);
    await expectState(false);
    // From the Maps of both now.
    await expectState(false);
    await one.sessions.destroy(during.session);
    await heardOf(during.token);
    await expectState(true);
    await redis.restart();
    await Promise.all([modeOf(one, 'redis'), modeOf(two, 'redis')]);
    await expectState(true);
    await expectState(true);
  });

  it('When Redis hangs, then look-ups go on, and the longest takes no longer than the guard waits', async () => {
    const one = await open();
    const { token } = await one.sessions.create(org.id, guest());
    redis.pause();
    try {
      let longestMs = 0;
      for (let n = 0; n < 50; n += 1) {
        const startedAtMs = performance.now();
        expect(await one.sessions.get(token, 'guest')).toBeDefined();
        longestMs = Math.max(longestMs, performance.now() - startedAtMs);
      }
      expect(longestMs).toBeLessThan(1_000);
    } finally {
      redis.resume();
    }
    await modeOf(one, 'redis');
  });

  it('When Redis is restored from before a log-out, then the session stays over: here, elsewhere, in a new process', async () => {
    const [here, elsewhere] = [await open({ maxLagMs: NEVER_MS }), await open({ maxLagMs: 100 })];
    const { token, session } = await here.sessions.create(org.id, await staff(record.database, org.id));
    const restore = await takeDump(session);
    // The dump is as good as the copy while the session is live.
    await client.flushall();
    await restore();
    const { cache } = readsOf(elsewhere);
    expect(await elsewhere.sessions.get(token, 'staff')).toBeDefined();
    expect(readsOf(elsewhere).cache).toBe(cache + 1);

    await here.sessions.destroy(session);
    await restore();
    expect(await here.sessions.get(token, 'staff')).toBeUndefined();
    // A newcomer asks the record for changes before it trusts its first copy.
    const newcomer = await open({ maxLagMs: NEVER_MS });
    expect(await newcomer.sessions.get(token, 'staff')).toBeUndefined();
    expect(await elsewhere.sessions.get(token, 'staff', { isFresh: true })).toBeUndefined();
    await until(async () => (await elsewhere.sessions.get(token, 'staff')) === undefined, {
      timeoutMs: 1_000,
      what: 'the other process to hear of it',
    });
    // Its look-up has not put the dump away: it is there, and worth nothing.
    await restore();
    for (const { sessions } of [here, elsewhere, newcomer]) {
      expect(await sessions.get(token, 'staff')).toBeUndefined();
    }
    expect(await client.exists(nameOf(session))).toBe(1);
  });

  it('When Redis is killed and loads a file from before a log-out, then the session stays over', async () => {
    const [here, elsewhere] = [await open(), await open()];
    const { token, session } = await here.sessions.create(org.id, guest());
    await client.save();
    await here.sessions.destroy(session);
    await redis.kill();
    await Promise.all([modeOf(here, 'memory'), modeOf(elsewhere, 'memory')]);
    await redis.restart();
    // The file has brought it back, with what is left of its 30 s.
    expect(Number(await redis.command('EXISTS', nameOf(session)))).toBe(1);
    await Promise.all([modeOf(here, 'redis'), modeOf(elsewhere, 'redis')]);
    for (const { sessions } of [here, elsewhere]) expect(await sessions.get(token, 'guest')).toBeUndefined();
  });

  it('When Redis is restored from long ago, then its copy is not used, whatever lifetime it was given', async () => {
    const one = await open({ maxCopyAgeMs: 300 });
    const { token, session } = await one.sessions.create(org.id, guest());
    const restore = await takeDump(session);
    await restore();
    expect(await one.sessions.get(token, 'guest')).toBeDefined();
    const young = readsOf(one);
    expect(young.cache).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 350));
    await restore();
    expect(await one.sessions.get(token, 'guest')).toBeDefined();
    expect(readsOf(one)).toEqual({ cache: young.cache, record: young.record + 1 });
  });

  it('When Redis is restored from before a change of data, then the change stands', async () => {
    const [here, elsewhere] = [await open({ maxLagMs: NEVER_MS }), await open({ maxLagMs: 100 })];
    const { token, session } = await here.sessions.create(org.id, guest({ data: { step: 1 } }));
    await elsewhere.sessions.get(token, 'guest');
    const restore = await takeDump(session);
    await here.sessions.update(session, { step: 2 });
    await restore();
    expect((await here.sessions.get(token, 'guest'))?.data).toEqual({ step: 2 });
    await restore();
    await until(async () => (await elsewhere.sessions.get(token, 'guest'))?.data.step === 2, {
      timeoutMs: 1_000,
      what: 'the other process to hear of it',
    });
  });

  it("When another session's bytes lie under a name, then they open nothing", async () => {
    const one = await open();
    const { token, session } = await one.sessions.create(org.id, guest());
    const foreign = await newOrganization(record.database);
    const theirs = await one.sessions.create(foreign.id, guest());
    const bytes = await client.dumpBuffer(nameOf(theirs.session));
    await client.restore(nameOf(session), NEVER_MS, bytes!, 'REPLACE');
    expect((await one.sessions.get(token, 'guest'))?.organizationId).toBe(org.id);
  });

  it('When the organization is cleared from the cache, then its sessions are read from the record', async () => {
    const one = await open();
    const { token, session } = await one.sessions.create(org.id, guest());
    expect(await one.state.clearOrganization(org.id)).toBe(1);
    expect(await client.exists(nameOf(session))).toBe(0);
    expect(await one.sessions.get(token, 'guest')).toBeDefined();
    expect(readsOf(one)).toEqual({ cache: 0, record: 1 });
  });

  it('When more ends than a process can know of, then it trusts no copy from before', async () => {
    const one = await open({ maxLagMs: 50 });
    const { token } = await one.sessions.create(org.id, guest());
    await one.sessions.get(token, 'guest');
    await record.database.orm.execute(
      sql`insert into sessions (id, organization_id, token_hash, kind, user_id, idle_ttl_seconds, expires_at, changed_at, ended_at)
        select gen_random_uuid(), ${org.id}, md5(random()::text || n), 'guest', 'many', 60, clock_timestamp(),
          clock_timestamp(), clock_timestamp() from generate_series(1, 5001) n`,
    );
    await new Promise((resolve) => setTimeout(resolve, 60));
    const before = readsOf(one);
    expect(await one.sessions.get(token, 'guest')).toBeDefined();
    expect(readsOf(one)).toEqual({ cache: before.cache, record: before.record + 1 });
  });
});
