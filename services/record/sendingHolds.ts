/** Why nothing leaves for an organization: holds that the carrier's errors put up, and who takes them down. */
import { sql } from 'drizzle-orm';
import type { Database, Orm } from '../db/client.js';
import type { HoldKind, HoldScope } from '../db/schema/delivery.js';
import { jsonRows } from '../db/sqlHelpers.js';
import type { OrganizationId } from '../types.js';
import { writeAudit } from './audit.js';
import { isoUtc } from './utc.js';

export interface NewHold {
  readonly organizationId: OrganizationId;
  readonly kind: HoldKind;
  readonly scope: HoldScope;
  /** The carrier's. */
  readonly code: number;
  readonly until: 'lifted' | 'backoff' | 'tomorrow';
  readonly account: string;
  /** Of what the carrier refused; null where that is not what it refused. */
  readonly credentialHash: string | null;
}

export interface BackoffLimits {
  readonly firstMs: number;
  readonly longestMs: number;
}

/** Carriers of the US count days in Pacific time, which is the last of the continent to reach midnight. */
const CARRIER_DAY_ZONE = 'America/Los_Angeles';

/**
 * One row an organization and kind. A hold that is in force stays as it is, however many texts meet it; one that follows
 * the last within an hour is twice as long.
 */
export async function putUpHolds(
  tx: Orm,
  holds: readonly NewHold[],
  { firstMs, longestMs }: BackoffLimits,
): Promise<void> {
  const rows = new Map(holds.map((hold) => [`${hold.organizationId} ${hold.kind}`, hold]));
  if (rows.size === 0) return;
  const sorted = [...rows.keys()].sort().map((key) => toRow(rows.get(key) as NewHold));
  await tx.execute(
    sql`insert into sending_holds as h (organization_id, kind, scope, code, held_until, account, credential_hash)
      select organization_id, kind, scope, code, case until
          when 'backoff' then clock_timestamp() + make_interval(secs => ${firstMs / 1000}::float8)
          when 'tomorrow' then (date_trunc('day', clock_timestamp() at time zone ${CARRIER_DAY_ZONE}) + interval '1 day')
            at time zone ${CARRIER_DAY_ZONE} end, account, credential_hash
      from jsonb_to_recordset(${jsonRows(sorted)}) as r(organization_id text, kind text, scope text, code int, until text,
        account text, credential_hash text)
      order by organization_id, kind
      on conflict (organization_id, kind) do update set scope = excluded.scope, code = excluded.code,
        since = clock_timestamp(), account = excluded.account, credential_hash = excluded.credential_hash,
        strikes = case when h.held_until > clock_timestamp() - interval '1 hour' then least(h.strikes + 1, 20) else 1 end,
        held_until = case when h.kind = 'slow' and h.held_until > clock_timestamp() - interval '1 hour'
          then clock_timestamp() + least(make_interval(secs => ${firstMs / 1000}::float8 * 2 ^ h.strikes),
            make_interval(secs => ${longestMs / 1000}::float8)) else excluded.held_until end
      where h.held_until <= clock_timestamp()`,
  );
}

const toRow = (hold: NewHold): object => ({
  organization_id: hold.organizationId,
  kind: hold.kind,
  scope: hold.scope,
  code: hold.code,
  until: hold.until,
  account: hold.account,
  credential_hash: hold.credentialHash,
});

/** Times are ISO 8601 UTC. */
export interface Hold {
  readonly kind: HoldKind;
  readonly scope: HoldScope;
  readonly code: number;
  readonly since: string;
  /** Null: until an administrator lifts it or, for `credentials`, they change. */
  readonly heldUntil: string | null;
}

export const listHolds = (database: Database, organizationId: OrganizationId): Promise<Hold[]> =>
  database.query<Hold>(
    sql`select kind, scope, code, ${isoUtc(sql`since`)} as since, ${isoUtc(sql`held_until`)} as "heldUntil"
      from sending_holds where organization_id = ${organizationId}
        and (held_until is null or held_until > clock_timestamp())
      order by since, kind`,
  );

/** An administrator says that what stopped sending is mended. @returns the kinds that were lifted. */
export async function liftHolds(
  database: Database,
  organizationId: OrganizationId,
  actor: string,
): Promise<readonly HoldKind[]> {
  return await database.transaction(async (tx) => {
    const lifted = await database.query<{ kind: HoldKind; inForce: boolean }>(
      sql`delete from sending_holds where organization_id = ${organizationId}
        returning kind, held_until is null or held_until > clock_timestamp() as "inForce"`,
      tx,
    );
    const kinds = lifted.filter(({ inForce }) => inForce).map(({ kind }) => kind);
    await writeAudit(tx, {
      organizationId,
      actor,
      action: 'sending.resume',
      subject: organizationId,
      details: { holds: kinds.join(' ') },
    });
    return kinds;
  });
}

export interface CredentialHold {
  readonly organizationId: OrganizationId;
  readonly account: string;
  readonly credentialHash: string;
}

export const listCredentialHolds = (database: Database): Promise<CredentialHold[]> =>
  database.query<CredentialHold>(
    sql`select organization_id as "organizationId", account, credential_hash as "credentialHash" from sending_holds
      where kind = 'credentials' and credential_hash is not null`,
  );

/** The credentials are others now, so what was said of the old ones does not count. */
export async function liftCredentialHold(database: Database, hold: CredentialHold): Promise<void> {
  await database.orm.execute(
    sql`delete from sending_holds where organization_id = ${hold.organizationId} and kind = 'credentials'
      and credential_hash = ${hold.credentialHash}`,
  );
}
