/** Who takes texts to handsets: Twilio when there is an account, else the simulated carrier. */
import { createHash } from 'node:crypto';
import type { Clock } from '../clock.js';
import type { Config } from '../config.js';
import type { Database } from '../db/client.js';
import { JackError } from '../errors.js';
import type { Logger } from '../logger.js';
import type { TwilioAccounts } from '../twilioAccounts.js';
import type { MessageId, OrganizationId } from '../types.js';
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
  /** Whether its numbers have a speed. */
  readonly isPaced: boolean;
  /** Of what the account is sent with now; undefined: there is nothing, or the carrier wants none. */
  credentialHash?(organizationId: OrganizationId, account: string): Promise<string | undefined>;
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
    return {
      transport: counted(transport),
      simulator: undefined,
      accountSidOf,
      settleMs: 5_000,
      isPaced: true,
      credentialHash: (organizationId, account) => hashOf(deps.accounts, organizationId, account),
    };
  }
  const simulator = SimulatedCarrier.create({
    database: deps.database,
    random: deps.random,
    logger,
    onStatus: (report) => statuses.report(report),
    baseUrl: () => deps.process.url,
  });
  return {
    transport: counted(simulator),
    simulator,
    accountSidOf: () => SIMULATED_ACCOUNT_SID,
    settleMs: 0,
    isPaced: false,
  };
}

/** Tells two tokens apart and nothing else: they are random, so a hash gives nothing away. */
async function hashOf(
  accounts: TwilioAccounts,
  organizationId: OrganizationId,
  account: string,
): Promise<string | undefined> {
  try {
    const { accountSid, authToken } = await accounts.credentialsFor(organizationId, account);
    return createHash('sha256').update(`${accountSid} ${authToken}`).digest('hex');
  } catch (error) {
    if (error instanceof JackError && error.code === 'E_CONFLICT') return undefined;
    throw error;
  }
}
