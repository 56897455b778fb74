import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { claimDue, claimStatement } from '../../services/turns/claims.js';
import type { OrganizationId } from '../../services/types.js';
import { newOrganization } from '../support/records.js';
import { describeEachEngine, openTestDatabase, type TestDatabase } from '../support/testDatabase.js';

describeEachEngine('When more replies are due than can be begun', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterEach(async () => {
    await test.database.orm.execute(sql`delete from organizations`);
  });
  afterAll(() => test.close());

  /** Conversations of a new organization, the first of which has been due for `agoS` seconds, the next a bit less. */
  async function dueFor(conversations: number, agoS: number): Promise<OrganizationId> {
    const { id } = await newOrganization(test.database);
    await test.database.orm.execute(
      sql`with l as (
          insert into leads (id, organization_id, phone, source)
          select gen_random_uuid(), ${id}, '+1604' || lpad(n::text, 7, '0'), 'sms' from generate_series(1, ${conversations}) n
          returning id, phone
        )
        insert into conversations (id, organization_id, lead_id, last_seq, reply_due_at)
        select gen_random_uuid(), ${id}, id, 1,
          clock_timestamp() - make_interval(secs => ${agoS}::float8) + right(phone, 7)::int * interval '1 ms'
        from l`,
    );
    return id;
  }

  let claimed = 0;
  /** Every second one as if it had been crowded before: what is claimed is the same. */
  const claim = (limit: number, running?: ReadonlyMap<OrganizationId, number>) =>
    claimDue(test.database, {
      limit,
      leaseMs: 60_000,
      holder: 'a',
      isCrowded: claimed++ % 2 === 0,
      ...(running ? { running } : {}),
    });

  const countBy = (claims: readonly { readonly organizationId: OrganizationId }[]) => {
    const counts = new Map<OrganizationId, number>();
    for (const { organizationId } of claims)
      counts.set(organizationId, (counts.get(organizationId) ?? 0) + 1);
    return counts;
  };

  it('the organizations take turns, however many one of them waits for and however long', async () => {
    const flooding = await dueFor(300, 60);
    const [b, c] = [await dueFor(1, 5), await dueFor(3, 4)];
    const first = countBy(await claim(6));
    expect([first.get(flooding), first.get(b), first.get(c)]).toEqual([3, 1, 2]);
    const second = countBy(await claim(6));
    expect([second.get(flooding), second.get(b), second.get(c)]).toEqual([5, undefined, 1]);
  });

  it('whose turns run already comes after the others', async () => {
    const flooding = await dueFor(50, 60);
    const [b, c] = [await dueFor(1, 5), await dueFor(1, 4)];
    const running = new Map([[flooding, 3]]);
    expect([...countBy(await claim(1, running)).keys()]).toEqual([b]);
    expect([...countBy(await claim(1, running)).keys()]).toEqual([c]);
    expect([...countBy(await claim(1, running)).keys()]).toEqual([flooding]);
  });

  it('within an organization the oldest is first', async () => {
    await dueFor(30, 60);
    const phonesOf = async (limit: number) => {
      const ids = (await claim(limit)).map(({ leadId }) => leadId);
      const rows = await test.database.query<{ n: number }>(
        sql`select right(phone, 7)::int as n from leads
          where id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb)) order by 1`,
      );
      return rows.map(({ n }) => n);
    };
    expect(await phonesOf(3)).toEqual([1, 2, 3]);
    expect(await phonesOf(2)).toEqual([4, 5]);
    expect(await phonesOf(100)).toHaveLength(25);
  });

  it('many that claim at once get all of them, none twice', async () => {
    for (let n = 0; n < 4; n += 1) await dueFor(25, 60 - n);
    const ids: string[] = [];
    const claimer = async () => {
      for (;;) {
        const claims = await claim(7);
        if (claims.length === 0) return;
        ids.push(...claims.map(({ conversationId }) => conversationId));
      }
    };
    await Promise.all(Array.from({ length: 6 }, claimer));
    // One that found all it saw taken in that moment may have given up before the others were done.
    await claimer();
    expect(ids).toHaveLength(100);
    expect(new Set(ids).size).toBe(100);
  });

  it('ten thousand that wait cost as much as a few', async () => {
    const flooding = await dueFor(10_000, 60);
    for (let n = 0; n < 5; n += 1) await dueFor(1, 5);
    await test.database.orm.execute(sql`analyze conversations`);
    const [row] = await test.database.query<{ 'QUERY PLAN': PlanOutput }>(
      sql`explain (analyze, timing off, format json) ${claimStatement({ limit: 4, leaseMs: 60_000, holder: 'a', running: new Map([[flooding, 64]]) })}`,
    );
    expect(rowsRead(row!['QUERY PLAN'][0].Plan)).toBeLessThan(500);
  });
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}
type PlanOutput = readonly [{ readonly Plan: PlanNode }];

/** What all scans touched. */
function rowsRead(node: PlanNode): number {
  const own = node['Node Type'].includes('Scan')
    ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']
    : 0;
  return own + (node.Plans ?? []).reduce((sum, child) => sum + rowsRead(child), 0);
}
