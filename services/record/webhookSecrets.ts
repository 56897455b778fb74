/** What an organization's webhooks are signed with: sealed in the record, shown once. */
import { sql } from 'drizzle-orm';
import type { Database } from '../db/client.js';
import type { Secrets } from '../secrets.js';
import type { OrganizationId } from '../types.js';
import { writeAudit } from './audit.js';

/**
 * Stores a new secret. The one before signs too for a day, so that the receiver can change without losing anything;
 * one that is older does not any more.
 */
export async function storeWebhookSecret(
  { database, secrets }: { readonly database: Database; readonly secrets: Secrets },
  organizationId: OrganizationId,
  { secret, actor }: { readonly secret: string; readonly actor: string },
): Promise<void> {
  const sealed = secrets.seal(organizationId, secret);
  await database.transaction(async (tx) => {
    await tx.execute(
      sql`insert into webhook_secrets as s (organization_id, secret_sealed) values (${organizationId}, ${sealed})
        on conflict (organization_id) do update set previous_sealed = s.secret_sealed,
          previous_until = clock_timestamp() + interval '24 hours', secret_sealed = excluded.secret_sealed,
          created_at = clock_timestamp()`,
    );
    await writeAudit(tx, { organizationId, actor, action: 'webhook_secret.create', subject: organizationId });
  });
}
