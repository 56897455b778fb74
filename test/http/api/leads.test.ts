import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { inboundText, newPhone } from '../../support/records.js';
import { describeEachEngine } from '../../support/testDatabase.js';
import { type Client, createClient } from './_client.js';

describeEachEngine('Leads over HTTP', (engine) => {
  let jack: TestApp;
  let client: Client;
  beforeAll(async () => {
    jack = await buildApp({ engine });
    client = createClient(jack);
  });
  afterAll(() => jack.close());

  async function dealership() {
    const { organization, apiKey } = await jack.createOrganization();
    const call = (name: string, options: Parameters<Client['call']>[1] = {}) =>
      client.call(name, { ...options, key: apiKey });
    return { organization, call, add: (body: object) => call('POST /api/leads', { body }) };
  }

  describe('Adding a lead', () => {
    it('When the phone is new, then there is a lead with an empty conversation', async () => {
      const { call, add } = await dealership();
      const phone = newPhone();
      const { status, body } = await add({
        phone,
        name: ' Dana ',
        email: 'dana@example.com',
        source: 'web',
        attributes: { vehicle: 'Civic' },
      });
      expect(status).toBe(201);
      expect(body).toEqual({
        id: expect.any(String),
        phone,
        name: 'Dana',
        email: 'dana@example.com',
        status: 'new',
        source: 'web',
        attributes: { vehicle: 'Civic' },
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      });
      expect(Math.abs(Date.now() - Date.parse(body.createdAt))).toBeLessThan(60_000);
      const params = { leadId: body.id };
      expect((await call('GET /api/leads/{leadId}', { params })).body).toEqual(body);
      const conversation = await call('GET /api/conversations/{leadId}', { params });
      expect(conversation.body).toMatchObject({ lead: body, owner: 'assistant', lastSeq: 0, messages: [] });
    });

    it('When the phone is known, then name and email fill gaps, attributes are merged, and the rest stays', async () => {
      const { add } = await dealership();
      const phone = newPhone();
      const first = await add({ phone, name: 'Dana', source: 'web', attributes: { a: 1, b: { c: 1 } } });
      const second = await add({
        phone,
        name: 'D.',
        email: 'dana@example.com',
        source: 'crm',
        attributes: { b: 2, d: 3, a: null },
      });
      expect(second.status).toBe(200);
      expect(second.body).toEqual({ ...first.body, email: 'dana@example.com', attributes: { b: 2, d: 3 } });
    });

    it('When fifty add one phone at once, then there is one lead with all attributes', async () => {
      const { call, add } = await dealership();
      const phone = newPhone();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => add({ phone, attributes: { [`from${n}`]: true } })),
      );
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
      const { body } = await call('GET /api/leads');
      expect(body.items).toHaveLength(1);
      expect(Object.keys(body.items[0].attributes)).toHaveLength(50);
    });

    it('When the person texts later, then it is the same lead', async () => {
      const { organization, call, add } = await dealership();
      const phone = newPhone();
      const { body: lead } = await add({ phone, name: 'Dana' });
      await jack.ctx.receiver.receive(inboundText(organization.phoneNumbers[0]!, phone));
      expect((await call('GET /api/leads')).body.items).toEqual([lead]);
      const { body } = await call('GET /api/conversations/{leadId}', { params: { leadId: lead.id } });
      expect(body.messages[0]).toMatchObject({ seq: 1, direction: 'inbound', sender: 'lead' });
    });

    it('When the name is in any script, then it comes back as it was', async () => {
      const { add } = await dealership();
      const name = 'Zoë Łukasiewicz 李小龍 👩‍🔧';
      expect((await add({ phone: newPhone(), name })).body.name).toBe(name);
    });

    it('When an attribute has the name of a built-in property, then it is an attribute', async () => {
      const { call } = await dealership();
      const rawBody = `{"phone":"${newPhone()}","attributes":{"__proto__":{"x":1},"constructor":"c","toString":"t"}}`;
      const { status, body } = await call('POST /api/leads', { rawBody });
      expect(status).toBe(201);
      expect(body.attributes).toMatchObject({ constructor: 'c', toString: 't' });
    });
  });

  describe('Changing a lead', () => {
    it('When some fields are given, then the others stay; null takes away', async () => {
      const { call, add } = await dealership();
      const { body: lead } = await add({
        phone: newPhone(),
        name: 'Dana',
        email: 'd@example.com',
        attributes: { a: 1, b: 2 },
      });
      const params = { leadId: lead.id };
      const patch = (body: object) => call('PATCH /api/leads/{leadId}', { params, body });
      expect((await patch({ status: 'qualified' })).body).toEqual({ ...lead, status: 'qualified' });
      const { body } = await patch({ email: null, attributes: { a: null, c: 3 } });
      expect(body).toEqual({ ...lead, status: 'qualified', email: null, attributes: { b: 2, c: 3 } });
      expect((await call('GET /api/leads/{leadId}', { params })).body).toEqual(body);
    });

    it('When attributes would grow above their bound by merging, then it is refused and nothing changes', async () => {
      const { call, add } = await dealership();
      const { body: lead } = await add({ phone: newPhone(), attributes: { a: 'x'.repeat(10_000) } });
      const params = { leadId: lead.id };
      const body = { attributes: { b: 'x'.repeat(10_000) } };
      expect((await call('PATCH /api/leads/{leadId}', { params, body })).status).toBe(400);
      expect((await add({ phone: lead.phone, ...body })).status).toBe(400);
      expect((await call('GET /api/leads/{leadId}', { params })).body).toEqual(lead);
    });
  });

  describe('The list of leads', () => {
    it('When it is read page by page while leads come in, then each is in it once, newest first', async () => {
      const { call, add } = await dealership();
      const ids: string[] = [];
      for (let n = 0; n < 7; n += 1) ids.unshift((await add({ phone: newPhone() })).body.id);
      const read: string[] = [];
      let cursor: string | null = null;
      do {
        const { body } = await call('GET /api/leads', {
          query: { limit: '3', ...(cursor ? { cursor } : {}) },
        });
        read.push(...body.items.map(({ id }: { id: string }) => id));
        cursor = body.nextCursor;
        await add({ phone: newPhone() });
      } while (cursor);
      expect(read).toEqual(ids);
    });

    it('When no limit is given, then a page has twenty', async () => {
      const { call, add } = await dealership();
      for (let n = 0; n < 21; n += 1) await add({ phone: newPhone() });
      const { body } = await call('GET /api/leads');
      expect(body.items).toHaveLength(20);
      expect((await call('GET /api/leads', { query: { cursor: body.nextCursor } })).body).toMatchObject({
        items: [expect.anything()],
        nextCursor: null,
      });
    });
  });

  describe('The profile', () => {
    it('When settings are changed, then they are merged one level deep and the assistant works with them', async () => {
      const { organization, call } = await dealership();
      const patch = (body: object) => call('PATCH /api/organization', { body });
      await patch({ settings: { address: '1 Example Way', assistantName: 'Joan' } });
      const { body } = await patch({
        name: 'New Name',
        settings: { address: null, website: 'https://motors.example' },
      });
      expect(body).toEqual({
        ...organization,
        name: 'New Name',
        settings: { assistantName: 'Joan', website: 'https://motors.example' },
      });
      expect((await call('GET /api/organization')).body).toEqual(body);
    });
  });
});
