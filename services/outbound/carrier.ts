/** Who takes texts to handsets: Twilio when there is an account, else the simulated carrier. */
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import type { Database } from '../db/client.js';
import type { Logger } from '../logger.js';
import type { TwilioAccounts } from '../twilioAccounts.js';
import type { MessageId } from '../types.js';
import type { StatusWriter } from './statuses.js';
import { countedTransport } from './transports/countedTransport.js';
import { SIMULATED_ACCOUNT_SID, SimulatedCarrier } from './transports/simulatedCarrier.js';
import { createTwilioTransport } from './transports/twilioTransport.js';
import type { SendResult, Transport } from './transports/types.js';

export interface Carrier {
  readonly transport: Transport;
  readonly simulator: SimulatedCarrier | undefined;
  accountSidOf(account: string): string;
  /** How long after a broken-off send the carrier may not list it yet. */
  readonly settleMs: number;
}

export interface CarrierDeps {
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: () => number;
  readonly statuses: StatusWriter;
  readonly accounts: TwilioAccounts;
  readonly process: { readonly url: string };
  /** Told what became of each attempt to send. */
  onSent(messageId: MessageId, outcome: SendResult['outcome']): void;
  readonly logger: Logger;
}

export function createCarrier(deps: CarrierDeps): Carrier {
  const { config, logger, statuses } = deps;
  const { accountSid } = config.twilio;
  const counted = (transport: Transport) =>
    countedTransport(transport, ({ id }, { outcome }) => deps.onSent(id, outcome));
  if (accountSid !== undefined) {
    const transport = createTwilioTransport({
      credentialsFor: (organizationId, account) => deps.accounts.credentialsFor(organizationId, account),
      baseUrl: config.twilio.apiBaseUrl,
      logger,
    });
    const accountSidOf = (account: string) => (account === 'default' ? accountSid : account);
    return { transport: counted(transport), simulator: undefined, accountSidOf, settleMs: 5_000 };
  }
  const simulator = SimulatedCarrier.create({
    database: deps.database,
    random: deps.random,
    logger,
    onStatus: (report) => statuses.report(report),
    baseUrl: () => deps.process.url,
  });
  return { transport: counted(simulator), simulator, accountSidOf: () => SIMULATED_ACCOUNT_SID, settleMs: 0 };
}
