import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { createLiveEvents, type LiveEvent } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { createSecrets } from '../../services/secrets.js';
import type { Media } from '../../services/types.js';
import {
  conversationOf,
  inboundText,
  newMessageSid,
  newOrganization,
  newPhone,
  TEST_ACCOUNT_SID,
  textsOf,
} from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';

describeEachEngine('Inbound texts in the record', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  function newReceiver(change: { defaultAccountSid?: string } = {}) {
    const due: number[] = [];
    const events = createLiveEvents();
    const receiver = createInboundReceiver({
      database: test.database,
      secrets: createSecrets('a test secret that is long'),
      events,
      logger: silentLogger,
      defaultAccountSid: change.defaultAccountSid,
      reply: { windowMs: 1_000, maxWaitMs: 8_000 },
      onReplyDue: (delayMs) => due.push(delayMs),
    });
    return { receiver, events, due };
  }

  const count = async (statement: ReturnType<typeof sql>): Promise<number> =>
    Number((await test.database.query<{ n: string | number }>(statement))[0]?.n);

  it('makes the lead with its geography and the conversation when a phone is new, and says that a reply is due', async () => {
    const organization = await newOrganization(test.database);
    const phone = newPhone();
    const { receiver, events, due } = newReceiver();
    const seen: LiveEvent[] = [];
    events.subscribe(organization.id, (event) => seen.push(event));

    const result = await receiver.receive(
      inboundText(organization.number, phone, { geography: { city: 'BURNABY', state: 'BC', country: 'CA' } }),
    );

    expect(result).toEqual({ outcome: 'stored', organizationId: organization.id });
    expect(await conversationOf(test.database, organization.id, phone)).toMatchObject({
      lastSeq: 1,
      isDue: true,
    });
    const [lead] = await test.database.query(
      sql`select geography, source from leads where organization_id = ${organization.id} and phone = ${phone}`,
    );
    expect(lead).toEqual({ geography: { city: 'BURNABY', state: 'BC', country: 'CA' }, source: 'sms' });
    expect(seen).toMatchObject([{ type: 'message.received', organizationId: organization.id, seq: 1 }]);
    expect(due).toHaveLength(1);
    expect(due[0]).toBeLessThanOrEqual(1_000);
  });

  it('stores fifty parallel copies of one webhook once', async () => {
    const organization = await newOrganization(test.database);
    const phone = newPhone();
    const receivers = [newReceiver().receiver, newReceiver().receiver];
    const text = inboundText(organization.number, phone);

    const results = await Promise.all(
      Array.from({ length: 50 }, (_, index) => receivers[index % 2]!.receive(text)),
    );

    expect(results.filter(({ outcome }) => outcome === 'stored')).toHaveLength(1);
    expect(results.filter(({ outcome }) => outcome === 'duplicate')).toHaveLength(49);
    expect(await textsOf(test.database, organization.id, phone)).toHaveLength(1);
  });

  it('gives parallel texts of many shoppers one order a conversation, without a gap', async () => {
    const organizations = [await newOrganization(test.database), await newOrganization(test.database)];
    const phones = Array.from({ length: 5 }, newPhone);
    const receivers = [newReceiver().receiver, newReceiver().receiver];
    const texts = organizations.flatMap(({ number }) =>
      phones.flatMap((phone) => Array.from({ length: 8 }, () => inboundText(number, phone))),
    );

    await Promise.all(texts.map((text, index) => receivers[index % 2]!.receive(text)));

    for (const { id } of organizations) {
      for (const phone of phones) {
        const seqs = (await textsOf(test.database, id, phone)).map(({ seq }) => seq);
        expect(seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
      }
    }
  });

  it('keeps a text to an unknown number in quarantine, once, and makes no lead', async () => {
    const { receiver } = newReceiver();
    const nobody = newPhone();
    const text = inboundText(nobody, newPhone());

    const results = [await receiver.receive(text), await receiver.receive(text)];

    expect(results).toEqual([{ outcome: 'quarantined' }, { outcome: 'quarantined' }]);
    expect(await count(sql`select count(*) as n from quarantine where to_address = ${nobody}`)).toBe(1);
    expect(await count(sql`select count(*) as n from leads where phone = ${text.from}`)).toBe(0);
  });

  it('finds the organization by account and number together', async () => {
    const own = `AC${'a'.repeat(32)}`;
    const organization = await newOrganization(test.database, own);
    const { receiver } = newReceiver({ defaultAccountSid: TEST_ACCOUNT_SID });

    const foreign = await receiver.receive(inboundText(organization.number, newPhone()));
    const right = await receiver.receive(inboundText(organization.number, newPhone(), { accountSid: own }));

    expect([foreign.outcome, right.outcome]).toEqual(['quarantined', 'stored']);
  });

  it('puts a text from a short code in quarantine: nobody can be answered there', async () => {
    const organization = await newOrganization(test.database);
    const { receiver } = newReceiver();
    const result = await receiver.receive(
      inboundText(organization.number, newPhone(), { from: '72345', fromPhone: null }),
    );
    expect(result.outcome).toBe('quarantined');
  });

  it('keeps the conversations of one phone with two dealerships apart', async () => {
    const [a, b] = [await newOrganization(test.database), await newOrganization(test.database)];
    const phone = newPhone();
    const { receiver } = newReceiver();
    await Promise.all([
      receiver.receive(inboundText(a.number, phone, { body: 'for A' })),
      receiver.receive(inboundText(b.number, phone, { body: 'for B' })),
    ]);
    expect(await textsOf(test.database, a.id, phone)).toMatchObject([{ body: 'for A' }]);
    expect(await textsOf(test.database, b.id, phone)).toMatchObject([{ body: 'for B' }]);
  });

  it('accepts a photo without words', async () => {
    const organization = await newOrganization(test.database);
    const phone = newPhone();
    const media = [{ url: 'https://api.twilio.com/x/Media/ME1', contentType: 'image/jpeg' }];
    await newReceiver().receiver.receive(
      inboundText(organization.number, phone, { body: '', numMedia: 1, media }),
    );
    const [row] = await test.database.query<{ body: string; media: Media[] }>(
      sql`select body, media from messages where organization_id = ${organization.id}`,
    );
    const conversation = await conversationOf(test.database, organization.id, phone);
    const id = row?.media[0]?.id;
    const url = `/api/conversations/${conversation.leadId}/media/${id}`;
    expect(row).toEqual({ body: '', media: [{ id, url, contentType: 'image/jpeg' }] });
    // The carrier's address is kept where it is fetched from, and nowhere else.
    expect(
      await test.database.query(sql`select state, source_url from media where id = ${String(id)}::uuid`),
    ).toEqual([{ state: 'pending', source_url: 'https://api.twilio.com/x/Media/ME1' }]);
    expect(conversation).toMatchObject({ isDue: true });
  });

  it('records STOP and START, lets nothing become due in between, and answers neither', async () => {
    const organization = await newOrganization(test.database);
    const phone = newPhone();
    const { receiver } = newReceiver();
    const state = () => conversationOf(test.database, organization.id, phone);
    const say = (body: string) => receiver.receive(inboundText(organization.number, phone, { body }));

    await say('Hello');
    expect(await state()).toMatchObject({ isDue: true, optedOut: false });
    await say(' stop. ');
    expect(await state()).toMatchObject({ isDue: false, optedOut: true });
    await say('Are you there?');
    expect(await state()).toMatchObject({ isDue: false, optedOut: true });
    await say('START');
    expect(await state()).toMatchObject({ isDue: false, optedOut: false });
    await say('Is the Civic there?');
    expect(await state()).toMatchObject({ isDue: true, optedOut: false });

    const events = await test.database.query(
      sql`select kind, method, words from consent_events where organization_id = ${organization.id}
        and kind <> 'consent' order by id`,
    );
    expect(events).toEqual([
      { kind: 'opt_out', method: 'keyword', words: ' stop. ' },
      { kind: 'opt_in', method: 'keyword', words: 'START' },
    ]);
  });

  it('lets a STOP win over a text of the same batch, in either order', async () => {
    const organization = await newOrganization(test.database);
    const [first, second] = [newPhone(), newPhone()];
    const { receiver } = newReceiver();
    const say = (phone: typeof first, body: string) =>
      receiver.receive(inboundText(organization.number, phone, { body }));
    await Promise.all([say(first, 'Hi'), say(first, 'STOP'), say(second, 'STOP'), say(second, 'Hi')]);
    for (const phone of [first, second]) {
      expect(await conversationOf(test.database, organization.id, phone)).toMatchObject({
        isDue: false,
        optedOut: true,
      });
    }
  });

  it('fails only the text that the record refuses when it shares a batch with good ones', async () => {
    const organization = await newOrganization(test.database);
    const { receiver } = newReceiver();
    const good = () => receiver.receive(inboundText(organization.number, newPhone()));
    const bad = receiver.receive(inboundText(organization.number, newPhone(), { body: 'NUL \0 is no text' }));
    const results = await Promise.allSettled([good(), bad, good()]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(results[1]).toMatchObject({ reason: { code: 'E_DB_UNAVAILABLE' } });
  });

  it('does not deduplicate across accounts: a SID is the account’s own', async () => {
    const organization = await newOrganization(test.database);
    const phone = newPhone();
    const messageSid = newMessageSid();
    const { receiver } = newReceiver();
    for (const accountSid of [TEST_ACCOUNT_SID, `AC${'2'.repeat(32)}`]) {
      await receiver.receive(inboundText(organization.number, phone, { accountSid, messageSid }));
    }
    expect(await textsOf(test.database, organization.id, phone)).toHaveLength(2);
  });
});
