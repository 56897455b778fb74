import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OpenApiDocument } from '../../../routes/openapi/document.js';
import type { Access } from '../../../routes/openapi/route.js';
import { ERRORS } from '../../../services/errors.js';
import { buildApp, type TestApp } from '../../support/buildApp.js';
import { type Client, createClient, nameOf } from './_client.js';

let jack: TestApp;
let client: Client;
let document: OpenApiDocument;
beforeAll(async () => {
  jack = await buildApp();
  client = createClient(jack);
  document = (await (await fetch(`${jack.url}/openapi.json`)).json()) as OpenApiDocument;
});
afterAll(() => jack.close());

interface Operation {
  readonly operationId: string;
  readonly security: object[];
  readonly responses: Record<string, { content?: Record<string, unknown> }>;
  readonly requestBody?: object;
  readonly parameters?: { name: string; in: string }[];
}

const operations = (): (readonly [name: string, operation: Operation])[] =>
  Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(
      ([method, operation]) => [nameOf({ method: method as 'get', path: path as '/' }), operation] as const,
    ),
  );

/** The routes of this version that DESIGN.md names for outsiders. */
const PROMISED = [
  'POST /api/webhooks/twilio/sms/incoming',
  'POST /api/webhooks/twilio/sms/status',
  'POST /api/webhooks/twilio/sms/fallback',
  'GET /api/health',
  'GET /api/health/live',
  'GET /api/health/ready',
  'GET /api/health/redis',
  'GET /api/cache/stats',
  'GET /metrics',
  'POST /api/admin/organizations',
  'GET /api/admin/organizations',
  'GET /api/admin/organizations/{organizationId}/sending',
  'DELETE /api/admin/organizations/{organizationId}',
  'GET /api/admin/organizations/{organizationId}/phone-numbers',
  'POST /api/admin/organizations/{organizationId}/phone-numbers',
  'POST /api/admin/organizations/{organizationId}/sending/resume',
  'PATCH /api/admin/organizations/{organizationId}/phone-numbers/{phoneNumber}',
  'POST /api/admin/organizations/{organizationId}/api-keys',
  'DELETE /api/admin/organizations/{organizationId}/api-keys/{keyId}',
  'POST /api/admin/organizations/{organizationId}/cache/clear',
  'POST /api/admin/cache/fallback',
  'GET /api/admin/quarantine',
  'POST /api/admin/quarantine/assign',
  'POST /api/admin/quarantine/{quarantineId}/assign',
  'POST /api/admin/quarantine/{quarantineId}/discard',
  'GET /api/admin/cache/fallback/values',
  'POST /api/admin/cache/fallback/values',
  'POST /api/session',
  'GET /api/session',
  'DELETE /api/session',
  'GET /api/sessions',
  'DELETE /api/sessions',
  'GET /api/organization',
  'PATCH /api/organization',
  'GET /api/organization/live',
  'GET /api/leads',
  'POST /api/leads',
  'GET /api/leads/{leadId}',
  'PATCH /api/leads/{leadId}',
  'DELETE /api/leads/{leadId}',
  'GET /api/leads/{leadId}/adf',
  'GET /api/leads/{leadId}/inquiries',
  'POST /api/webhooks/leads',
  'POST /api/webhooks/elevenlabs/conversation-initiation',
  'POST /api/webhooks/elevenlabs/post-call',
  'GET /api/conversations',
  'GET /api/conversations/{leadId}',
  'GET /api/conversations/{leadId}/export',
  'GET /api/conversations/{leadId}/evidence',
  'GET /api/conversations/{leadId}/media/{mediaId}',
  'POST /api/conversations/{leadId}/messages',
  'POST /api/conversations/{leadId}/takeover',
  'GET /api/alerts',
  'POST /api/alerts/{alertId}/resolve',
  'POST /api/organization/webhook-secret',
  'POST /api/conversations/{leadId}/release',
  'POST /api/conversations/{leadId}/reset',
  'POST /api/conversations/{leadId}/retract',
  'POST /api/conversations/{leadId}/opt-out',
  'POST /api/conversations/{leadId}/presence',
  'GET /api/stream',
  'GET /api/stream/conversation/{leadId}',
];

describe('/openapi.json', () => {
  it('describes every call, and none that is not served', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(
      operations()
        .map(([name]) => name)
        .sort(),
    ).toEqual([...PROMISED].sort());
  });

  it('says of every call which credential it needs', () => {
    for (const route of client.routes) {
      const [, operation] = operations().find(([name]) => name === nameOf(route))!;
      const schemes = operation.security.flatMap((entry) => Object.keys(entry));
      const expected: Record<Access, string[]> = {
        open: [],
        visitor: [],
        administrator: ['administratorKey'],
        organization: ['organizationKey', 'staffSession'],
        session: ['staffSession'],
      };
      expect([nameOf(route), schemes]).toEqual([nameOf(route), expected[route.access]]);
      expect(Object.keys(operation.responses).includes('401')).toBe(
        route.access !== 'open' || (route.problems?.includes('E_UNAUTHENTICATED') ?? false),
      );
    }
  });

  it('names every parameter of a path, and has one id an operation', () => {
    for (const [name, { parameters = [] }] of operations()) {
      const inPath = parameters
        .filter((parameter) => parameter.in === 'path')
        .map((parameter) => parameter.name);
      expect([name, inPath]).toEqual([
        name,
        [...name.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter),
      ]);
    }
    const ids = operations().map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has no reference that leads nowhere', () => {
    const refs = [...JSON.stringify(document).matchAll(/"#\/components\/(\w+)\/([\w.]+)"/g)];
    expect(refs.length).toBeGreaterThan(20);
    for (const [, kind, name] of refs) {
      expect(document.components?.[kind as 'schemas']).toHaveProperty(name ?? '');
    }
  });

  it('describes problems as such, with the codes that exist', () => {
    const text = JSON.stringify(document);
    for (const code of text.match(/E_[A-Z_]+/g) ?? []) expect(Object.keys(ERRORS)).toContain(code);
    for (const [name, { responses }] of operations()) {
      for (const [status, { content = {} }] of Object.entries(responses)) {
        if (Number(status) < 400 || name.includes('/api/health')) continue;
        expect([name, status, Object.keys(content)]).toEqual([name, status, ['application/problem+json']]);
      }
    }
  });
});

describe('/api/docs', () => {
  it('is served from here with everything it loads, under a policy without foreign or inline scripts', async () => {
    const response = await fetch(`${jack.url}/api/docs`);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("script-src 'self';");
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval/);
    const page = await response.text();
    const assets = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, url]) => url ?? '');
    expect(assets.length).toBeGreaterThanOrEqual(3);
    for (const asset of assets) expect((await fetch(new URL(asset, response.url))).status).toBe(200);
    expect(page).not.toMatch(/<script>|\son\w+=/);
  });

  it('When a first visitor opens the address from the log, then something to look at comes', async () => {
    const response = await fetch(jack.url);
    expect(response.url).toBe(`${jack.url}/simulator`);
    expect(response.status).toBe(200);
  });
});
