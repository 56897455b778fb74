/** Who changed what. The trail outlives its organization. */
import type { Orm } from '../db/client.js';
import { audit } from '../db/schema.js';
import type { OrganizationId } from '../types.js';

export interface AuditEntry {
  /** `*` for the whole deployment. */
  readonly organizationId: OrganizationId | '*';
  /** `administrator`, or `key:` and the visible part of an API key. */
  readonly actor: string;
  readonly action: string;
  /** What it was done to: an id, never a phone or a name. */
  readonly subject: string;
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** In the caller's transaction where there is one, so that there is no change without its entry. */
export async function writeAudit(orm: Orm, entry: AuditEntry): Promise<void> {
  await orm.insert(audit).values({ ...entry, details: entry.details ?? {} });
}
