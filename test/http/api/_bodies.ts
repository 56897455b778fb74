import { newPhone } from '../../support/records.js';

/** Bodies that are right, so that nothing but the credential or the tenant is the reason of a refusal. */
export const BODIES: Readonly<Record<string, () => unknown>> = {
  'POST /api/admin/organizations': () => ({
    name: 'Nobody Motors',
    timezone: 'America/Vancouver',
    phoneNumbers: [newPhone()],
  }),
  'POST /api/admin/organizations/{organizationId}/phone-numbers': () => ({ phoneNumber: newPhone() }),
  'PATCH /api/admin/organizations/{organizationId}/phone-numbers/{phoneNumber}': () => ({
    registration: 'approved',
  }),
  'POST /api/admin/quarantine/assign': () => ({
    accountSid: `AC${'1'.repeat(32)}`,
    to: newPhone(),
    organizationId: 'nobody',
  }),
  'POST /api/admin/quarantine/{quarantineId}/assign': () => ({ organizationId: 'nobody' }),
  'POST /api/admin/cache/fallback': () => ({ forced: false }),
  'POST /api/admin/cache/fallback/values': () => ({
    items: [{ name: 'jack:test:snapshot:{x}', value: 'AQ==', ttlMs: 1_000, tags: ['x'] }],
  }),
  'PATCH /api/organization': () => ({ name: 'Other Name' }),
  'POST /api/leads': () => ({ phone: newPhone() }),
  'POST /api/webhooks/leads': () => ({ phone: newPhone() }),
  'PATCH /api/leads/{leadId}': () => ({ name: 'Somebody' }),
  'POST /api/conversations/{leadId}/messages': () => ({ body: 'Hello' }),
  'POST /api/conversations/{leadId}/takeover': () => ({ name: 'Pat' }),
  'POST /api/conversations/{leadId}/presence': () => ({ name: 'Pat' }),
  'POST /api/conversations/{leadId}/retract': () => ({ count: 1 }),
};
