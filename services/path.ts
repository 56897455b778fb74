/** The path of one text, put together: receiver, turns, door, outbox, carrier; each counted. */
import { hostname } from 'node:os';
import type { StateDoor } from '../redis-migration.js';
import { introducingAssistant } from './assistant/introduction.js';
import { createScriptedAssistant } from './assistant/scripted.js';
import type { Assistant } from './assistant/types.js';
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import type { Database } from './db/client.js';
import type { LiveEvents } from './events.js';
import { createInboundReceiver, type InboundReceiver } from './inbound/receiver.js';
import type { Closers } from './lifecycle.js';
import type { Logger } from './logger.js';
import { countedAssistant, countedDoor, countedReceiver } from './metrics/counted.js';
import type { Metrics } from './metrics.js';
import { type Carrier, createCarrier } from './outbound/carrier.js';
import { createOutboundDoor, type OutboundDoor } from './outbound/door.js';
import { Reconciler } from './outbound/reconcile.js';
import { OutboxSender } from './outbound/sender.js';
import { createStatusWriter, type StatusWriter } from './outbound/statuses.js';
import type { Transport } from './outbound/transports/types.js';
import type { Secrets } from './secrets.js';
import { TurnRunner } from './turns/turnRunner.js';
import type { TurnLimits } from './turns/types.js';
import { STATUS_PATH } from './twilio/statusCallback.js';
import type { TwilioAccounts } from './twilioAccounts.js';

/** Put around parts of the path: by tests that watch a process there, or end it. */
export interface Around {
  receiver?(inner: InboundReceiver): InboundReceiver;
  door?(inner: OutboundDoor): OutboundDoor;
  transport?(inner: Transport): Transport;
}

export interface PathDeps {
  readonly config: Config;
  readonly options: {
    /** Instead of the scripted one. */
    readonly assistant?: Assistant;
    readonly turnLimits?: Partial<TurnLimits>;
    readonly around?: Around;
  };
  readonly database: Database;
  readonly secrets: Secrets;
  readonly state: StateDoor;
  readonly events: LiveEvents;
  readonly metrics: Metrics;
  readonly accounts: TwilioAccounts;
  /** Told when a text with pictures or files is in the record. */
  onMedia(): void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

export interface Path {
  readonly receiver: InboundReceiver;
  readonly door: OutboundDoor;
  readonly turns: TurnRunner;
  readonly assistant: Assistant;
  readonly statuses: StatusWriter;
  readonly simulator: Carrier['simulator'];
  /** @param url where Jack listens; what must end later is given to `closers`. */
  start(url: string, closers: Closers): Promise<void>;
}

export function createPath(deps: PathDeps): Path {
  const { config, options, database, secrets, state, events, metrics, accounts, clock, random, logger } =
    deps;
  const named = (subsystem: string) => logger.child({ subsystem });
  const assistant = countedAssistant(
    options.assistant ?? introducingAssistant(createScriptedAssistant()),
    metrics.path,
    clock,
  );
  const process = { url: '' };
  const isRealCarrier = config.twilio.accountSid !== undefined;
  const statuses = createStatusWriter({ database, secrets, events, clock, logger: named('statuses') });

  const carrier = createCarrier({
    config,
    database,
    clock,
    random,
    statuses,
    accounts,
    process,
    onSent: (id, outcome) => metrics.path.sent(id, outcome),
    logger: named('carrier'),
  });
  const { around = {} } = options;
  const transport = around.transport?.(carrier.transport) ?? carrier.transport;
  const sender = OutboxSender.create({
    database,
    secrets,
    transport,
    events,
    clock,
    logger: named('outbox'),
    isRealCarrier,
    accountSidOf: carrier.accountSidOf,
    statusCallbackUrl: () => (config.publicUrl ? `${config.publicUrl}${STATUS_PATH}` : undefined),
    statuses,
    ...(carrier.credentialHash ? { credentialHash: carrier.credentialHash } : {}),
    limits: { settleMs: carrier.settleMs, ...(carrier.isPaced ? {} : { aheadS: undefined }) },
  });
  const reconciler = Reconciler.create({
    database,
    transport,
    statuses,
    clock,
    random,
    logger: named('reconcile'),
    ...(carrier.credentialHash ? { credentialHash: carrier.credentialHash } : {}),
  });
  const innerDoor = createOutboundDoor({
    database,
    events,
    clock,
    isRealCarrier,
    onQueued: (conversationId) => sender.queued(conversationId),
  });
  const door = countedDoor(around.door?.(innerDoor) ?? innerDoor, metrics.path);
  const turns = TurnRunner.create({
    database,
    state: state,
    assistant,
    door,
    clock,
    logger: named('turns'),
    holder: `${hostname()}:${globalThis.process.pid}`,
    ...(options.turnLimits ? { limits: options.turnLimits } : {}),
  });
  const innerReceiver = createInboundReceiver({
    database,
    secrets,
    events,
    logger: named('inbound'),
    defaultAccountSid: config.twilio.accountSid,
    reply: config.reply,
    clock,
    isRealCarrier,
    onStored: (conversationId, seq) => turns.textStored(conversationId, seq),
    onMedia: () => deps.onMedia(),
    onAnswered: (conversationId) => sender.queued(conversationId),
    onReplyDue: (delayMs) => turns.wakeIn(delayMs),
  });
  const receiver = countedReceiver(around.receiver?.(innerReceiver) ?? innerReceiver, metrics.path);

  return {
    receiver,
    door,
    turns,
    assistant,
    statuses,
    simulator: carrier.simulator,
    start: async (url, closers) => {
      process.url = url;
      // Closed in this order: no new replies, then what is in the outbox is finished, then the carrier.
      closers.add('carrier', () => carrier.transport.stop?.());
      closers.add('statuses', () => statuses.idle());
      closers.add('outbox', () => sender.stop());
      closers.add('reconcile', () => reconciler.stop());
      closers.add('turns', () => turns.stop());
      closers.add('inbound', () => receiver.idle());
      await carrier.transport.start?.();
      await sender.start();
      await reconciler.noticeCredentials();
      reconciler.start();
      await turns.start();
    },
  };
}
