/** Everything a process is made of, built once and handed to whoever needs it; the only place that knows all parts. */

import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import type { StateDoor } from '../redis-migration.js';
import { createScriptedAssistant } from './assistant/scripted.js';
import type { Assistant } from './assistant/types.js';
import { type Clock, systemClock } from './clock.js';
import type { Config } from './config.js';
import { Database } from './db/client.js';
import { migrate } from './db/migrate.js';
import { createLiveEvents, type LiveEvents } from './events.js';
import { createInboundReceiver, type InboundReceiver } from './inbound/receiver.js';
import { type Closers, createClosers } from './lifecycle.js';
import type { Logger } from './logger.js';
import { createOutboundDoor, type OutboundDoor } from './outbound/door.js';
import { OutboxSender } from './outbound/sender.js';
import { createStatusWriter, type StatusWriter } from './outbound/statuses.js';
import { SIMULATED_ACCOUNT_SID, SimulatedCarrier } from './outbound/transports/simulatedCarrier.js';
import { createTwilioTransport } from './outbound/transports/twilioTransport.js';
import type { Transport } from './outbound/transports/types.js';
import { seedDemo } from './record/seedDemo.js';
import { loadSecrets, type Secrets } from './secrets.js';
import { createTower, type Tower } from './tower.js';
import { TurnRunner } from './turns/turnRunner.js';
import type { TurnLimits } from './turns/types.js';
import { createTwilioAccounts, type TwilioAccounts } from './twilioAccounts.js';

export interface AppContext {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly database: Database;
  readonly secrets: Secrets;
  readonly state: StateDoor;
  /** Undefined when no Redis is configured. */
  readonly redis: Tower['redis'];
  readonly events: LiveEvents;
  readonly accounts: TwilioAccounts;
  readonly receiver: InboundReceiver;
  readonly door: OutboundDoor;
  readonly turns: TurnRunner;
  readonly assistant: Assistant;
  /** Present when texts go through the simulated carrier. */
  readonly simulator: SimulatedCarrier | undefined;
  readonly version: string;
  /** Begins background work; `url` is where Jack listens. */
  start(url: string): Promise<void>;
  /** From here on readiness says no; what is under way is finished. */
  beginStop(): void;
  isStopping(): boolean;
  /** Ends background work, then the stores. Safe to call twice. */
  close(): Promise<void>;
}

export interface ContextOptions {
  readonly logger: Logger;
  readonly clock?: Clock;
  /** From 0 up to 1, as Math.random. */
  readonly random?: () => number;
  /** Instead of the scripted one. */
  readonly assistant?: Assistant;
  readonly turnLimits?: Partial<TurnLimits>;
  /** A migrated PGlite to begin with, in memory (tests). */
  readonly pgliteDump?: Blob;
  /** Whether an empty record gets the demo dealership; with a simulated carrier it does. */
  readonly demo?: boolean;
}

export async function createContext(config: Config, options: ContextOptions): Promise<AppContext> {
  const closers = createClosers();
  try {
    return await build(config, options, closers);
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

async function build(config: Config, options: ContextOptions, closers: Closers): Promise<AppContext> {
  const { logger } = options;
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const named = (subsystem: string) => logger.child({ subsystem });
  const database = await openRecord(config, options);
  closers.add('record', () => database.close());
  await migrate(database);
  const secrets = await loadSecrets(database, config.sessionSecret);
  const tower = await createTower({ config, database, secrets, logger, clock, random });
  closers.add('state', () => tower.stop());
  const events = createLiveEvents();
  const accounts = createTwilioAccounts({ config: config.twilio, database, secrets });
  const statuses = createStatusWriter(database, events);
  const assistant = options.assistant ?? createScriptedAssistant();
  const process = { url: '', isStopping: false };

  const carrier = createCarrier({
    config,
    database,
    clock,
    random,
    statuses,
    accounts,
    process,
    logger: named('carrier'),
  });
  const sender = OutboxSender.create({
    database,
    secrets,
    transport: carrier.transport,
    events,
    clock,
    logger: named('outbox'),
    accountSidOf: carrier.accountSidOf,
    limits: { settleMs: carrier.settleMs },
  });
  const door = createOutboundDoor({
    database,
    events,
    onQueued: (conversationId) => sender.queued(conversationId),
  });
  const turns = TurnRunner.create({
    database,
    state: tower.state,
    assistant,
    door,
    clock,
    logger: named('turns'),
    holder: `${hostname()}:${globalThis.process.pid}`,
    ...(options.turnLimits ? { limits: options.turnLimits } : {}),
  });
  const receiver = createInboundReceiver({
    database,
    secrets,
    events,
    logger: named('inbound'),
    defaultAccountSid: config.twilio.accountSid,
    reply: config.reply,
    onReplyDue: (delayMs) => turns.wakeIn(delayMs),
  });
  const isDemo = options.demo ?? (carrier.simulator !== undefined && config.nodeEnv === 'development');
  if (isDemo && (await seedDemo(database))) logger.info('the demo dealership was put into the empty record');

  return {
    config,
    logger,
    clock,
    database,
    secrets,
    state: tower.state,
    redis: tower.redis,
    events,
    accounts,
    receiver,
    door,
    turns,
    assistant,
    simulator: carrier.simulator,
    version: packageVersion(),
    start: async (url) => {
      process.url = url;
      // Closed in this order: no new replies, then what is in the outbox is finished, then the carrier.
      closers.add('carrier', () => carrier.transport.stop?.());
      closers.add('statuses', () => statuses.idle());
      closers.add('outbox', () => sender.stop());
      closers.add('turns', () => turns.stop());
      closers.add('inbound', () => receiver.idle());
      await carrier.transport.start?.();
      await sender.start();
      await turns.start();
    },
    beginStop: () => {
      process.isStopping = true;
    },
    isStopping: () => process.isStopping,
    close: () => closers.closeAll(),
  };
}

const openRecord = (config: Config, { logger, pgliteDump }: ContextOptions): Promise<Database> =>
  Database.open({
    databaseUrl: config.databaseUrl,
    dataDir: pgliteDump ? undefined : config.dataDir,
    pgliteDump,
    logger: logger.child({ subsystem: 'record' }),
  });

interface Carrier {
  readonly transport: Transport;
  readonly simulator: SimulatedCarrier | undefined;
  accountSidOf(account: string): string;
  /** How long after a broken-off send the carrier may not list it yet. */
  readonly settleMs: number;
}

interface CarrierDeps {
  readonly config: Config;
  readonly database: Database;
  readonly clock: Clock;
  readonly random: () => number;
  readonly statuses: StatusWriter;
  readonly accounts: TwilioAccounts;
  readonly process: { readonly url: string };
  readonly logger: Logger;
}

function createCarrier(deps: CarrierDeps): Carrier {
  const { config, logger, statuses } = deps;
  const { accountSid } = config.twilio;
  if (accountSid !== undefined) {
    const transport = createTwilioTransport({
      credentialsFor: (organizationId, account) => deps.accounts.credentialsFor(organizationId, account),
      baseUrl: config.twilio.apiBaseUrl,
      logger,
    });
    const accountSidOf = (account: string) => (account === 'default' ? accountSid : account);
    return { transport, simulator: undefined, accountSidOf, settleMs: 5_000 };
  }
  const simulator = SimulatedCarrier.create({
    database: deps.database,
    random: deps.random,
    logger,
    onStatus: (report) => statuses.report(report),
    baseUrl: () => deps.process.url,
  });
  return { transport: simulator, simulator, accountSidOf: () => SIMULATED_ACCOUNT_SID, settleMs: 0 };
}

function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  return version;
}
