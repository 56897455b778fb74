import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { inboundText, newPhone } from '../../support/records.js';
import { describeEachEngine } from '../../support/testDatabase.js';
import { until } from '../../support/until.js';
import { type Client, createClient, fingerprint } from './_client.js';

const SECRET = 'wsec_0123456789abcdef0123';
const INITIATION = 'POST /api/webhooks/elevenlabs/conversation-initiation';
const POST_CALL = 'POST /api/webhooks/elevenlabs/post-call';

describeEachEngine('The webhooks of a voice agent', (engine) => {
  let jack: TestApp;
  let client: Client;
  let calls = 0;
  beforeAll(async () => {
    jack = await buildApp({ engine, env: { ELEVENLABS_WEBHOOK_SECRET: SECRET } });
    client = createClient(jack);
  });
  afterAll(() => jack.close());

  async function dealership() {
    const { organization, apiKey } = await jack.createOrganization({ settings: { assistantName: 'Joan' } });
    const [number] = organization.phoneNumbers;
    if (!number) throw new Error('the organization has no number');
    const phone = newPhone();
    const call = (name: string, params: Record<string, string> = {}) =>
      client.call(name, { params, key: apiKey });
    const lead = async () => (await call('GET /api/leads')).body.items[0];
    const conversation = async () =>
      (await call('GET /api/conversations/{leadId}', { leadId: (await lead()).id })).body;
    /** A text and its answer. */
    const talk = async (body: string) => {
      await jack.ctx.receiver.receive(inboundText(number, phone, { body }));
      await until(async () => (await conversation()).messages.at(-1)?.direction === 'outbound', {
        what: 'the reply',
        timeoutMs: 20_000,
      });
    };
    return { organization, number, phone, lead, conversation, talk };
  }

  const initiate = (body: object, secret = SECRET) => client.call(INITIATION, { body, key: secret });
  const signed = (value: unknown, by = SECRET, time = Math.floor(Date.now() / 1000)) => {
    const rawBody = typeof value === 'string' ? value : JSON.stringify(value);
    const v0 = createHmac('sha256', by).update(`${time}.${rawBody}`).digest('hex');
    return { rawBody, headers: { 'elevenlabs-signature': `t=${time},v0=${v0}` } };
  };
  const finished = (numbers: { agent: string; external: string }, change: object = {}) => ({
    type: 'post_call_transcription',
    event_timestamp: 1_795_030_927,
    data: {
      agent_id: 'agent_1',
      conversation_id: `conv_${engine}_${calls++}`,
      status: 'done',
      transcript: [
        { role: 'agent', message: 'Example Motors, how can I help?', time_in_call_secs: 0, tool_calls: [] },
        { role: 'user', message: 'Is the Civic still there?', time_in_call_secs: 4 },
        { role: 'agent', message: null, time_in_call_secs: 6 },
        { role: 'agent', message: 'It is.', time_in_call_secs: 7 },
      ],
      metadata: {
        start_time_unix_secs: 1_795_030_800,
        call_duration_secs: 134,
        phone_call: { direction: 'inbound', agent_number: numbers.agent, external_number: numbers.external },
      },
      analysis: { transcript_summary: 'The shopper asked about the Civic.' },
      ...change,
    },
  });

  describe('Before the call', () => {
    it('When a shopper who has texted calls, then the agent knows what was said, from the tower', async () => {
      const { organization, number, phone, talk } = await dealership();
      await talk('Hi, I am Dana. Do you have a 2021 Honda Civic?');
      const before = jack.ctx.state.report().reads.snapshot?.cache ?? 0;
      const { status, body } = await initiate({
        caller_id: phone,
        called_number: number,
        agent_id: 'a',
        call_sid: 'CA1',
      });
      expect(status).toBe(200);
      expect(body).toMatchObject({
        type: 'conversation_initiation_client_data',
        dynamic_variables: {
          dealership: organization.name,
          assistant_name: 'Joan',
          is_known: 'true',
          name: 'Dana',
        },
      });
      expect(body.dynamic_variables.vehicle).toContain('Civic');
      expect(body.dynamic_variables.history).toContain('Shopper: Hi, I am Dana.');
      expect(jack.ctx.state.report().reads.snapshot?.cache).toBeGreaterThan(before);
    });

    it('When nobody knows the caller, then all names are there and nothing is made', async () => {
      const { organization, number } = await dealership();
      // What the tests before have set off is written by then.
      let before = '';
      await until(
        async () => {
          const last = before;
          before = await fingerprint(jack.ctx.database);
          return before === last;
        },
        { everyMs: 300 },
      );
      const { body } = await initiate({ caller_id: newPhone(), called_number: number });
      expect(body.dynamic_variables).toEqual({
        dealership: organization.name,
        assistant_name: 'Joan',
        is_known: 'false',
        name: '',
        vehicle: '',
        trade_in: '',
        timeframe: '',
        visit_at: '',
        summary: '',
        history: '',
      });
      expect((await initiate({ called_number: number })).body.dynamic_variables.is_known).toBe('false');
      expect(await fingerprint(jack.ctx.database)).toBe(before);
    });

    it("When the shopper of one dealership calls another, then that one's words are not known there", async () => {
      const [one, other] = [await dealership(), await dealership()];
      await one.talk('Hi, I am Dana.');
      const { body } = await initiate({ caller_id: one.phone, called_number: other.number });
      expect(body.dynamic_variables).toMatchObject({ is_known: 'false', name: '', history: '' });
    });

    it.each([
      ['a wrong secret', `${SECRET}x`],
      ['another length', 'x'],
    ])('When it comes with %s, then it is 401', async (_what, secret) => {
      const { number } = await dealership();
      const { status, body } = await initiate({ caller_id: newPhone(), called_number: number }, secret);
      expect([status, body.code]).toEqual([401, 'E_UNAUTHENTICATED']);
    });

    it("When the number is nobody's, then it is 404", async () => {
      const { status } = await initiate({ caller_id: newPhone(), called_number: newPhone() });
      expect(status).toBe(404);
    });
  });

  describe('After the call', () => {
    it('When the caller is known, then the call is in the same conversation, in its order', async () => {
      const { number, phone, conversation, talk } = await dealership();
      await talk('Hi, I am Dana.');
      const { status, body } = await client.call(
        POST_CALL,
        signed(finished({ agent: number, external: phone })),
      );
      expect([status, body]).toEqual([200, { outcome: 'stored' }]);
      const { messages, lastSeq } = await conversation();
      expect(messages.at(-1)).toMatchObject({
        seq: 3,
        sender: 'system',
        segments: 0,
        status: 'delivered',
        body:
          'Phone call from the shopper, 2 min 14 s.\nThe shopper asked about the Civic.\n' +
          'Voice agent: Example Motors, how can I help?\nShopper: Is the Civic still there?\nVoice agent: It is.',
      });
      expect(lastSeq).toBe(3);
      await talk('Thanks for the call');
      expect((await conversation()).messages.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3, 4, 5]);
    });

    it('When the caller is new, then there is a lead, and nothing is sent', async () => {
      const { number, phone, lead, conversation } = await dealership();
      await client.call(POST_CALL, signed(finished({ agent: number, external: phone })));
      expect(await lead()).toMatchObject({ phone, source: 'voice' });
      expect((await conversation()).messages).toHaveLength(1);
      const sent = await jack.ctx.database.query(sql`select 1 from outbox where to_number = ${phone}`);
      expect(sent).toEqual([]);
    });

    it('When it comes thirty times at once, then the call is there once', async () => {
      const { number, phone, conversation } = await dealership();
      const event = finished({ agent: number, external: phone });
      const answers = await Promise.all(
        Array.from({ length: 30 }, () => client.call(POST_CALL, signed(event))),
      );
      expect(answers.map(({ body }) => body.outcome).filter((outcome) => outcome === 'stored')).toHaveLength(
        1,
      );
      expect((await conversation()).messages).toHaveLength(1);
    });

    it('When numbers that are not kept were said, then they are masked', async () => {
      const { organization, number, phone, conversation } = await dealership();
      const transcript = [{ role: 'user', message: 'My card is 4111 1111 1111 1111', time_in_call_secs: 1 }];
      await client.call(POST_CALL, signed(finished({ agent: number, external: phone }, { transcript })));
      const [row] = await jack.ctx.database.query<{ transcript: object }>(
        sql`select transcript from voice_calls where organization_id = ${organization.id}`,
      );
      for (const text of [JSON.stringify(row), JSON.stringify(await conversation())])
        expect(text).not.toContain('4111');
    });

    it('When numbers are only in the variables, then they are taken from there', async () => {
      const { number, phone, lead } = await dealership();
      const event = finished(
        { agent: '', external: '' },
        {
          metadata: {},
          conversation_initiation_client_data: {
            dynamic_variables: { system__caller_id: phone, system__called_number: number },
          },
        },
      );
      expect((await client.call(POST_CALL, signed(event))).body.outcome).toBe('stored');
      expect((await lead()).phone).toBe(phone);
    });

    it.each<readonly [string, (number: string) => unknown]>([
      ['audio', () => ({ type: 'post_call_audio', data: { conversation_id: 'x', full_audio: 'AA==' } })],
      ['a call from a web page', () => finished({ agent: '', external: '' }, { metadata: {} })],
      ["a number that is nobody's", () => finished({ agent: newPhone(), external: newPhone() })],
      ['a withheld number', (number) => finished({ agent: number, external: 'anonymous' })],
    ])('When it is %s, then it is ignored, and nothing changes', async (_what, eventOf) => {
      const { number } = await dealership();
      const before = await fingerprint(jack.ctx.database);
      const { status, body } = await client.call(POST_CALL, signed(eventOf(number)));
      expect([status, body]).toEqual([200, { outcome: 'ignored' }]);
      expect(await fingerprint(jack.ctx.database)).toBe(before);
    });

    it.each<readonly [string, (event: object) => ReturnType<typeof signed>, number]>([
      ['signed by somebody else', (event) => signed(event, 'wsec_other_other_other'), 403],
      ['too old', (event) => signed(event, SECRET, Math.floor(Date.now() / 1000) - 3_600), 403],
      ['not signed', (event) => ({ ...signed(event), headers: { 'elevenlabs-signature': '' } }), 403],
      [
        'changed on the way',
        (event) => ({ ...signed(event), rawBody: JSON.stringify(event).replace('Civic', 'Ford') }),
        403,
      ],
      ['no JSON', () => signed('{"type":'), 400],
      ['no call', () => signed({ type: 'post_call_transcription', data: {} }), 400],
    ])('When it is %s, then it is refused, and nothing changes', async (_what, requestOf, expected) => {
      const { number } = await dealership();
      const before = await fingerprint(jack.ctx.database);
      const { status } = await client.call(
        POST_CALL,
        requestOf(finished({ agent: number, external: newPhone() })),
      );
      expect(status).toBe(expected);
      expect(await fingerprint(jack.ctx.database)).toBe(before);
    });
  });
});

describe('Without ELEVENLABS_WEBHOOK_SECRET', () => {
  it('When a voice webhook is called, then it is 404 and says what is missing', async () => {
    const closed = await buildApp();
    try {
      const client = createClient(closed);
      for (const name of [INITIATION, POST_CALL]) {
        const { status, body } = await client.call(name, { body: { called_number: newPhone() }, key: 'x' });
        expect(status).toBe(404);
        expect(body.detail).toContain('ELEVENLABS_WEBHOOK_SECRET is not set');
      }
    } finally {
      await closed.close();
    }
  });
});
