/**
 * The carrier of most tests: the simulator without delays. A text that the API takes is on its handset at once and
 * stays `queued` until the test moves it; any sender is taken for a number of the account.
 */
import { TwilioSimulator, type TwilioSimulatorOptions } from '../../simulator/twilio.js';

export type { TwilioFault } from '../../simulator/faults.js';
export type { RecordedRequest } from '../../simulator/state.js';
export type { SimulatedText as DoubleText } from '../../simulator/text.js';
export type { DeliverOptions } from '../../simulator/twilio.js';

export type TwilioDouble = TwilioSimulator;
export type TwilioDoubleOptions = TwilioSimulatorOptions;

export async function startTwilioDouble(options: TwilioDoubleOptions = {}): Promise<TwilioDouble> {
  const twilio = TwilioSimulator.create({ delivery: 'manual', unknownSenders: 'accept', ...options });
  await twilio.start();
  return twilio;
}
