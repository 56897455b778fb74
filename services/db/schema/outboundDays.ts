/** How many texts an organization has sent a day; only counted while it has set itself a limit. */
import { date, integer, pgTable, primaryKey } from 'drizzle-orm/pg-core';
import { organizationId } from './organizations.js';

export const outboundDays = pgTable(
  'outbound_days',
  {
    organizationId: organizationId(),
    /** On the organization's own calendar. */
    day: date('day').notNull(),
    texts: integer('texts').notNull(),
  },
  (t) => [primaryKey({ columns: [t.organizationId, t.day] })],
);
