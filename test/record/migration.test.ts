import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import type { StateDoor } from '../../redis-migration.js';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import type { LegacyMaps } from '../../services/migration/types.js';
import type { E164, OrganizationId } from '../../services/types.js';
import { legacyHistory, type MigrationStage, openMigrationStage } from '../support/migrationStage.js';
import { conversationOf, inboundText, newOrganization, newPhone, textsOf } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';

const HOUR_MS = 3_600_000;

describeEachEngine('Maps of another server move into the record', (engine) => {
  let test: TestDatabase;
  let stage: MigrationStage;
  let state: StateDoor;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
    stage = await openMigrationStage(test.database);
    state = stage.tower.state;
  });
  afterAll(async () => {
    await stage.tower.stop();
    await test.close();
  });

  const receiver = () =>
    createInboundReceiver({
      database: test.database,
      secrets: stage.secrets,
      events: createLiveEvents(),
      logger: silentLogger,
      defaultAccountSid: undefined,
      reply: { windowMs: 0, maxWaitMs: 0 },
      onReplyDue: () => undefined,
    });

  interface Person {
    readonly id: OrganizationId;
    readonly number: E164;
    readonly phone: E164;
    readonly key: string;
  }
  async function newPerson(): Promise<Person> {
    const organization = await newOrganization(test.database);
    const phone = newPhone();
    return { ...organization, phone, key: `${organization.id}:${phone}` };
  }
  const historyOf = ({ key }: Person, value: unknown): LegacyMaps => ({
    conversationHistory: new Map([[key, value]]),
  });
  const contextOf = ({ key }: Person, value: unknown): LegacyMaps => ({
    conversationContexts: new Map([[key, value]]),
  });
  const bodies = async ({ id, phone }: Person) =>
    (await textsOf(test.database, id, phone)).map(({ body }) => body);
  const learned = async ({ id, phone }: Person) => {
    const [row] = await test.database.query<{ slots: object; summary: string; owner: string }>(
      sql`select c.slots, c.summary, c.owner from conversations c join leads l on l.id = c.lead_id
        where c.organization_id = ${id} and l.phone = ${phone}`,
    );
    return row;
  };
  const counts = (outcome: Partial<Record<string, number>>) => ({
    read: 1,
    written: 0,
    skipped: 0,
    differs: 0,
    needsOrganization: 0,
    invalid: 0,
    ...outcome,
  });
  /** Every row that an import may touch. */
  const everything = async () => {
    const tables = [
      'organizations',
      'leads',
      'conversations',
      'messages',
      'consent_events',
      'imported_entries',
    ];
    return await Promise.all(
      [...tables, 'imported_chats', 'provider_keys', 'vehicles'].map((table) =>
        test.database.query(sql`select * from ${sql.identifier(table)} order by 1, 2, 3`),
      ),
    );
  };

  it('Everything of a person arrives, is served through the tower, and a second run changes nothing', async () => {
    const id = `new-${Date.now()}-${engine}` as OrganizationId;
    const phone = newPhone();
    const number = newPhone();
    const key = `${id}:${phone}`;
    const maps: LegacyMaps = {
      conversationSummaries: new Map([[key, 'Wants a Civic.']]),
      conversationContexts: new Map([
        [key, { name: 'Sam', vehicle: 'Honda Civic', email: 'sam@example.com' }],
      ]),
      conversationHistory: new Map([[key, legacyHistory(6, Date.now())]]),
      phoneToLead: new Map([[key, 'lead-7']]),
      leadToPhone: new Map([[`${id}:lead-7`, phone]]),
      agentConfigs: new Map([
        [
          id,
          {
            assistantName: 'Max',
            inventory: [{ stockNumber: 'A1', year: 2021, make: 'Honda', model: 'Civic', price: '19900' }],
          },
        ],
      ]),
      organizations: new Map([
        [id, { name: 'New Motors', timezone: 'America/Vancouver', phoneNumbers: [number] }],
      ]),
    };
    const result = await state.migrateExistingMaps(maps);
    const written = counts({ written: 1 });
    expect(result).toMatchObject({
      isComplete: true,
      isDryRun: false,
      rejected: [],
      warmed: 1,
      kinds: {
        organizations: written,
        agentConfigs: written,
        phoneToLead: written,
        leadToPhone: counts({ skipped: 1 }),
        conversationHistory: written,
        conversationContexts: written,
        conversationSummaries: written,
      },
    });
    expect(await state.getOrganizationIdByNumber('default', number)).toBe(id);
    const leadId = await state.getLeadIdByPhone(id, phone);
    const conversation = await conversationOf(test.database, id, phone);
    expect(leadId).toBe(conversation.leadId);
    expect(conversation.isDue).toBe(false);
    const at = { conversationId: conversation.id, baseRev: conversation.baseRev as never };
    const { snapshot, source } = await state.getConversationSnapshot(id, at);
    expect(source).toBe('cache');
    expect(snapshot).toMatchObject({
      lastSeq: 6,
      summary: 'Wants a Civic.',
      slots: { name: 'Sam', vehicle: 'Honda Civic' },
    });
    expect(snapshot?.messages.map(({ body }) => body)).toEqual([1, 2, 3, 4, 5, 6].map((n) => `text ${n}`));

    const before = await everything();
    const again = await state.migrateExistingMaps(maps);
    expect(again.kinds.conversationHistory).toEqual(counts({ skipped: 1 }));
    expect(again.notes).toEqual({});
    expect(Object.values(again.kinds).every(({ written: count }) => count === 0)).toBe(true);
    expect(await everything()).toEqual(before);
  });

  it('A dry run says what would happen and writes nothing', async () => {
    const person = await newPerson();
    const before = await everything();
    const result = await state.migrateExistingMaps(
      {
        ...historyOf(person, legacyHistory(3, Date.now())),
        organizations: new Map([['dry-run', { name: 'Dry', timezone: 'America/Vancouver' }]]),
        conversationContexts: new Map([['dry-run:+16045550123', { name: 'Sam' }]]),
      },
      { isDryRun: true },
    );
    expect(result).toMatchObject({
      isDryRun: true,
      warmed: 0,
      kinds: {
        organizations: counts({ written: 1 }),
        conversationHistory: counts({ written: 1 }),
        conversationContexts: counts({ written: 1 }),
      },
    });
    expect(await everything()).toEqual(before);
  });

  it('What was said in Jack since stays, in order, and what is missing stands before it', async () => {
    const person = await newPerson();
    await receiver().receive(inboundText(person.number, person.phone, { body: 'live' }));
    const before = await conversationOf(test.database, person.id, person.phone);
    const history = legacyHistory(3, Date.now() - HOUR_MS);
    await state.migrateExistingMaps(historyOf(person, history));
    expect(await textsOf(test.database, person.id, person.phone)).toMatchObject([
      { seq: 1, body: 'text 1', direction: 'inbound', sender: 'lead' },
      { seq: 2, body: 'text 2', direction: 'outbound', sender: 'assistant', status: 'sent' },
      { seq: 3, body: 'text 3' },
      { seq: 4, body: 'live' },
    ]);
    const after = await conversationOf(test.database, person.id, person.phone);
    expect(after).toMatchObject({ lastSeq: 4, baseSeq: 4, isDue: true });
    expect(after.baseRev).not.toBe(before.baseRev);
  });

  it("The base is that of now, also when only the shopper's texts came before what is there", async () => {
    const person = await newPerson();
    await receiver().receive(inboundText(person.number, person.phone, { body: 'live' }));
    const before = await conversationOf(test.database, person.id, person.phone);
    await state.migrateExistingMaps(historyOf(person, ['User: one', 'User: two']));
    const after = await conversationOf(test.database, person.id, person.phone);
    expect(after).toMatchObject({ lastSeq: 3, baseSeq: 3 });
    expect(after.baseRev).not.toBe(before.baseRev);
  });

  it('What waits in the outbox moves along with its message', async () => {
    const person = await newPerson();
    const { database } = test;
    await receiver().receive(inboundText(person.number, person.phone, { body: 'live' }));
    const { id } = await conversationOf(database, person.id, person.phone);
    await database.orm.execute(
      sql`with said as (
          insert into messages (id, organization_id, conversation_id, seq, direction, sender, body, encoding, segments,
            status)
          values (gen_random_uuid(), ${person.id}, ${id}, 2, 'outbound', 'assistant', 'reply', 'GSM-7', 1, 'queued')
          returning id
        ), counted as (update conversations set last_seq = 2, last_outbound_seq = 2 where id = ${id})
        insert into outbox (message_id, organization_id, conversation_id, seq, account, from_number, to_number)
        select id, ${person.id}, ${id}, 2, 'default', ${person.number}, ${person.phone} from said`,
    );
    await state.migrateExistingMaps(historyOf(person, legacyHistory(3, Date.now() - HOUR_MS)));
    const [waiting] = await database.query<{ seq: number; body: string }>(
      sql`select o.seq, m.body from outbox o join messages m on m.id = o.message_id and m.seq = o.seq
        where o.conversation_id = ${id}`,
    );
    expect(waiting).toEqual({ seq: 5, body: 'reply' });
    const [head] = await database.query(
      sql`select last_seq, last_inbound_seq, last_outbound_seq from conversations where id = ${id}`,
    );
    expect(head).toEqual({ last_seq: 5, last_inbound_seq: 4, last_outbound_seq: 5 });
  });

  it('Of a conversation that is partly in the archive only what is newer is taken', async () => {
    const person = await newPerson();
    const { database } = test;
    const end = Date.now() - HOUR_MS;
    await state.migrateExistingMaps(historyOf(person, legacyHistory(4, end)));
    const { id } = await conversationOf(database, person.id, person.phone);
    // What services/archive.ts leaves: the earlier rows gone, last_seq as it was.
    await database.orm.execute(sql`delete from messages where conversation_id = ${id} and seq <= 3`);
    const later = { role: 'user', content: 'later', timestamp: new Date(end).toISOString() };
    const earlier = { role: 'user', content: 'earlier', timestamp: new Date(end - HOUR_MS).toISOString() };
    const result = await state.migrateExistingMaps(historyOf(person, [earlier, later]));
    expect(result.notes).toEqual({ 'message_left_out:older_than_the_archive': 1 });
    expect(await textsOf(database, person.id, person.phone)).toMatchObject([
      { seq: 4, body: 'text 4' },
      { seq: 5, body: 'later' },
    ]);
    const [head] = await database.query(
      sql`select last_seq, last_inbound_seq, last_outbound_seq from conversations where id = ${id}`,
    );
    expect(head).toEqual({ last_seq: 5, last_inbound_seq: 5, last_outbound_seq: 4 });
  });

  it('A longer history of the same conversation adds only what is new', async () => {
    const person = await newPerson();
    const end = Date.now() - HOUR_MS;
    const all = legacyHistory(8, end);
    await state.migrateExistingMaps(historyOf(person, all.slice(0, 5)));
    const first = await textsOf(test.database, person.id, person.phone);
    const result = await state.migrateExistingMaps(historyOf(person, all.slice(3)));
    expect(result.kinds.conversationHistory).toEqual(counts({ written: 1 }));
    const second = await textsOf(test.database, person.id, person.phone);
    expect(second.slice(0, 5)).toEqual(first);
    expect(second.map(({ body }) => body)).toEqual(all.map(({ content }) => content));
  });

  it('Lines without times are not doubled either', async () => {
    const person = await newPerson();
    const lines = ['Customer: hi', 'Bot: hello', 'Customer: ok'];
    await state.migrateExistingMaps(historyOf(person, lines));
    await state.migrateExistingMaps(historyOf(person, [...lines, 'Bot: bye', 'Customer: ok']));
    expect(await bodies(person)).toEqual(['hi', 'hello', 'ok', 'bye', 'ok']);
  });

  it("A text that Jack got from the carrier is known again by the carrier's ids", async () => {
    const person = await newPerson();
    const text = inboundText(person.number, person.phone, { body: 'hello' });
    await receiver().receive(text);
    const { accountSid, messageSid } = text;
    const entry = {
      direction: 'inbound',
      body: 'hello',
      createdAt: new Date().toISOString(),
      accountSid,
      messageSid,
    };
    const result = await state.migrateExistingMaps(historyOf(person, [entry]));
    expect(result.kinds.conversationHistory).toEqual(counts({ skipped: 1 }));
    expect(await bodies(person)).toEqual(['hello']);
  });

  it('A carrier that repeats an imported text changes nothing', async () => {
    const person = await newPerson();
    const text = inboundText(person.number, person.phone, { body: 'hello' });
    const { accountSid, messageSid } = text;
    const createdAt = new Date(Date.now() - HOUR_MS).toISOString();
    const entry = { direction: 'inbound', body: 'hello', createdAt, accountSid, messageSid };
    await state.migrateExistingMaps(historyOf(person, [entry]));
    expect(await receiver().receive(text)).toMatchObject({ outcome: 'duplicate' });
  });

  it('What Jack has learned wins; what the source learned later fills in while nobody else has spoken', async () => {
    const person = await newPerson();
    const { database } = test;
    await state.migrateExistingMaps(contextOf(person, { vehicle: 'Civic' }));
    await state.migrateExistingMaps(historyOf(person, legacyHistory(2, Date.now())));
    const changed = await state.migrateExistingMaps(
      contextOf(person, { vehicle: 'Accord', tradeIn: 'Mazda 3' }),
    );
    expect(changed.kinds.conversationContexts).toEqual(counts({ written: 1 }));
    expect((await learned(person))?.slots).toEqual({ vehicle: 'Accord', tradeIn: 'Mazda 3' });

    const { id } = await conversationOf(database, person.id, person.phone);
    await database.orm.execute(
      sql`update conversations set slots = '{"vehicle": "CR-V"}'::jsonb, summary = 'Ours.' where id = ${id}`,
    );
    const result = await state.migrateExistingMaps({
      ...contextOf(person, { vehicle: 'Pilot', timeframe: 'this week' }),
      conversationSummaries: new Map([[person.key, 'Theirs.']]),
    });
    expect(await learned(person)).toMatchObject({
      slots: { vehicle: 'CR-V', timeframe: 'this week' },
      summary: 'Ours.',
    });
    expect(result.notes).toEqual({ slots_differ: 1, summary_differs: 1 });
    expect(result.kinds.conversationSummaries).toEqual(counts({ differs: 1 }));
  });

  describe('An opt-out', () => {
    const consents = ({ id, phone }: Person) =>
      test.database.query<{ kind: string; method: string }>(
        sql`select kind, method from consent_events where organization_id = ${id}
          and phone_hash = ${stage.secrets.hashPhone(id, phone)} order by id`,
      );
    const isOptedOut = async ({ id, phone }: Person) =>
      (await conversationOf(test.database, id, phone)).optedOut;

    it('is kept and stands in the ledger, once', async () => {
      const person = await newPerson();
      await state.migrateExistingMaps(contextOf(person, { optedOut: true }));
      await state.migrateExistingMaps(contextOf(person, { optedOut: true, name: 'Sam' }));
      expect(await isOptedOut(person)).toBe(true);
      expect(await consents(person)).toEqual([{ kind: 'opt_out', method: 'import' }]);
    });

    it('that only a STOP in the history shows is kept too, unless a START follows', async () => {
      const [stopped, back] = [await newPerson(), await newPerson()];
      const texts = (...words: string[]) =>
        words.map((content) => ({ role: 'user', content, timestamp: Date.now() }));
      await state.migrateExistingMaps(historyOf(stopped, texts('hi', 'Stop')));
      await state.migrateExistingMaps(historyOf(back, texts('stop', 'START', 'hi')));
      expect(await isOptedOut(stopped)).toBe(true);
      expect(await isOptedOut(back)).toBe(false);
    });

    it('does not undo an opt-in that came later, and a stale "not opted out" undoes nothing', async () => {
      const person = await newPerson();
      const optedOutAt = new Date(Date.now() - HOUR_MS).toISOString();
      await receiver().receive(inboundText(person.number, person.phone, { body: 'STOP' }));
      await state.migrateExistingMaps(contextOf(person, { optedOut: false }));
      expect(await isOptedOut(person)).toBe(true);
      await receiver().receive(inboundText(person.number, person.phone, { body: 'START' }));
      await state.migrateExistingMaps(contextOf(person, { optedOut: true, optedOutAt }));
      expect(await isOptedOut(person)).toBe(false);
    });

    it('ends the wait for a reply', async () => {
      const person = await newPerson();
      await receiver().receive(inboundText(person.number, person.phone));
      await state.migrateExistingMaps(contextOf(person, { optedOut: true }));
      expect(await conversationOf(test.database, person.id, person.phone)).toMatchObject({ isDue: false });
    });
  });

  it('A person who took over keeps the conversation', async () => {
    const person = await newPerson();
    await state.migrateExistingMaps(contextOf(person, { humanTakeover: true, agentName: 'Ana' }));
    expect((await learned(person))?.owner).toBe('human');
  });

  it('An erased lead is not brought back by the same dump', async () => {
    const person = await newPerson();
    const maps = historyOf(person, legacyHistory(2, Date.now()));
    await state.migrateExistingMaps(maps);
    await test.database.orm.execute(sql`delete from leads where organization_id = ${person.id}`);
    expect((await state.migrateExistingMaps(maps)).kinds.conversationHistory).toEqual(counts({ skipped: 1 }));
    expect(await bodies(person)).toEqual([]);
  });

  it('Organizations and leads that differ are reported and stay', async () => {
    const person = await newPerson();
    const other = await newPerson();
    await state.migrateExistingMaps({ phoneToLead: new Map([[person.key, { id: 'lead-1', name: 'Sam' }]]) });
    const result = await state.migrateExistingMaps({
      organizations: new Map([
        [person.id, { name: 'Another name', timezone: 'America/Vancouver', phoneNumber: other.number }],
      ]),
      phoneToLead: new Map([[person.key, { id: 'lead-2', name: 'Kim' }]]),
      leadToPhone: new Map([[`${person.id}:lead-1`, newPhone()]]),
    });
    expect(result.kinds).toMatchObject({
      organizations: counts({ differs: 1 }),
      phoneToLead: counts({ differs: 1 }),
      leadToPhone: counts({ differs: 1 }),
    });
    expect(result.notes).toEqual({
      'number_left_out:of_another_organization': 1,
      organization_name_differs: 1,
      phone_has_another_lead: 1,
      lead_name_differs: 1,
      lead_has_another_phone: 1,
    });
  });

  it('A UUID stays the id of its lead, unless a lead of anybody has it', async () => {
    const [person, other] = [await newPerson(), await newPerson()];
    const uuid = '0e2bcb19-6f1c-4c4e-8d0e-0a4c3f1b7a11'.replace(/.$/, engine === 'pglite' ? '1' : '2');
    await state.migrateExistingMaps({ phoneToLead: new Map([[person.key, uuid]]) });
    await state.migrateExistingMaps({ phoneToLead: new Map([[other.key, uuid]]) });
    expect(await state.getLeadIdByPhone(person.id, person.phone)).toBe(uuid);
    const leadId = await state.getLeadIdByPhone(other.id, other.phone);
    expect(leadId).toBeDefined();
    expect(leadId).not.toBe(uuid);
  });

  it('What cannot be moved is counted with its reason, and its key is masked', async () => {
    const { id, phone } = await newPerson();
    const result = await state.migrateExistingMaps({
      conversationHistory: new Map<string, unknown>([
        [phone, []],
        ['nobody:+16045550123', []],
        [`${id}:12`, []],
        [`${id}:${newPhone()}`, 'not a list'],
      ]),
    });
    expect(result.kinds.conversationHistory).toMatchObject({ read: 4, needsOrganization: 1, invalid: 3 });
    expect(result.reasons).toEqual({
      needs_organization: 1,
      organization_unknown: 1,
      phone_is_not_e164: 1,
      history_is_not_a_list: 1,
    });
    expect(JSON.stringify(result)).not.toMatch(/\+?1\d{10}/);
    const known = await state.migrateExistingMaps(
      { conversationHistory: new Map([[phone, ['User: hi']]]) },
      { organizationOf: () => id },
    );
    expect(known.kinds.conversationHistory).toEqual(counts({ written: 1 }));
  });

  it('A strict run with a rejected entry writes nothing', async () => {
    const person = await newPerson();
    const before = await everything();
    const maps = {
      conversationHistory: new Map<string, unknown>([
        [person.key, legacyHistory(2, Date.now())],
        ['+16045550123', []],
      ]),
    };
    expect(await state.migrateExistingMaps(maps, { isStrict: true })).toMatchObject({
      isComplete: false,
      reasons: { needs_organization: 1 },
    });
    expect(await everything()).toEqual(before);
  });

  it('Stopped between two batches it goes on where it was', async () => {
    const { id } = await newPerson();
    const entries = Array.from({ length: 10 }, () => [`${id}:${newPhone()}`, ['User: hi']] as const);
    const maps = { conversationHistory: new Map<string, unknown>(entries) };
    const stopping = new AbortController();
    let settled = {};
    const first = await state.migrateExistingMaps(maps, {
      batchSize: 4,
      signal: stopping.signal,
      onProgress: ({ phase, settled: so }) => {
        settled = { ...so };
        if (phase === 'moving') stopping.abort();
      },
    });
    expect(first).toMatchObject({
      isComplete: false,
      kinds: { conversationHistory: { read: 4, written: 4 } },
    });
    const second = await state.migrateExistingMaps(maps, { settled });
    expect(second).toMatchObject({
      isComplete: true,
      kinds: { conversationHistory: { read: 6, written: 6 } },
    });
  });

  it('Two runs at the same time write everything once', async () => {
    const people = await Promise.all(Array.from({ length: 8 }, newPerson));
    const maps: LegacyMaps = {
      conversationHistory: new Map(people.map(({ key }) => [key, legacyHistory(5, Date.now())])),
      conversationContexts: new Map(people.map(({ key }) => [key, { optedOut: true, name: 'Sam' }])),
    };
    const runs = await Promise.all([state.migrateExistingMaps(maps), state.migrateExistingMaps(maps)]);
    const writes = runs.map(({ kinds }) => kinds.conversationHistory?.written ?? 0);
    expect(writes[0]! + writes[1]!).toBe(people.length);
    for (const person of people) expect(await bodies(person)).toHaveLength(5);
    const [events] = await test.database.query<{ count: number }>(
      sql`select count(*)::int as count from consent_events where organization_id in
        (select jsonb_array_elements_text(${JSON.stringify(people.map(({ id }) => id))}::jsonb))`,
    );
    expect(events?.count).toBe(people.length);
  });

  it('The report adds up what this process moved and names nobody', async () => {
    const report = state.migrationReport();
    expect(report?.runs).toBeGreaterThan(5);
    expect(report?.kinds.conversationHistory?.written).toBeGreaterThan(5);
    expect(JSON.stringify(report)).not.toMatch(/\+1|org-/);
  });
});
