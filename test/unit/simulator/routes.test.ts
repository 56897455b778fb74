import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { SIMULATED_ACCOUNT_SID } from '../../../services/outbound/transports/simulatedCarrier.js';
import { newOrganization, newPhone, type TestOrganization } from '../../support/records.js';
import { openTestDatabase, type TestDatabase } from '../../support/testDatabase.js';
import { until } from '../../support/until.js';
import { openStream } from './openStream.js';
import { type SmallJack, startSmallJack } from './smallJack.js';

interface View {
  rev: string;
  texts: {
    direction: string;
    body: string;
    status: string;
    segments: number;
    encoding: string;
    seq: number;
  }[];
  isReplyDue: boolean;
  dealership: { owner: string; summary: string; slots: Record<string, string>; optedOut: boolean };
}

const JSON_TYPE = { 'content-type': 'application/json' };

let opened: TestDatabase;
let jack: SmallJack;
let dealership: TestOrganization;
let other: TestOrganization;
beforeAll(async () => {
  opened = await openTestDatabase('pglite');
  dealership = await newOrganization(opened.database);
  other = await newOrganization(opened.database);
  jack = await startSmallJack({ database: opened.database });
});
beforeEach(() => jack.failWith(undefined));
afterAll(async () => {
  await jack.close();
  await opened.close();
});

const get = (path: string) => fetch(`${jack.url}${path}`);
const post = (path: string, body: unknown, headers: Record<string, string> = JSON_TYPE) =>
  fetch(`${jack.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
const query = (phone: string, organizationId: string = dealership.id) =>
  new URLSearchParams({ organizationId, phone }).toString();
const conversation = async (phone: string, organizationId?: string): Promise<View> =>
  (await (await get(`/api/simulator/conversation?${query(phone, organizationId)}`)).json()) as View;
const textTo = (from: string, change: object = {}) =>
  post('/api/simulator/texts', { organizationId: dealership.id, from, body: 'Is it here?', ...change });

describe('The phone page itself', () => {
  it('When it is opened, then it may load and run nothing that is not from here', async () => {
    const response = await get('/simulator');
    expect(response.status).toBe(200);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
  });

  it('When it names a style, script or icon, then that is served', async () => {
    const page = await (await get('/simulator')).text();
    const assets = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, url]) => url ?? '');
    expect(assets.length).toBeGreaterThanOrEqual(3);
    for (const url of assets) expect((await get(url)).status).toBe(200);
  });

  it('When something else of the disk is asked for, then nothing is served', async () => {
    // fetch would take the dots out before it asks.
    const path = '/simulator/../../package.json';
    const status = await new Promise((resolve, reject) => {
      httpRequest(`${jack.url}`, { path }, (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(404);
  });
});

describe('Texts of the phone page', () => {
  it('When one texts, then Jack gets the webhook of a real carrier', async () => {
    const phone = newPhone();
    expect((await textTo(phone, { body: 'Café at 5? €' })).status).toBe(202);
    const form = Object.fromEntries(jack.webhooks.at(-1) ?? []);
    expect(form).toMatchObject({
      AccountSid: SIMULATED_ACCOUNT_SID,
      From: phone,
      To: dealership.number,
      Body: 'Café at 5? €',
      NumMedia: '0',
      NumSegments: '1',
      SmsStatus: 'received',
      ApiVersion: '2010-04-01',
    });
    expect(form.MessageSid).toMatch(/^SM[0-9a-f]{32}$/);
    expect([form.SmsSid, form.SmsMessageSid]).toEqual([form.MessageSid, form.MessageSid]);
    expect(Object.keys(form)).toEqual(
      expect.arrayContaining([
        'FromCity',
        'FromState',
        'FromZip',
        'FromCountry',
        'ToCity',
        'ToState',
        'ToZip',
        'ToCountry',
      ]),
    );
  });

  it('When one text is sent twice, then both copies get a 200, one is kept and one reply is delivered', async () => {
    const phone = newPhone();
    const answer = (await (await textTo(phone, { copies: 2 })).json()) as {
      messageSid: string;
      statuses: number[];
    };
    expect(answer.statuses).toEqual([200, 200]);
    const sids = jack.webhooks.slice(-2).map((form) => form.get('MessageSid'));
    expect(sids).toEqual([answer.messageSid, answer.messageSid]);

    const view = await until(
      async () => {
        const now = await conversation(phone);
        return now.texts.at(-1)?.status === 'delivered' && now;
      },
      { what: 'the delivered reply' },
    );
    expect(view.texts.map(({ seq, direction }) => `${seq} ${direction}`)).toEqual([
      '1 inbound',
      '2 outbound',
    ]);
    expect(view.texts[0]).toMatchObject({
      body: 'Is it here?',
      segments: 1,
      encoding: 'GSM-7',
      status: 'received',
    });
    expect(view.dealership).toMatchObject({
      owner: 'assistant',
      optedOut: false,
      summary: 'Asked about a Civic.',
      slots: { vehicle: '2021 Honda Civic' },
    });
  });

  it('When a text is tried again under its id, then it is one text', async () => {
    const phone = newPhone();
    const messageSid = `SM${'a1'.repeat(16)}`;
    jack.failWith(503);
    expect(await (await textTo(phone, { messageSid })).json()).toEqual({ messageSid, statuses: [503] });
    expect((await conversation(phone)).texts).toEqual([]);
    jack.failWith(undefined);
    await textTo(phone, { messageSid });
    await textTo(phone, { messageSid });
    expect((await conversation(phone)).texts.filter(({ direction }) => direction === 'inbound')).toHaveLength(
      1,
    );
  });

  it('When one phone texts two dealerships, then each conversation shows its own texts', async () => {
    const phone = newPhone();
    await textTo(phone, { body: 'For the first' });
    await textTo(phone, { body: 'For the second', organizationId: other.id });
    expect((await conversation(phone)).texts[0]?.body).toBe('For the first');
    expect((await conversation(phone, other.id)).texts[0]?.body).toBe('For the second');
  });

  it('When a phone has not texted yet, then its conversation is empty', async () => {
    expect(await conversation(newPhone())).toMatchObject({ rev: 'none', texts: [], isReplyDue: false });
  });

  it.each([
    ['no body', { body: '' }, '/body/body'],
    ['a body over 1600 characters', { body: 'x'.repeat(1601) }, '/body/body'],
    ['a phone that is none', { from: '12' }, '/body/from'],
    ['three copies', { copies: 3 }, '/body/copies'],
    ['an id of another shape', { messageSid: 'SM1' }, '/body/messageSid'],
    ['an organization id with a glob', { organizationId: '*' }, '/body/organizationId'],
    ['a field that is not known', { to: '+16045550100' }, '/body'],
  ])('When a text has %s, then it is refused and Jack gets nothing', async (_name, change, pointer) => {
    const before = jack.webhooks.length;
    const response = await textTo(newPhone(), change);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      code: 'E_INPUT_INVALID',
      detail: expect.stringContaining(pointer),
    });
    expect(jack.webhooks).toHaveLength(before);
  });

  it('When the dealership is unknown, then the answer is 404', async () => {
    expect((await textTo(newPhone(), { organizationId: 'nobody' })).status).toBe(404);
  });
});

describe('Calls from other pages', () => {
  const text = () => ({ organizationId: dealership.id, from: newPhone(), body: 'Hi' });
  it.each([
    ['a foreign origin', { ...JSON_TYPE, origin: 'https://elsewhere.example' }, 400],
    ['an origin that is hidden', { ...JSON_TYPE, origin: 'null' }, 400],
    ['a form, which no browser asks about first', { 'content-type': 'text/plain' }, 415],
  ])('When a call has %s, then it is refused and Jack gets nothing', async (_name, headers, status) => {
    const before = jack.webhooks.length;
    expect((await post('/api/simulator/texts', text(), headers)).status).toBe(status);
    expect((await post('/api/simulator/redis', { off: true }, headers)).status).toBe(status);
    expect(jack.webhooks).toHaveLength(before);
    expect(jack.ctx.state.mode()).toBe('redis');
  });

  it.each(['cross-site', 'same-site'])(
    'When the browser says that a call is %s, then it is refused',
    async (site) => {
      // fetch of Node keeps this header from being set.
      const status = await new Promise((resolve, reject) => {
        const headers = { ...JSON_TYPE, 'sec-fetch-site': site };
        httpRequest(`${jack.url}/api/simulator/texts`, { method: 'POST', headers }, (response) =>
          resolve(response.resume().statusCode),
        )
          .on('error', reject)
          .end(JSON.stringify(text()));
      });
      expect(status).toBe(400);
    },
  );

  it('When the page itself calls, then it is let in', async () => {
    expect((await post('/api/simulator/texts', text(), { ...JSON_TYPE, origin: jack.url })).status).toBe(202);
  });
});

describe('The switch of Redis', () => {
  it('When it is put off and on, then the mode in force is answered', async () => {
    expect(await (await post('/api/simulator/redis', { off: true })).json()).toEqual({ mode: 'memory' });
    expect(await (await get('/api/simulator/status')).json()).toEqual({
      carrier: 'simulated',
      assistant: 'scripted',
      record: 'pglite',
      cache: { mode: 'memory' },
      redis: { isConfigured: true, isSwitchedOff: true },
    });
    expect(await (await post('/api/simulator/redis', { off: false })).json()).toEqual({ mode: 'redis' });
    expect(await (await get('/api/simulator/status')).json()).toMatchObject({
      redis: { isSwitchedOff: false },
    });
  });

  it('When it is not a yes or no, then it is refused', async () => {
    expect((await post('/api/simulator/redis', { off: 'yes' })).status).toBe(400);
  });
});

describe('The stream of the phone page', () => {
  it('When it begins, then it tells at once, and again for every change of its own conversation only', async () => {
    const phone = newPhone();
    const stream = await openStream(`${jack.url}/api/simulator/stream?${query(phone)}`);
    try {
      await until(() => stream.revs().length === 1);
      expect(stream.revs()).toEqual(['none']);
      await textTo(newPhone());
      await textTo(phone, { organizationId: other.id });
      await textTo(phone);
      await until(
        async () => stream.revs().at(-1) === (await conversation(phone)).rev && stream.revs().length > 1,
      );
      expect(new Set(stream.revs()).size).toBe(stream.revs().length);
    } finally {
      stream.close();
    }
  });

  it('When another process changes the conversation, then it is told too', async () => {
    const phone = newPhone();
    await textTo(phone);
    await until(async () => (await conversation(phone)).texts.at(-1)?.status === 'delivered');
    const stream = await openStream(`${jack.url}/api/simulator/stream?${query(phone)}`);
    try {
      await until(() => stream.revs().length === 1);
      await opened.database.query(
        sql`update conversations set summary = 'changed elsewhere' where organization_id = ${dealership.id}`,
      );
      await until(() => stream.revs().length === 2, { what: 'the change' });
    } finally {
      stream.close();
    }
  });

  it('When a hundred are open, then one more is refused, and a place becomes free when one closes', async () => {
    const url = `${jack.url}/api/simulator/stream?${query(newPhone())}`;
    const streams = await Promise.all(Array.from({ length: 100 }, () => openStream(url)));
    try {
      expect((await fetch(url)).status).toBe(429);
      streams.pop()?.close();
      await until(async () => {
        const stream = await openStream(url).catch(() => undefined);
        if (stream) streams.push(stream);
        return stream;
      });
    } finally {
      for (const stream of streams) stream.close();
    }
  });

  it('When it asks for nobody, then it is refused', async () => {
    expect((await get('/api/simulator/stream?organizationId=x&phone=1')).status).toBe(400);
  });
});

describe('The end', () => {
  it('When a browser keeps a spare connection open, then the end does not wait for it', async () => {
    const stopping = await startSmallJack({ database: opened.database });
    const spare = connect(Number(new URL(stopping.url).port), '127.0.0.1');
    await once(spare, 'connect');
    await stopping.close();
    if (!spare.closed) await once(spare, 'close');
  });

  it('When Jack stops, then open streams end and new ones are refused', async () => {
    const stopping = await startSmallJack({ database: opened.database });
    const url = `${stopping.url}/api/simulator/stream?${query(newPhone())}`;
    const stream = await openStream(url);
    stopping.beginStop();
    expect((await fetch(url)).status).toBe(503);
    await until(() => stream.hasEnded(), { what: 'the end of the stream' });
    await stopping.close();
  });
});

describe('The handset of a browser', () => {
  const keep = (phone: string, organizationId: string, cookie = '') =>
    post('/api/simulator/session', { organizationId, phone }, { ...JSON_TYPE, cookie });
  const recall = async (cookie = '') =>
    await (await fetch(`${jack.url}/api/simulator/session`, { headers: { cookie } })).json();
  const cookieOf = (response: Response) => response.headers.get('set-cookie')?.split(';')[0] ?? '';

  it('When nothing was chosen, then there is none', async () => {
    const nothing = { organizationId: null, phone: null };
    expect(await recall()).toEqual(nothing);
    expect(await recall(`jack-guest=${'A'.repeat(43)}`)).toEqual(nothing);
  });

  it('When one is chosen, then the cookie brings it back, and no script can read the cookie', async () => {
    const handset = { organizationId: dealership.id, phone: newPhone() };
    const kept = await keep(handset.phone, handset.organizationId);
    expect([kept.status, await kept.json()]).toEqual([201, handset]);
    expect(kept.headers.get('set-cookie')).toMatch(
      /^jack-guest=[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Lax$/,
    );
    expect(await recall(cookieOf(kept))).toEqual(handset);
  });

  it('When the same is chosen again, then the session stays; when another, then the old one is over', async () => {
    const first = await keep(newPhone(), dealership.id);
    const { phone } = (await first.json()) as { phone: string };
    const again = await keep(phone, dealership.id, cookieOf(first));
    expect([again.status, again.headers.get('set-cookie')]).toEqual([200, null]);
    const moved = await keep(phone, other.id, cookieOf(first));
    expect(await recall(cookieOf(moved))).toEqual({ organizationId: other.id, phone });
    expect(await recall(cookieOf(first))).toEqual({ organizationId: null, phone: null });
  });

  it('When it names no dealership or no phone, then it is refused', async () => {
    expect((await keep('12', dealership.id)).status).toBe(400);
    expect((await keep(newPhone(), 'nobody')).status).toBe(404);
  });
});
