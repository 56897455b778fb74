/** The table that every other one hangs on, and the columns that they share; apart, so that schema/* need no cycle. */
import { sql } from 'drizzle-orm';
import { jsonb, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';
import type { OrganizationId, OrganizationSettings, Rev } from '../../types.js';

export const moment = (name: string) => timestamp(name, { withTimezone: true, mode: 'date', precision: 3 });
export const createdAt = () => moment('created_at').notNull().default(sql`clock_timestamp()`);

export const organizations = pgTable('organizations', {
  id: text('id').$type<OrganizationId>().primaryKey(),
  name: text('name').notNull(),
  timezone: text('timezone').notNull(),
  settings: jsonb('settings').$type<OrganizationSettings>().notNull().default({}),
  /** The organization's own Twilio account; null means the deployment's default account. */
  twilioAccountSid: text('twilio_account_sid'),
  /** Sealed with the installation's key (services/secrets.ts), never in clear. */
  twilioAuthTokenSealed: text('twilio_auth_token_sealed'),
  /** Renewed when the organization, its numbers or its inventory change: settings are cached under it. */
  rev: uuid('rev').$type<Rev>().notNull().default(sql`gen_random_uuid()`),
  createdAt: createdAt(),
});

export const organizationId = () =>
  text('organization_id')
    .$type<OrganizationId>()
    .notNull()
    .references(() => organizations.id, { onDelete: 'cascade' });
