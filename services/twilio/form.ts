/** The webhook's own form parser: flat, keeps brackets in names, empty values and repeated names, as they were signed. */
import { JackError } from '../errors.js';

/** Parameter name → value, or all values in their order when the name was repeated. Has no prototype. */
export type FormParams = Readonly<Record<string, string | readonly string[]>>;

/** An MMS with ten pictures on a rich channel has about 60; Twilio adds parameters without notice. */
const MAX_PARAMETERS = 200;

/** @throws JackError E_INPUT_INVALID when there are more than 200 parameters. */
export function parseForm(rawBody: Buffer): FormParams {
  const params: Record<string, string | string[]> = Object.create(null);
  let count = 0;
  // URLSearchParams drops one leading "?"; an empty first pair protects it.
  for (const [name, value] of new URLSearchParams(`&${rawBody.toString('utf8')}`)) {
    count += 1;
    if (count > MAX_PARAMETERS) {
      throw new JackError('E_INPUT_INVALID', `A webhook has at most ${MAX_PARAMETERS} parameters.`);
    }
    const earlier = params[name];
    if (earlier === undefined) params[name] = value;
    else if (typeof earlier === 'string') params[name] = [earlier, value];
    else earlier.push(value);
  }
  return params;
}
