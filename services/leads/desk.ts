/** Where leads arrive: a document becomes inquiries in the record, and what was planned because of them is on its way. */
import { createHash } from 'node:crypto';
import type { Database } from '../db/client.js';
import type { InquiryConsent } from '../db/schema/inquiries.js';
import { maskIdentifiers } from '../privacy/mask.js';
import { type StoredInquiry, storeLeadDocument } from '../record/inquiries.js';
import { readProfile } from '../record/organizations.js';
import type { Secrets } from '../secrets.js';
import type { OrganizationId } from '../types.js';
import { decodeText } from './adf/mail.js';
import { readAdf } from './adf/read.js';
import { toInquiry } from './inquiry.js';
import { countryOfNumber } from './phones.js';
import type { Prospect, ReadProspect } from './prospect.js';

export interface LeadDeskDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  /** Told after a commit that planned a text. */
  onPlanned(): void;
}

/** A request of the lead webhook. */
export interface LeadRequest {
  readonly contentType: string | undefined;
  readonly bytes: Buffer;
  readonly idempotencyKey: string | undefined;
  /** What the caller calls itself; undefined: what the document says. */
  readonly source: string | undefined;
}

/** A lead that was not ADF, as its reader has it. */
export interface JsonLead extends ReadProspect {
  readonly source: string | undefined;
  readonly consent: InquiryConsent | undefined;
  readonly doNotText: boolean;
  readonly attributes: Readonly<Record<string, unknown>> | undefined;
}

export interface LeadDesk {
  /** @throws JackError E_INPUT_INVALID, E_BODY_TOO_LARGE, E_CONFLICT, E_LEAD_UNREACHABLE */
  receiveAdf(organizationId: OrganizationId, request: LeadRequest): Promise<readonly StoredInquiry[]>;
  /** @throws JackError E_CONFLICT, E_LEAD_UNREACHABLE */
  receiveJson(
    organizationId: OrganizationId,
    request: LeadRequest,
    lead: JsonLead,
  ): Promise<readonly StoredInquiry[]>;
}

/** A form on a site is how inquiries reach listing sites; ADF itself has no word for consent. */
const INQUIRY_CONSENT: InquiryConsent = { basis: 'web_form' };
const CONSENT_GUESS = 'the inquiry itself is taken as the permission to answer it by text';

export function createLeadDesk({ database, secrets, onPlanned }: LeadDeskDeps): LeadDesk {
  return {
    receiveAdf: async (organizationId, request) => {
      const leads = readAdf(request.contentType, request.bytes).map(({ prospect, guessed }) => ({
        prospect,
        guessed: [...guessed, CONSENT_GUESS],
        source: sourceOf(prospect),
        consent: INQUIRY_CONSENT,
        doNotText: false,
        attributes: undefined,
      }));
      return await store(organizationId, request, 'adf', leads);
    },
    receiveJson: (organizationId, request, lead) => store(organizationId, request, 'json', [lead]),
  };

  async function store(
    organizationId: OrganizationId,
    request: LeadRequest,
    form: 'adf' | 'json',
    leads: readonly JsonLead[],
  ): Promise<readonly StoredInquiry[]> {
    const profile = await readProfile(database, organizationId);
    const country = countryOfNumber(profile?.phoneNumbers[0]);
    const { contentType = '', bytes, idempotencyKey } = request;
    const stored = await storeLeadDocument(
      { database, secrets },
      organizationId,
      {
        requestKey: idempotencyKey === undefined ? undefined : `key:${idempotencyKey}`,
        digest: createHash('sha256').update(bytes).digest('hex'),
        contentType: contentType.slice(0, 200),
        form,
        text: maskIdentifiers(storable(decodeText(contentType, bytes))).text,
      },
      leads.map((lead) =>
        toInquiry(lead, { ...lead, source: request.source ?? lead.source ?? form, country }),
      ),
    );
    if (stored.some((one) => one.outcome !== 'refused' && one.firstTouch.state === 'due')) onPlanned();
    return stored;
  }
}

/** The listing site and not its service: one source keeps one name. */
const sourceOf = ({ provider, ids }: Prospect): string | undefined => provider?.name ?? ids?.[0]?.source;

const storable = (text: string): string => text.replace(/\0|\p{Surrogate}/gu, '\ufffd');
