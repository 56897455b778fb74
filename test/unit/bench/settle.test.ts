/** A run is over when the record owes nothing any more; what is missing or too much then is named. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { Crowd } from '../../../bench/crowd.js';
import { insistOnOneReply, settle } from '../../../bench/settle.js';
import { newOrganization, newPhone } from '../../support/records.js';
import { describeWithPostgres } from '../../support/services.js';
import { openTestDatabase, type TestDatabase } from '../../support/testDatabase.js';

describeWithPostgres('The end of a run', () => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase('postgres');
  });
  afterAll(() => test.close());

  const crowd = (waiting: number, doubled: number): Crowd => ({
    waiting: () => waiting,
    doubled: () => doubled,
    next: () => ({ path: '/', headers: {}, body: '' }),
    answered: async () => undefined,
    take: () => [],
  });

  it('waits for a reply that is due, and then counts', async () => {
    const { database, databaseUrl } = test;
    const { id } = await newOrganization(database);
    await database.orm.execute(
      sql`with l as (insert into leads (id, organization_id, phone, source)
          values (gen_random_uuid(), ${id}, ${newPhone()}, 'sms') returning id)
        insert into conversations (id, organization_id, lead_id, reply_due_at)
          select gen_random_uuid(), ${id}, l.id, clock_timestamp() from l`,
    );
    let isOver = false;
    const settling = settle({ databaseUrl }, crowd(1, 2)).finally(() => {
      isOver = true;
    });
    // Long enough for a look that did not wait.
    await database.query(sql`select pg_sleep(0.3)`);
    expect(isOver).toBe(false);
    await database.orm.execute(
      sql`update conversations set reply_due_at = null where organization_id = ${id}`,
    );
    const settled = await settling;
    expect(settled).toEqual({ lost: 1, doubled: 2 });
    expect(() => insistOnOneReply([settled])).toThrow('1 texts have no reply, 2 replies are too many');
  });
});
