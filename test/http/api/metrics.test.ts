import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { E164 } from '../../../services/types.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { newPhone, textsOf } from '../../support/records.js';
import { type RedisServer, startRedis } from '../../support/redisServer.js';
import { describeWithRedis } from '../../support/services.js';
import { formBody, inboundForm, newSid } from '../../support/signTwilio.js';
import { until } from '../../support/until.js';

const TOKEN = 'a-metrics-token-0123456789';

const scrape = (jack: TestApp, headers: Record<string, string> = {}) =>
  fetch(`${jack.url}/metrics`, { headers });
const textOf = async (jack: TestApp) => await (await scrape(jack)).text();

/** Of the one line with this name and these labels. */
function metricOf(
  text: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  for (const [, its, list = '', value] of text.matchAll(/^(\w+)(?:\{(.*)\})? (\S+)$/gm)) {
    if (its !== name) continue;
    const found = Object.fromEntries(
      [...list.matchAll(/(\w+)="([^"]*)"/g)].map(([, key, word]) => [key, word]),
    );
    if (Object.entries(labels).every(([key, word]) => found[key] === word)) return Number(value);
  }
  return undefined;
}

async function postText(jack: TestApp, to: string, from: string): Promise<number> {
  const response = await fetch(`${jack.url}/api/webhooks/twilio/sms/incoming`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: formBody(inboundForm({ from, to, body: 'Is it still there?', accountSid: newSid('AC') })),
  });
  return response.status;
}

describeWithRedis('GET /metrics', () => {
  let redis: RedisServer;
  let jack: TestApp;
  beforeAll(async () => {
    redis = await startRedis();
    jack = await buildApp({ env: { USE_REDIS: 'true', REDIS_URL: redis.url } });
  });
  afterAll(async () => {
    await jack.close();
    await redis.stop();
  });

  it('When a text is answered, then its whole path is counted, with no tenant and no person in a label', async () => {
    const { organization, apiKey } = await jack.createOrganization({ id: 'tell-nobody-motors' });
    const phone = newPhone() as E164;
    expect(await postText(jack, organization.phoneNumbers[0]!, phone)).toBe(200);
    await until(async () => (await textsOf(jack.ctx.database, organization.id, phone)).length > 1, {
      what: 'the reply',
    });
    const leads = await fetch(`${jack.url}/api/leads`, { headers: { authorization: `Bearer ${apiKey}` } });
    const { items } = (await leads.json()) as { items: { id: string }[] };
    await fetch(`${jack.url}/api/leads/${items[0]?.id}`, { headers: { authorization: `Bearer ${apiKey}` } });
    await fetch(`${jack.url}/api/leads/${items[0]?.id}/nothing-here`);
    await fetch(`${jack.url}/api/webhooks/twilio/sms/incoming`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'AccountSid=nobody',
    });
    const text = await until(async () => {
      const found = await textOf(jack);
      return metricOf(found, 'jack_reply_duration_seconds_count', { source: 'assistant' }) === 1 && found;
    });

    expect(metricOf(text, 'jack_messages_total', { direction: 'inbound', outcome: 'stored' })).toBe(1);
    expect(metricOf(text, 'jack_messages_total', { direction: 'outbound', outcome: 'accepted' })).toBe(1);
    expect(metricOf(text, 'jack_assistant_requests_total', { provider: 'scripted', outcome: 'ok' })).toBe(1);
    expect(metricOf(text, 'jack_webhook_rejections_total', { reason: 'E_SIGNATURE_INVALID' })).toBe(1);
    const request = (method: string, route: string, status: string) =>
      metricOf(text, 'jack_http_request_duration_seconds_count', { method, route, status });
    expect(request('POST', '/api/webhooks/twilio/sms/incoming', '200')).toBe(1);
    expect(request('GET', '/api/leads/:leadId', '200')).toBe(1);
    expect(request('GET', 'unmatched', '404')).toBe(1);
    expect(metricOf(text, 'jack_cache_mode', { mode: 'redis' })).toBe(1);
    expect(metricOf(text, 'jack_cache_mode', { mode: 'memory' })).toBe(0);
    expect(metricOf(text, 'jack_cache_requests_total', { kind: 'snapshot', result: 'miss' })).toBeGreaterThan(
      0,
    );
    expect(metricOf(text, 'jack_redis_breaker_open')).toBe(0);
    expect(metricOf(text, 'jack_redis_round_trips_total')).toBeGreaterThan(0);
    const all = { operation: 'get', le: '+Inf' };
    expect(metricOf(text, 'jack_redis_operation_duration_seconds_bucket', all)).toBeGreaterThan(0);
    expect(
      metricOf(text, 'jack_cache_operation_duration_seconds_count', { backend: 'redis' }),
    ).toBeGreaterThan(0);
    expect(metricOf(text, 'jack_build_info', { version: jack.ctx.version })).toBe(1);
    expect(metricOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(1e6);
    expect(metricOf(text, 'nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0);

    for (const secret of [
      organization.id,
      phone.slice(1),
      organization.phoneNumbers[0]!.slice(1),
      items[0]!.id,
    ]) {
      expect([secret, text.includes(secret)]).toEqual([secret, false]);
    }
    expect(text).not.toMatch(/127\.0\.0\.1|jack:|[0-9a-f]{8}-[0-9a-f]{4}/);
    expect(text).not.toContain(`:${redis.port}`);
  });

  it('When callers make up paths and methods, then no series comes of it', async () => {
    const series = async () =>
      (await textOf(jack)).split('\n').filter((line) => line.startsWith('jack_http')).length;
    await fetch(`${jack.url}/made-up/0`);
    await fetch(`${jack.url}/made-up/0`, { method: 'PROPFIND' });
    await textOf(jack);
    const before = await series();
    await Promise.all(Array.from({ length: 50 }, (_, n) => fetch(`${jack.url}/made-up/${n}?q=${n}`)));
    await Promise.all(['MKCOL', 'REPORT', 'LOCK'].map((method) => fetch(`${jack.url}/made-up`, { method })));
    expect(await series()).toBe(before);
  });

  it('When the mode changes, then that is counted with where from and where to', async () => {
    await redis.kill();
    await until(() => jack.ctx.state.mode() === 'memory');
    const away = await textOf(jack);
    expect(metricOf(away, 'jack_cache_mode_changes_total', { from: 'redis', to: 'memory' })).toBe(1);
    expect(metricOf(away, 'jack_redis_breaker_open')).toBe(1);
    expect(metricOf(away, 'jack_alerts', { code: 'cache_degraded' })).toBe(1);
    await redis.restart();
    await until(() => jack.ctx.state.mode() === 'redis');
    expect(
      metricOf(await textOf(jack), 'jack_cache_mode_changes_total', { from: 'memory', to: 'redis' }),
    ).toBe(1);
  });

  it('When a scraper asks for OpenMetrics, then it gets that, and the next one the text format with the same names', async () => {
    const plainBefore = await textOf(jack);
    const open = await scrape(jack, {
      accept: 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5',
    });
    expect(open.headers.get('content-type')).toBe(
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
    );
    const text = await open.text();
    expect(text.endsWith('# EOF\n')).toBe(true);
    expect(text).toContain('# TYPE jack_messages counter');
    expect(text).toMatch(/^jack_messages_total\{/m);
    const plain = await scrape(jack);
    expect(plain.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const names = (body: string) => [...body.matchAll(/^# TYPE (\w+ \w+)$/gm)].map(([, name]) => name);
    expect(names(await plain.text())).toEqual(names(plainBefore));
  });

  it('Every name follows the rules: a prefix, base units, and _total on counters only', async () => {
    const types = [...(await textOf(jack)).matchAll(/^# TYPE (\w+) (\w+)$/gm)].filter(([, name]) =>
      name!.startsWith('jack_'),
    );
    expect(types.length).toBeGreaterThan(20);
    for (const [, name = '', type] of types) {
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter']);
      expect(name).not.toMatch(/_(ms|milliseconds|kb|mb|percent|ratio)(_|$)/);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    }
  });
});

describe('Who may read /metrics', () => {
  const production = {
    NODE_ENV: 'production',
    SESSION_SECRET: 'a-session-secret-0123456789',
    PUBLIC_URL: 'https://jack.example',
    TWILIO_ACCOUNT_SID: newSid('AC'),
    TWILIO_AUTH_TOKEN: 'a-token-0123456789',
  };
  const withJack = async (env: Record<string, string>, work: (jack: TestApp) => Promise<void>) => {
    const jack = await buildApp({ env });
    try {
      await work(jack);
    } finally {
      await jack.close();
    }
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it('When there is a token, then it is asked for, and no other opens', async () => {
    await withJack({ ...production, METRICS_TOKEN: TOKEN }, async (jack) => {
      expect((await scrape(jack, bearer(TOKEN))).status).toBe(200);
      for (const headers of [{}, bearer(`${TOKEN}x`), bearer(jack.adminKey), { authorization: TOKEN }]) {
        const refused = await scrape(jack, headers as Record<string, string>);
        expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
          401,
          'Bearer realm="jack"',
        ]);
        expect(await refused.text()).not.toContain('jack_http');
      }
      const head = await fetch(`${jack.url}/metrics`, { method: 'POST', headers: bearer(TOKEN) });
      expect(head.status).toBe(405);
    });
  });

  it('When there is none in production, then nothing is there', async () => {
    await withJack(production, async (jack) => {
      expect((await scrape(jack)).status).toBe(404);
      expect((await scrape(jack, bearer('anything-at-all-0123'))).status).toBe(404);
    });
  });

  it('When there is none in development, then it is open', async () => {
    await withJack({}, async (jack) => expect((await scrape(jack)).status).toBe(200));
  });
});
