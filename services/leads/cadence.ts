/** Whether a text that was planned is still right, at the moment when it would leave. Pure. */
import { regionsOf, whereaboutsOf } from '../outbound/whereabouts.js';
import type { FollowUpClaim, FollowUpOutcome } from '../record/followUps.js';
import { firstTouchText, followUpText } from './outreachText.js';

/** An inquiry is implied consent for six months: Canada's anti-spam law, section 10(9) and (10)(e) (DOMAIN.md 8.4). */
const CONSENT_MONTHS = 6;

export type FollowUpDecision =
  | { readonly send: true; readonly body: string }
  | { readonly send: false; readonly outcome: FollowUpOutcome };

export function decideFollowUp(claim: FollowUpClaim): FollowUpDecision {
  const stopped = (reason: string): FollowUpDecision => ({
    send: false,
    outcome: { state: 'stopped', reason },
  });
  if (claim.isSent) return { send: false, outcome: { state: 'sent', reason: null } };
  if (claim.optedOut) return stopped('opt_out');
  if (claim.lastInboundSeq > claim.knownSeq) return stopped('reply');
  if (claim.owner === 'human') return stopped('takeover');
  if (claim.slots.visitAt !== undefined) return stopped('appointment');
  if (claim.step > 0 && isConsentOver(claim)) return stopped('consent_expired');
  const { dealership, settings, prospect } = claim;
  const facts = { dealership, assistantName: settings.assistantName ?? 'Jack', prospect };
  if (claim.step === 0) return { send: true, body: firstTouchText(facts) };
  const template = settings.followUps?.[claim.step - 1]?.text;
  if (template === undefined) {
    return { send: false, outcome: { state: 'skipped', reason: 'no_longer_in_the_settings' } };
  }
  return { send: true, body: followUpText(template, facts) };
}

/** For everybody but those who are known to be in the United States alone. */
function isConsentOver({ phone, attributes, prospect, timezone, requestedAt, now }: FollowUpClaim): boolean {
  const { postalCode, region, country } = prospect.contact.address ?? {};
  const stated = {
    ...attributes,
    ...(postalCode || region || country ? { postalCode, region, country } : {}),
  };
  const regions = regionsOf(whereaboutsOf({ phone, stated, organizationZone: timezone }));
  if (regions.length > 0 && regions.every((code) => code.startsWith('US-'))) return false;
  const until = new Date(requestedAt);
  until.setUTCMonth(until.getUTCMonth() + CONSENT_MONTHS);
  return Date.parse(now) >= until.getTime();
}
