import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { newPhone } from '../support/records.js';
import { describeEachEngine, openTestDatabase, type TestDatabase } from '../support/testDatabase.js';
import { leadStage } from './_leadStage.js';

describeEachEngine('Inquiries in the record', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());
  const stage = () => leadStage(test.database);

  it('a new person gets a lead, a conversation that knows the vehicle, and a greeting that is due', async () => {
    const { phone, inquire, conversation, followUps, count } = await stage();
    const stored = await inquire({ phone, email: 'dana@example.com' });
    expect(stored).toMatchObject({ outcome: 'created', matchedBy: null, firstTouch: { state: 'due' } });
    expect(await conversation(stored.leadId)).toMatchObject({
      slots: { name: 'Dana', vehicle: '2021 Honda Civic' },
      optedOut: false,
    });
    expect(await followUps()).toEqual([{ step: 0, state: 'waiting', reason: null }]);
    expect([await count('inquiries'), await count('lead_documents')]).toEqual([1, 1]);
  });

  it('the raw document is kept, compressed, with what was read and guessed', async () => {
    const { organization, phone, inquire } = await stage();
    await inquire({ phone, text: 'the document as it came' });
    const [row] = await test.database.query<{ packed: string; bytes: number; form: string }>(
      sql`select encode(content, 'base64') as packed, byte_length as bytes, form from lead_documents
        where organization_id = ${organization.id}`,
    );
    const { inflateRawSync } = await import('node:zlib');
    expect(inflateRawSync(Buffer.from(row?.packed ?? '', 'base64')).toString()).toBe(
      'the document as it came',
    );
    expect(row).toMatchObject({ bytes: 23, form: 'json' });
  });

  describe('The same again', () => {
    it('fifty parallel copies of one document are one inquiry', async () => {
      const { phone, inquire, count } = await stage();
      const stored = await Promise.all(
        Array.from({ length: 50 }, () => inquire({ phone, text: 'one document' })),
      );
      expect(stored.filter(({ outcome }) => outcome === 'created')).toHaveLength(1);
      expect(stored.filter(({ outcome }) => outcome === 'repeated')).toHaveLength(49);
      expect(new Set(stored.map(({ inquiryId }) => inquiryId)).size).toBe(1);
      expect([await count('leads'), await count('inquiries'), await count('follow_ups')]).toEqual([1, 1, 1]);
    });

    it('the same id of the same source is the same inquiry, in whatever document', async () => {
      const { phone, inquire, count } = await stage();
      const first = await inquire({ phone, id: 'L-1' });
      const again = await inquire({ phone, id: 'L-1', prospect: { status: 'resend' } });
      expect(again).toMatchObject({ outcome: 'repeated', leadId: first.leadId, inquiryId: first.inquiryId });
      expect(await count('inquiries')).toBe(1);
      expect(await inquire({ phone, id: 'L-1', source: 'another' })).toMatchObject({ outcome: 'appended' });
    });

    it('the same Idempotency-Key is the same request, and refuses another document', async () => {
      const { phone, inquire } = await stage();
      const first = await inquire({ phone, text: 'a', requestKey: 'k' });
      expect(await inquire({ phone, text: 'a', requestKey: 'k' })).toMatchObject({
        outcome: 'repeated',
        inquiryId: first.inquiryId,
      });
      await expect(inquire({ phone, text: 'b', requestKey: 'k' })).rejects.toMatchObject({
        code: 'E_CONFLICT',
      });
      expect(await inquire({ phone, text: 'a', requestKey: 'l' })).toMatchObject({ outcome: 'appended' });
    });

    it('the same form another day is another inquiry', async () => {
      const { organization, phone, inquire } = await stage();
      await inquire({ phone, text: 'a form' });
      await test.database.orm.execute(
        sql`update lead_documents set created_at = created_at - interval '25 hours'
          where organization_id = ${organization.id}`,
      );
      expect(await inquire({ phone, text: 'a form' })).toMatchObject({ outcome: 'appended' });
    });

    it('another organization has its own', async () => {
      const [a, b] = [await stage(), await stage()];
      await a.inquire({ phone: a.phone, id: 'L-1', text: 'x', requestKey: 'k' });
      const theirs = await b.inquire({ phone: a.phone, id: 'L-1', text: 'y', requestKey: 'k' });
      expect(theirs).toMatchObject({ outcome: 'created' });
    });
  });

  describe('The same person', () => {
    it('by phone: the inquiry is appended and nobody is greeted twice', async () => {
      const { phone, inquire, count, followUps } = await stage();
      const first = await inquire({ phone });
      const second = await inquire({ phone, email: 'new@example.com' });
      expect(second).toMatchObject({
        outcome: 'appended',
        matchedBy: 'phone',
        leadId: first.leadId,
        firstTouch: { state: 'none', reason: 'already_greeted' },
      });
      expect([await count('leads'), await count('inquiries')]).toEqual([1, 2]);
      expect(await followUps()).toHaveLength(1);
    });

    it('by e-mail address, whatever its case, with another phone or with none', async () => {
      const { phone, inquire, count } = await stage();
      const first = await inquire({ phone, email: 'Dana@Example.com' });
      const other = await inquire({ phone: newPhone(), email: 'dana@example.com' });
      expect(other).toMatchObject({ outcome: 'appended', matchedBy: 'email', leadId: first.leadId });
      expect(await inquire({ email: 'dana@example.com' })).toMatchObject({ leadId: first.leadId });
      expect(await count('leads')).toBe(1);
    });

    it('twenty parallel inquiries with one e-mail address and twenty phones are one lead', async () => {
      const { inquire, count } = await stage();
      const stored = await Promise.all(
        Array.from({ length: 20 }, () => inquire({ phone: newPhone(), email: 'dana@example.com' })),
      );
      expect(new Set(stored.map(({ leadId }) => leadId)).size).toBe(1);
      expect(await count('leads')).toBe(1);
    });

    it('who has texted before is not greeted', async () => {
      const { phone, inquire, say } = await stage();
      await say(phone, 'Is the Civic there?');
      expect(await inquire({ phone })).toMatchObject({
        outcome: 'appended',
        firstTouch: { state: 'none', reason: 'already_greeted' },
      });
    });

    it('several people of one document are several leads', async () => {
      const { inquireAll, count } = await stage();
      const [a, b] = [newPhone(), newPhone()];
      const stored = await inquireAll([{ phone: a }, { phone: b }, {}, { phone: a }]);
      expect(stored.map(({ outcome }) => outcome)).toEqual(['created', 'created', 'refused', 'appended']);
      expect([await count('leads'), await count('inquiries')]).toEqual([2, 3]);
    });
  });

  describe('Who is not texted', () => {
    it('without a basis of consent', async () => {
      const { phone, inquire, followUps } = await stage();
      expect(await inquire({ phone, consent: undefined })).toMatchObject({
        firstTouch: { state: 'none', reason: 'no_consent_basis' },
      });
      expect(await followUps()).toEqual([]);
    });

    it.each([
      'Please do not text me',
      "don't text, I am at work",
      'NO TEXTS!',
      'E-mail only please',
      'call only',
      'Pas de textos svp',
    ])('who says "%s"', async (comments) => {
      const { phone, inquire } = await stage();
      expect(await inquire({ phone, prospect: { comments } })).toMatchObject({
        firstTouch: { state: 'none', reason: 'asked_not_to_be_texted' },
      });
    });

    it.each(['Text is best.', 'I do not have time to call, text me', 'Does it have text-to-speech?'])(
      'but who says "%s" is',
      async (comments) => {
        const { phone, inquire } = await stage();
        expect(await inquire({ phone, prospect: { comments } })).toMatchObject({
          firstTouch: { state: 'due' },
        });
      },
    );

    it('who opted out before, also when the lead was erased since', async () => {
      const { organization, phone, inquire, say, conversation } = await stage();
      await say(phone, 'STOP');
      await test.database.orm.execute(
        sql`delete from leads where organization_id = ${organization.id} and phone = ${phone}`,
      );
      const stored = await inquire({ phone });
      expect(stored).toMatchObject({
        outcome: 'created',
        firstTouch: { state: 'none', reason: 'opted_out' },
      });
      expect(await conversation(stored.leadId)).toMatchObject({ optedOut: true });
    });

    it('who was found by e-mail address: consent to text one phone is none for another', async () => {
      const { phone, inquire } = await stage();
      await inquire({ phone, email: 'dana@example.com', consent: undefined });
      expect(await inquire({ phone: newPhone(), email: 'dana@example.com' })).toMatchObject({
        firstTouch: { state: 'none', reason: 'no_consent_basis' },
      });
    });
  });

  it('the consent is in the ledger with what shows it', async () => {
    const { organization, phone, inquire } = await stage();
    await inquire({
      phone,
      id: 'L-1',
      consent: { basis: 'web_form', disclosure: 'web@3', ip: '192.0.2.7', at: '2026-11-18T10:00:00Z' },
    });
    const rows = await test.database.query(
      sql`select kind, method, basis, disclosure, evidence from consent_events where organization_id = ${organization.id}`,
    );
    expect(rows).toEqual([
      {
        kind: 'consent',
        method: 'form',
        basis: 'web_form',
        disclosure: 'web@3',
        evidence: {
          inquiry: expect.any(String),
          source: 'listings',
          externalId: 'L-1',
          at: '2026-11-18T10:00:00Z',
          ip: '192.0.2.7',
        },
      },
    ]);
  });

  it('who is erased is in no raw document either', async () => {
    const { organization, inquireAll, count } = await stage();
    const erased = newPhone();
    await inquireAll([{ phone: erased }, { phone: newPhone() }]);
    await test.database.orm.execute(
      sql`delete from leads where organization_id = ${organization.id} and phone = ${erased}`,
    );
    expect([await count('lead_documents'), await count('inquiries'), await count('follow_ups')]).toEqual([
      0, 1, 1,
    ]);
  });

  it('inquiries and texts of the same new people at once do not block each other', async () => {
    const { inquireAll, say, count } = await stage();
    const phones = Array.from({ length: 8 }, () => newPhone());
    await Promise.all([
      ...Array.from({ length: 6 }, (_, n) =>
        inquireAll(
          (n % 2 ? phones : [...phones].reverse()).map((phone) => ({ phone })),
          `document ${n}`,
        ),
      ),
      ...phones.map((phone) => say(phone, 'Hi')),
      ...[...phones].reverse().map((phone) => say(phone, 'Hi again')),
    ]);
    expect([await count('leads'), await count('inquiries')]).toEqual([8, 48]);
  });
});
