/** Signatures and forms as the carrier makes them, for tests that post webhooks by hand. */
export { type InboundFormOptions, inboundForm } from '../../simulator/forms.js';
export { newSid } from '../../simulator/sids.js';
export { bodySha256, formBody, type Params, signTwilio, type ToSign } from '../../simulator/signature.js';
