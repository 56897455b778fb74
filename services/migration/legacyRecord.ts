/**
 * The record as the state door reads it while a legacy Map is attached: what is missing there is looked for in the Map,
 * moved, and read again. The door itself knows nothing of it; without a Map nothing is asked twice.
 */
import type { E164, LeadId, OrganizationId, Rev } from '../types.js';
import type { LegacyReadThrough, Subject } from './readThrough.js';
import type { MapKind } from './types.js';

const OF_ORGANIZATIONS: readonly MapKind[] = ['organizations', 'agentConfigs'];
const ofPeople = (kind: MapKind): boolean => !OF_ORGANIZATIONS.includes(kind);
const ofOrganizations = (kind: MapKind): boolean => OF_ORGANIZATIONS.includes(kind);

/** Of what the state door asks the record for, the questions that a Map may answer; the others pass. */
export interface LegacyReadable {
  readSnapshot(
    organizationId: OrganizationId,
    conversationId: never,
  ): Promise<{ readonly leadId: LeadId } | undefined>;
  readHistoryRev(organizationId: OrganizationId, leadId: LeadId): Promise<Rev | undefined>;
  findLeadIdByPhone(organizationId: OrganizationId, phone: E164): Promise<LeadId | undefined>;
  findPhoneByLeadId(organizationId: OrganizationId, leadId: LeadId): Promise<E164 | undefined>;
  readOrganization(organizationId: OrganizationId): Promise<unknown>;
  readAgentConfiguration(organizationId: OrganizationId): Promise<unknown>;
}

export function withLegacyReads<Record extends LegacyReadable>(
  record: Record,
  readThroughs: () => readonly LegacyReadThrough[],
): Record {
  /** One after the other, in the order of the kinds' attachment: they may be about the same conversation. */
  const pull = async (
    organizationId: OrganizationId,
    subject: Subject,
    isWanted: (kind: MapKind) => boolean,
  ): Promise<boolean> => {
    let isChanged = false;
    for (const readThrough of [...readThroughs()]) {
      if (!isWanted(readThrough.kind)) continue;
      isChanged = (await readThrough.pull(organizationId, subject)) || isChanged;
    }
    return isChanged;
  };
  const isInUse = () => readThroughs().length > 0;
  return {
    ...record,
    /** Moving an entry renews the rev, so a turn that began before takes its claim again and then sees everything. */
    readSnapshot: async (organizationId: OrganizationId, conversationId: never) => {
      const snapshot = await record.readSnapshot(organizationId, conversationId);
      if (!snapshot || !isInUse()) return snapshot;
      const { leadId } = snapshot;
      const phone = await record.findPhoneByLeadId(organizationId, leadId);
      const isChanged = await pull(organizationId, { phone, leadId }, ofPeople);
      return isChanged ? await record.readSnapshot(organizationId, conversationId) : snapshot;
    },
    readHistoryRev: async (organizationId: OrganizationId, leadId: LeadId) => {
      if (isInUse()) {
        const phone = await record.findPhoneByLeadId(organizationId, leadId);
        await pull(organizationId, { phone, leadId }, ofPeople);
      }
      return await record.readHistoryRev(organizationId, leadId);
    },
    findLeadIdByPhone: async (organizationId: OrganizationId, phone: E164) => {
      const found = await record.findLeadIdByPhone(organizationId, phone);
      if (found !== undefined || !isInUse()) return found;
      const isChanged = await pull(organizationId, { phone }, ofPeople);
      return isChanged ? await record.findLeadIdByPhone(organizationId, phone) : undefined;
    },
    findPhoneByLeadId: async (organizationId: OrganizationId, leadId: LeadId) => {
      const found = await record.findPhoneByLeadId(organizationId, leadId);
      if (found !== undefined || !isInUse()) return found;
      const isChanged = await pull(organizationId, { leadId }, ofPeople);
      return isChanged ? await record.findPhoneByLeadId(organizationId, leadId) : undefined;
    },
    readOrganization: async (organizationId: OrganizationId) => {
      if (isInUse()) await pull(organizationId, {}, ofOrganizations);
      return await record.readOrganization(organizationId);
    },
    readAgentConfiguration: async (organizationId: OrganizationId) => {
      if (isInUse()) await pull(organizationId, {}, ofOrganizations);
      return await record.readAgentConfiguration(organizationId);
    },
  };
}
