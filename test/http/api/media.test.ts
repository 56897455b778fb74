/** Pictures and files for staff, from the carrier's webhook to the browser. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { digestOf } from '../../../services/media/digest.js';
import type { Message } from '../../../services/types.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { type MediaHost, startMediaHost } from '../../support/mediaHost.js';
import { MEDIA_SAMPLES, pictureOf } from '../../support/mediaSamples.js';
import { newPhone } from '../../support/records.js';
import { PUBLIC_URL, postWebhook } from '../../support/shopper.js';
import { inboundForm } from '../../support/signTwilio.js';
import { until } from '../../support/until.js';
import { type Client, createClient } from './_client.js';

const directory = mkdtempSync(path.join(tmpdir(), 'jack-media-'));
const ROUTE = 'GET /api/conversations/{leadId}/media/{mediaId}';
let host: MediaHost;
let jack: TestApp;
let client: Client;

beforeAll(async () => {
  host = await startMediaHost();
  jack = await buildApp({
    mediaLimits: { isLoopbackAllowed: true, sweepMs: 50 },
    env: {
      PUBLIC_URL,
      DATA_DIR: directory,
      TWILIO_ACCOUNT_SID: host.accountSid,
      TWILIO_AUTH_TOKEN: host.authToken,
      TWILIO_API_BASE_URL: host.baseUrl,
      REPLY_WINDOW_MS: '60000',
      REPLY_MAX_WAIT_MS: '60000',
    },
  });
  client = createClient(jack);
});
afterAll(async () => {
  await jack.close();
  await host.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** A text with one picture or file, posted and signed as the carrier does. */
async function send(bytes: Buffer, contentType: string) {
  const { organization, apiKey } = await jack.createOrganization();
  const params = inboundForm({
    from: newPhone(),
    to: organization.phoneNumbers[0] as string,
    accountSid: host.accountSid,
    media: [{ url: host.put(bytes), contentType }],
  });
  expect(await postWebhook(jack.url, host.authToken, params)).toBe(200);
  const inbox = await client.call('GET /api/conversations', { key: apiKey });
  const leadId = inbox.body.items[0].lead.id as string;
  const { body } = await client.call('GET /api/conversations/{leadId}', { params: { leadId }, key: apiKey });
  const [media] = (body.messages as Message[])[0]!.media;
  const mediaId = media!.id as string;
  const get = (key: string | undefined = apiKey, method = 'GET') =>
    fetch(`${jack.url}${media!.url}`, { method, headers: { authorization: `Bearer ${key}` } });
  const settled = () =>
    until(async () => {
      const response = await get();
      await response.arrayBuffer();
      return response.status !== 409;
    });
  return { organization, apiKey, leadId, mediaId, media: media!, get, settled };
}

describe('A picture that a shopper sends', () => {
  it('is shown to staff at the address that its message names', async () => {
    const bytes = pictureOf('of a trade-in');
    const { media, mediaId, leadId, get, settled } = await send(bytes, 'image/jpg');
    expect(media).toEqual({
      id: mediaId,
      url: `/api/conversations/${leadId}/media/${mediaId}`,
      contentType: 'image/jpg',
    });
    await settled();
    const response = await get();
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'image/jpeg',
      'content-length': String(bytes.length),
      'content-disposition': `inline; filename="${mediaId}.jpg"`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'private, max-age=3600',
    });
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    const head = await get(undefined, 'HEAD');
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);
    expect(host.leaks).toBe(0);
    const metrics = await (await fetch(`${jack.url}/metrics`)).text();
    expect(metrics).toMatch(/^jack_media_total\{outcome="stored"\} [1-9]/m);
  });

  it('is saved and not shown when it is no picture', async () => {
    const { mediaId, get, settled } = await send(
      MEDIA_SAMPLES['application/pdf'] as Buffer,
      'application/pdf',
    );
    await settled();
    const response = await get();
    await response.arrayBuffer();
    expect(response.headers.get('content-disposition')).toBe(`attachment; filename="${mediaId}.pdf"`);
  });

  it('is asked for again while it is on its way', async () => {
    host.hold(true);
    const { leadId, mediaId, apiKey, settled } = await send(pictureOf('slow'), 'image/jpeg');
    const early = await client.call(ROUTE, { params: { leadId, mediaId }, key: apiKey });
    expect([early.status, early.body.code, early.headers.get('retry-after')]).toEqual([
      409,
      'E_MEDIA_PENDING',
      '2',
    ]);
    host.hold(false);
    await settled();
    expect((await client.call(ROUTE, { params: { leadId, mediaId }, key: apiKey })).status).toBe(200);
  });

  it('is gone, with the reason, when it was not taken in', async () => {
    const { leadId, mediaId, apiKey, settled } = await send(
      Buffer.from('<svg onload="x()"/>'),
      'image/svg+xml',
    );
    await settled();
    const { status, body } = await client.call(ROUTE, { params: { leadId, mediaId }, key: apiKey });
    expect([status, body.code]).toEqual([410, 'E_MEDIA_REFUSED']);
    expect(body.detail).toContain('type_not_accepted');
  });

  it('is not there for another dealership, another lead, or nobody', async () => {
    const mine = await send(pictureOf('mine'), 'image/jpeg');
    await mine.settled();
    const other = await send(pictureOf('theirs'), 'image/jpeg');
    expect((await mine.get(other.apiKey)).status).toBe(404);
    expect((await mine.get('nonsense')).status).toBe(401);
    const params = { leadId: other.leadId, mediaId: mine.mediaId };
    expect((await client.call(ROUTE, { params, key: other.apiKey })).status).toBe(404);
    expect((await client.call(ROUTE, { params, key: mine.apiKey })).status).toBe(404);
    expect((await client.call(ROUTE, { params: { leadId: mine.leadId }, key: mine.apiKey })).status).toBe(
      404,
    );
  });

  it('is not served when its file was changed or lost', async () => {
    const bytes = pictureOf('to be damaged');
    const { organization, get, settled } = await send(bytes, 'image/jpeg');
    await settled();
    const digest = await digestOf(bytes);
    const file = path.join(directory, 'media', organization.id, digest.slice(0, 2), digest);
    writeFileSync(file, 'something else');
    const response = await get();
    expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([
      503,
      'E_MEDIA_UNAVAILABLE',
    ]);
    rmSync(file);
    expect((await get()).status).toBe(503);
  });

  it("is never named with the carrier's address, in no list, stream or export", async () => {
    const { leadId, apiKey, settled } = await send(pictureOf('where from'), 'image/jpeg');
    await settled();
    const options = { params: { leadId }, key: apiKey };
    const answers = await Promise.all([
      client.call('GET /api/conversations', { key: apiKey }),
      client.call('GET /api/conversations/{leadId}', options),
      client.call('GET /api/conversations/{leadId}/export', options),
    ]);
    expect(JSON.stringify(answers.map(({ body }) => body))).not.toContain(new URL(host.baseUrl).host);
    const kept = await jack.ctx.database.query(
      sql`select 1 from media where source_url <> '' and state <> 'pending'`,
    );
    expect(kept).toEqual([]);
  });
});
