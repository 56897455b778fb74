/** One entry of a Map or a list, checked: an item for the record, or why it is rejected. */
import type { E164, OrganizationId } from '../types.js';
import { isOrganizationId } from '../types.js';
import { maskKey, type OrganizationOf, phoneOf, placeKey } from './entryKey.js';
import { shapeChat, shapeProviderKey } from './shapes/chat.js';
import { shapeContext, shapeSummary } from './shapes/context.js';
import { shapeHistory } from './shapes/history.js';
import { shapeLeadToPhone, shapePhoneToLead } from './shapes/lead.js';
import { shapeAgent, shapeOrganization } from './shapes/organization.js';
import type { Shaped } from './shapes/shape.js';
import type { ImportItem, MapKind, MigrationKind } from './types.js';

export interface SourceEntry {
  readonly kind: MigrationKind;
  /** Of a Map; of a list its place in it. */
  readonly key: string;
  readonly value: unknown;
  /** Set when the source could not give the value: `not_json`, `too_large`. */
  readonly problem?: string;
}

export interface ShapeOptions {
  /** Whose a bare key is. */
  readonly organizationOf: OrganizationOf;
  /** Whose chats and keys the lists are. */
  readonly organizationId?: OrganizationId | undefined;
  /** For organizations that name no time zone. */
  readonly timezone?: string | undefined;
}

export type ShapedEntry = { readonly key: string } & (
  | { readonly item: ImportItem; readonly notes: readonly string[] }
  | { readonly reason: string }
);

/** The `key` of the answer is masked. */
export function shapeEntry(entry: SourceEntry, options: ShapeOptions): ShapedEntry {
  const key = maskKey(entry.key);
  if (entry.problem !== undefined) return { key, reason: entry.problem };
  const shaped =
    entry.kind === 'conversations' || entry.kind === 'keys' ? ofList(entry, options) : ofMap(entry, options);
  return typeof shaped === 'string' ? { key, reason: shaped } : { key, ...shaped };
}

type Answer = { readonly item: ImportItem; readonly notes: readonly string[] } | string;

function ofList({ kind, value }: SourceEntry, { organizationId }: ShapeOptions): Answer {
  if (organizationId === undefined) return 'needs_organization';
  return kind === 'conversations'
    ? itemOf(shapeChat(value), (chat) => ({ kind: 'conversations', organizationId, value: chat }))
    : itemOf(shapeProviderKey(value), (key) => ({ kind: 'keys', organizationId, value: key }));
}

function ofMap(entry: SourceEntry, options: ShapeOptions): Answer {
  const kind = entry.kind as MapKind;
  if (kind === 'organizations' || kind === 'agentConfigs') return ofOrganization(kind, entry, options);
  const placed = placeKey(entry.key, options.organizationOf);
  if (!placed) return 'organization_id_is_not_valid';
  const { organizationId, rest } = placed;
  if (kind === 'leadToPhone') {
    if (organizationId === undefined) return 'needs_organization';
    return itemOf(shapeLeadToPhone(rest, entry.value), (lead) => ({
      kind,
      organizationId,
      phone: lead.phone,
      value: lead,
    }));
  }
  const phone = phoneOf(rest);
  if (!phone) return 'phone_is_not_e164';
  if (organizationId === undefined) return 'needs_organization';
  return ofPerson(kind, { organizationId, phone }, entry.value);
}

function ofOrganization(
  kind: 'organizations' | 'agentConfigs',
  { key, value }: SourceEntry,
  { timezone }: ShapeOptions,
): Answer {
  if (!isOrganizationId(key)) return 'organization_id_is_not_valid';
  const at = { organizationId: key };
  return kind === 'organizations'
    ? itemOf(shapeOrganization(key, value, timezone), (organization) => ({
        kind,
        ...at,
        value: organization,
      }))
    : itemOf(shapeAgent(value), (agent) => ({ kind, ...at, value: agent }));
}

function ofPerson(
  kind: Exclude<MapKind, 'organizations' | 'agentConfigs' | 'leadToPhone'>,
  at: { readonly organizationId: OrganizationId; readonly phone: E164 },
  value: unknown,
): Answer {
  switch (kind) {
    case 'phoneToLead':
      return itemOf(shapePhoneToLead(at.phone, value), (lead) => ({ kind, ...at, value: lead }));
    case 'conversationHistory':
      return itemOf(shapeHistory(value), (messages) => ({ kind, ...at, value: messages }));
    case 'conversationContexts':
      return itemOf(shapeContext(value), (context) => ({ kind, ...at, value: context }));
    case 'conversationSummaries':
      return itemOf(shapeSummary(value), (summary) => ({ kind, ...at, value: summary }));
    default:
      return kind satisfies never;
  }
}

const itemOf = <T>(shaped: Shaped<T>, build: (value: T) => ImportItem): Answer =>
  shaped.isValid ? { item: build(shaped.value), notes: shaped.notes } : shaped.reason;
