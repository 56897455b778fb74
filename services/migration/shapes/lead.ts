/** Both directions of phone and lead: an id, a phone, or an object around them. */
import type { E164 } from '../../types.js';
import { phoneOf } from '../entryKey.js';
import type { ImportedLead } from '../types.js';
import { emailOf } from './context.js';
import { invalid, type Shaped, valid } from './shape.js';
import { fieldsOf, pick, wordsOf } from './values.js';

const MAX_ID_CHARACTERS = 200;

/** The value under a phone. */
export function shapePhoneToLead(phone: E164, given: unknown): Shaped<ImportedLead> {
  const fields = fieldsOf(given);
  if (!fields) {
    const sourceId = wordsOf(given, MAX_ID_CHARACTERS);
    return sourceId === undefined ? invalid('lead_id_is_missing') : valid(leadOf(phone, sourceId, {}));
  }
  return valid(
    leadOf(phone, wordsOf(pick(fields, ['id', 'leadId', 'lead_id', '_id']), MAX_ID_CHARACTERS), fields),
  );
}

/** The value under a lead's id. */
export function shapeLeadToPhone(leadId: string, given: unknown): Shaped<ImportedLead> {
  const fields = fieldsOf(given);
  const text = wordsOf(fields ? pick(fields, ['phone', 'phoneNumber', 'phone_number']) : given, 40);
  // `organization:phone` is what some servers keep on this side as well.
  const phone = text === undefined ? undefined : phoneOf(text.slice(text.indexOf(':') + 1));
  const sourceId = wordsOf(leadId, MAX_ID_CHARACTERS);
  if (!phone) return invalid('phone_is_not_e164');
  if (sourceId === undefined) return invalid('lead_id_is_missing');
  return valid(leadOf(phone, sourceId, fields ?? {}));
}

function leadOf(
  phone: E164,
  sourceId: string | undefined,
  fields: Readonly<Record<string, unknown>>,
): ImportedLead {
  return {
    sourceId,
    phone,
    name: wordsOf(pick(fields, ['name', 'fullName', 'customerName']), 200),
    email: emailOf(fields.email),
    status: wordsOf(fields.status, 50),
  };
}
