import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { readAdf } from '../../../services/leads/adf/read.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { newPhone } from '../../support/records.js';
import { describeEachEngine } from '../../support/testDatabase.js';
import { until } from '../../support/until.js';
import { ADF_SAMPLE, adfOf } from '../../unit/leads/_adf.js';
import { type CallOptions, type Client, createClient, fingerprint } from './_client.js';

/** An hour at which anybody may be texted. */
const NOON = { now: () => Date.parse('2026-11-18T20:00:00Z'), monotonicMs: () => performance.now() };

describeEachEngine('The lead webhook', (engine) => {
  let jack: TestApp;
  let client: Client;
  beforeAll(async () => {
    jack = await buildApp({ engine, clock: NOON, outreachLimits: { sweepMs: 50 } });
    client = createClient(jack);
  });
  afterAll(() => jack.close());

  async function dealership(settings: object = {}) {
    const { organization, apiKey } = await jack.createOrganization({ settings });
    const call = (name: string, options: CallOptions = {}) => client.call(name, { ...options, key: apiKey });
    const post = (options: CallOptions) => call('POST /api/webhooks/leads', options);
    const conversation = async (leadId: string) =>
      (await call('GET /api/conversations/{leadId}', { params: { leadId } })).body;
    const greeted = (leadId: string) =>
      until(
        async () =>
          (await conversation(leadId)).messages.length > 0 ? await conversation(leadId) : undefined,
        {
          what: 'the greeting',
          timeoutMs: 20_000,
        },
      );
    return { organization, apiKey, call, post, conversation, greeted };
  }
  const adf = (rawBody: string, contentType = 'application/x-adf+xml'): CallOptions => ({
    rawBody,
    headers: { 'content-type': contentType },
  });
  const phoneXml = (phone: string) => `<phone type="cellphone">${phone}</phone>`;

  it('When an ADF document comes, then the lead is greeted through the door, and the CRM gets it back', async () => {
    const { organization, call, post, greeted } = await dealership();
    const { status, body } = await post(adf(ADF_SAMPLE));
    expect(status).toBe(202);
    expect(body).toMatchObject({
      leadId: expect.any(String),
      leads: [{ outcome: 'created', firstTouch: { state: 'due', reason: null } }],
    });
    const params = { leadId: body.leadId };
    expect((await call('GET /api/leads/{leadId}', { params })).body).toMatchObject({
      phone: '+16045550142',
      name: 'Dana Okafor-Reyes',
      email: 'dana@example.com',
      source: 'Example Listings',
      attributes: { city: 'Burnaby', region: 'BC', postalCode: 'V5H 0A1', country: 'CA' },
    });
    const { messages, slots } = await greeted(body.leadId);
    expect(slots).toMatchObject({
      name: 'Dana',
      vehicle: '2021 Honda Civic Sport',
      tradeIn: '2018 Ford F-150',
    });
    expect(messages).toHaveLength(1);
    expect(messages[0].body).toContain(`the AI assistant at ${organization.name}`);
    const out = await call('GET /api/leads/{leadId}/adf', { params });
    expect(out.headers.get('content-type')).toBe('application/x-adf+xml');
    const [read] = readAdf('application/x-adf+xml', Buffer.from(out.body, 'utf8'));
    const [sent] = readAdf('application/x-adf+xml', Buffer.from(ADF_SAMPLE, 'utf8'));
    expect(read?.guessed).toEqual([]);
    expect(read?.prospect.vehicles).toEqual(sent?.prospect.vehicles);
    expect(read?.prospect.contact.name).toEqual(sent?.prospect.contact.name);
    expect(read?.prospect.ids).toEqual([
      { value: body.leadId, source: 'jack' },
      ...(sent?.prospect.ids ?? []),
    ]);
  });

  it('When the inquiries are read, then they say what was understood, guessed and planned', async () => {
    const { call, post, greeted } = await dealership({
      followUps: [{ afterHours: 24, text: 'Still looking?' }],
    });
    const { body } = await post(adf(adfOf({ phone: phoneXml(newPhone()) }), 'text/xml'));
    await greeted(body.leadId);
    const read = () => call('GET /api/leads/{leadId}/inquiries', { params: { leadId: body.leadId } });
    await until(async () => (await read()).body.items[0].followUps[0].state === 'sent', {
      what: 'the greeting to be settled',
    });
    expect((await read()).body.items).toMatchObject([
      {
        source: 'adf',
        guessed: ['the inquiry itself is taken as the permission to answer it by text'],
        consent: { basis: 'web_form' },
        noTextReason: null,
        followUps: [
          { step: 0, state: 'sent' },
          { step: 1, state: 'waiting', settledAt: null },
        ],
      },
    ]);
  });

  it.each([
    [
      'a form field',
      (xml: string) => adf(new URLSearchParams({ adf: xml }).toString(), 'application/x-www-form-urlencoded'),
    ],
    ['a mail', (xml: string) => adf(`From: a@b.example\r\nSubject: Lead\r\n\r\n${xml}`, 'message/rfc822')],
    ['plain text', (xml: string) => adf(xml, 'text/plain')],
    ['bytes of no type', (xml: string) => adf(xml, 'application/octet-stream')],
  ])('When it comes as %s, then it is found', async (_what, wrap) => {
    const { post } = await dealership();
    const phone = newPhone();
    expect((await post(wrap(adfOf({ phone: phoneXml(phone) })))).status).toBe(202);
    expect((await post(wrap(adfOf({ phone: phoneXml(phone) })))).body.leads[0].outcome).toBe('repeated');
  });

  it('When several prospects come, then each is told of', async () => {
    const { post } = await dealership();
    const one = (phone: string) => /<prospect>.*<\/prospect>/s.exec(adfOf({ phone }))?.[0] ?? '';
    const { status, body } = await post(
      adf(`<adf>${one('')}${one(phoneXml(newPhone()))}${one(phoneXml(newPhone()))}</adf>`),
    );
    expect(status).toBe(202);
    expect(body.leads.map(({ outcome }: { outcome: string }) => outcome)).toEqual([
      'refused',
      'created',
      'created',
    ]);
    expect(body.leadId).toBe(body.leads[1].leadId);
  });

  describe('JSON', () => {
    it('When consent is shown, then the lead is greeted', async () => {
      const { call, post, greeted } = await dealership();
      const { body } = await post({
        body: {
          source: 'website',
          externalId: 'F-1',
          phone: '(604) 555-0199',
          firstName: 'Lee',
          vehicle: '2022 Toyota RAV4',
          tradeIn: { make: 'Ford', model: 'Focus', odometerKm: 90_000 },
          comments: 'Saturday?',
          consent: { basis: 'web_form', disclosure: 'web@1', ip: '192.0.2.1', reference: 'form 12' },
          attributes: { campaign: 'autumn' },
        },
      });
      const { messages, slots } = await greeted(body.leadId);
      expect(messages[0].body).toContain('Hi Lee,');
      expect(messages[0].body).toContain('the 2022 Toyota RAV4');
      expect(slots).toMatchObject({ name: 'Lee', vehicle: '2022 Toyota RAV4', tradeIn: 'Ford Focus' });
      const params = { leadId: body.leadId };
      expect((await call('GET /api/leads/{leadId}', { params })).body).toMatchObject({
        phone: '+16045550199',
        source: 'website',
        attributes: { campaign: 'autumn' },
      });
    });

    it('When no consent is shown, then nobody is texted, and the answer says why', async () => {
      const { post, conversation } = await dealership();
      const { status, body } = await post({ body: { phone: newPhone() } });
      expect([status, body.leads[0].firstTouch]).toEqual([
        202,
        { state: 'none', reason: 'no_consent_basis' },
      ]);
      expect((await conversation(body.leadId)).messages).toEqual([]);
    });

    it('When the caller says not to text, then nobody is', async () => {
      const { post } = await dealership();
      const consent = { basis: 'web_form' };
      const { body } = await post({ body: { phone: newPhone(), consent, doNotText: true } });
      expect(body.leads[0].firstTouch).toEqual({ state: 'none', reason: 'asked_not_to_be_texted' });
    });

    it('When it is posted without a type, then it is known by its look', async () => {
      const { apiKey } = await dealership();
      const response = await fetch(`${jack.url}/api/webhooks/leads`, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}` },
        body: Buffer.from(JSON.stringify({ phone: newPhone() })),
      });
      expect(response.status).toBe(202);
    });
  });

  describe('The same again', () => {
    it('When fifty copies come at once, then there is one lead, one inquiry and one greeting', async () => {
      const { call, post, greeted, conversation } = await dealership();
      const phone = newPhone();
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => post(adf(adfOf({ phone: phoneXml(phone) })))),
      );
      expect(new Set(answers.map(({ status, body }) => `${status} ${body.leadId}`)).size).toBe(1);
      const { leadId } = answers[0]?.body ?? {};
      await greeted(leadId);
      const inquiries = await call('GET /api/leads/{leadId}/inquiries', { params: { leadId } });
      expect(inquiries.body.items).toHaveLength(1);
      expect((await conversation(leadId)).messages).toHaveLength(1);
    });

    it('When the key comes with another document, then that is a conflict', async () => {
      const { post } = await dealership();
      const headers = { 'idempotency-key': 'request-1' };
      const phone = newPhone();
      const first = await post({ body: { phone }, headers });
      const again = await post({ body: { phone }, headers });
      expect([again.status, again.body.leadId, again.body.leads[0].outcome]).toEqual([
        202,
        first.body.leadId,
        'repeated',
      ]);
      const other = await post({ body: { phone: newPhone() }, headers });
      expect([other.status, other.body.code]).toEqual([409, 'E_CONFLICT']);
    });

    it('When the person came from elsewhere before, then the inquiry is appended and nobody is greeted again', async () => {
      const { post, greeted, conversation } = await dealership();
      const phone = newPhone();
      const first = await post(adf(adfOf({ phone: phoneXml(phone) })));
      await greeted(first.body.leadId);
      const second = await post({ body: { phone, source: 'website', consent: { basis: 'web_form' } } });
      expect(second.body).toMatchObject({
        leadId: first.body.leadId,
        leads: [{ outcome: 'appended', matchedBy: 'phone', firstTouch: { reason: 'already_greeted' } }],
      });
      expect((await conversation(first.body.leadId)).messages).toHaveLength(1);
    });

    it('When another organization sends the same, then it has its own lead', async () => {
      const [a, b] = [await dealership(), await dealership()];
      const document = adf(adfOf({ phone: phoneXml(newPhone()) }));
      const [mine, theirs] = [await a.post(document), await b.post(document)];
      expect(theirs.body.leads[0].outcome).toBe('created');
      expect(theirs.body.leadId).not.toBe(mine.body.leadId);
    });
  });

  describe('Numbers that are not kept', () => {
    it('When credit data is in the comments, then it is masked in the inquiry and in the raw copy', async () => {
      const { organization, call, post } = await dealership();
      const comments = 'My SSN is 078-05-1120 and my card 4111 1111 1111 1111, call me';
      const { body } = await post(adf(adfOf({ phone: phoneXml(newPhone()), comments })));
      const { body: read } = await call('GET /api/leads/{leadId}/inquiries', {
        params: { leadId: body.leadId },
      });
      const { inflateRawSync } = await import('node:zlib');
      const [row] = await jack.ctx.database.query<{ packed: string }>(
        sql`select encode(content, 'base64') as packed from lead_documents where organization_id = ${organization.id}`,
      );
      const raw = inflateRawSync(Buffer.from(row?.packed ?? '', 'base64')).toString();
      for (const text of [JSON.stringify(read), raw]) {
        expect(text).toContain('call me');
        expect(text).not.toMatch(/078-05-1120|4111/);
      }
      const alerts = await jack.ctx.database.query(
        sql`select kind from staff_alerts where organization_id = ${organization.id}`,
      );
      expect(alerts).toEqual([{ kind: 'identifiers_masked' }]);
    });
  });

  describe('What is refused, and changes nothing', () => {
    const cases: readonly (readonly [string, CallOptions, number, string, string?])[] = [
      ['no phone at all', adf(adfOf({ phone: '' })), 422, 'E_LEAD_UNREACHABLE'],
      ['a phone that cannot be', adf(adfOf({ phone: phoneXml('12') })), 422, 'E_LEAD_UNREACHABLE'],
      [
        'only a fax',
        adf(adfOf({ phone: '<phone type="fax">604-555-0142</phone>' })),
        422,
        'E_LEAD_UNREACHABLE',
      ],
      [
        'an unknown e-mail address alone',
        { body: { email: 'nobody@example.com' } },
        422,
        'E_LEAD_UNREACHABLE',
      ],
      ['neither phone nor e-mail address', { body: { name: 'Dana' } }, 400, 'E_INPUT_INVALID', '/body'],
      [
        'a field nobody knows',
        { body: { phone: newPhone(), fone: 1 } },
        400,
        'E_INPUT_INVALID',
        '/body/fone',
      ],
      [
        'an organization in the body',
        { body: { phone: newPhone(), organizationId: 'x' } },
        400,
        'E_INPUT_INVALID',
        '/body/organizationId',
      ],
      [
        'a basis that is none',
        { body: { phone: newPhone(), consent: { basis: 'purchase' } } },
        400,
        'E_INPUT_INVALID',
        '/body/consent/basis',
      ],
      [
        'no JSON',
        { rawBody: '{"phone":', headers: { 'content-type': 'application/json' } },
        400,
        'E_INPUT_INVALID',
        '/body',
      ],
      ['no XML', adf('hello'), 400, 'E_INPUT_INVALID', '/body'],
      ['nothing', adf(''), 400, 'E_INPUT_INVALID', '/body'],
      ['a document type', adf(`<!DOCTYPE adf [<!ENTITY a "b">]>${adfOf()}`), 400, 'E_INPUT_INVALID', '/body'],
      ['a picture', adf('x', 'image/png'), 415, 'E_MEDIA_TYPE'],
      ['too much', adf(adfOf({ comments: 'x'.repeat(300_000) })), 413, 'E_BODY_TOO_LARGE'],
      [
        'an empty Idempotency-Key',
        { body: { phone: newPhone() }, headers: { 'idempotency-key': ' ' } },
        400,
        'E_INPUT_INVALID',
      ],
      [
        'an overlong Idempotency-Key',
        { body: { phone: newPhone() }, headers: { 'idempotency-key': 'x'.repeat(256) } },
        400,
        'E_INPUT_INVALID',
      ],
    ];
    /** A row shorter than the test's parameters would make jest wait for a callback. */
    const refused = cases.map(
      ([what, options, status, code, pointer]) => [what, options, status, code, pointer] as const,
    );

    /** Whatever the tests before began has come to its end. */
    beforeAll(async () => {
      const isQuiet = async () =>
        (
          await jack.ctx.database.query(
            sql`select 1 from messages where status not in ('received', 'delivered')
              union all select 1 from follow_ups where state = 'waiting' and due_at <= clock_timestamp()`,
          )
        ).length === 0;
      await until(isQuiet, { what: 'all greetings to be delivered', timeoutMs: 15_000 });
    });

    it.each(refused)('When it has %s', async (_what, options, status, code, pointer) => {
      const { post } = await dealership();
      const before = await fingerprint(jack.ctx.database);
      const answer = await post(options);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
      if (pointer !== undefined) expect(answer.body.errors[0].pointer).toBe(pointer);
      expect(await fingerprint(jack.ctx.database)).toBe(before);
    });
  });

  it('When followUps are set, then they are checked', async () => {
    const { call } = await dealership();
    const patch = (followUps: unknown) =>
      call('PATCH /api/organization', { body: { settings: { followUps } } });
    expect((await patch([{ afterHours: 24, text: 'Hi {name}' }])).status).toBe(200);
    for (const wrong of [
      [{ afterHours: 24, text: 'Hi {nmae}' }],
      [
        { afterHours: 24, text: 'a' },
        { afterHours: 24, text: 'b' },
      ],
      [{ afterHours: 24 * 200, text: 'too late' }],
      Array.from({ length: 11 }, (_, n) => ({ afterHours: n + 1, text: 'x' })),
    ]) {
      expect((await patch(wrong)).status).toBe(400);
    }
  });
});
