/** A lead of ours as a prospect, for a CRM: what was asked last, and how the person is reached now. */
import type { Inquiry } from '../../record/inquiryReads.js';
import type { Lead } from '../../record/leads.js';
import type { Prospect, ProspectPhone } from '../prospect.js';

/** @param inquiry the newest; undefined when the person came by a text. @param dealership the organization's name. */
export function toOutgoing(lead: Lead, inquiry: Inquiry | undefined, dealership: string): Prospect {
  const asked = inquiry?.prospect;
  const own: ProspectPhone = { value: lead.phone, type: 'cellphone' };
  const name = asked?.contact.name ?? (lead.name === null ? undefined : { full: lead.name });
  const email = lead.email ?? asked?.contact.email;
  return {
    ...asked,
    ids: [{ value: lead.id, source: 'jack' }, ...(asked?.ids ?? [])],
    status: 'new',
    requestedAt: inquiry?.requestedAt ?? lead.createdAt,
    contact: {
      ...asked?.contact,
      ...(name === undefined ? {} : { name }),
      ...(email === undefined ? {} : { email }),
      phones: [own],
    },
    vendor: { ...asked?.vendor, name: asked?.vendor?.name ?? dealership },
    provider: asked?.provider ?? { name: lead.source },
  };
}
