/** What must never be stored is masked before anything else reads the text (DOMAIN.md 8.6). */
import { type IdentifierKind, maskIdentifiers } from '../privacy/mask.js';
import type { InboundSms } from '../twilio/webhook.js';

export interface MaskedSms extends InboundSms {
  /** Kinds of what was masked; empty: nothing was. */
  readonly masked: readonly IdentifierKind[];
}

export function maskedText(text: InboundSms): MaskedSms {
  const { text: body, kinds } = maskIdentifiers(text.body);
  return { ...text, body, masked: [...new Set([...kinds, ...(text.assigned?.masked ?? [])])] };
}
