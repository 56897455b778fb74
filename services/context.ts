/** Everything a process is made of, built once and handed to whoever needs it; the only place that knows all parts. */

import { createRequire } from 'node:module';
import type { StateDoor } from '../redis-migration.js';
import type { Archive } from './archive.js';
import type { Assistant } from './assistant/types.js';
import { type Clock, systemClock } from './clock.js';
import type { Config } from './config.js';
import { Database } from './db/client.js';
import { migrate } from './db/migrate.js';
import { createLiveEvents, type LiveEvents } from './events.js';
import { Feed, type FeedLimits } from './feed/feed.js';
import { createQuarantineDesk, type QuarantineDesk } from './inbound/quarantine.js';
import type { InboundReceiver } from './inbound/receiver.js';
import type { LeadDesk } from './leads/desk.js';
import type { OutreachLimits } from './leads/outreach.js';
import { createLeads } from './leads.js';
import { type Closers, createClosers } from './lifecycle.js';
import type { Logger } from './logger.js';
import type { MediaLimits } from './media/types.js';
import { createMediaLibrary, type MediaLibrary } from './media.js';
import type { Metrics } from './metrics.js';
import type { Monitor } from './monitoring/monitor.js';
import type { RedisHealthReader } from './monitoring/redisHealth.js';
import type { OutboundDoor } from './outbound/door.js';
import type { StatusWriter } from './outbound/statuses.js';
import type { SimulatedCarrier } from './outbound/transports/simulatedCarrier.js';
import { createOutside } from './outside.js';
import { type Around, createPath } from './path.js';
import { createPeople, type PeopleOptions } from './people.js';
import { PresenceBoard } from './pubsub/presence.js';
import type { PubSub } from './pubsub.js';
import type { Limits } from './rateLimits/limits.js';
import { seedDemo } from './record/seedDemo.js';
import { loadSecrets, type Secrets } from './secrets.js';
import type { SessionRules } from './sessions/rules.js';
import { Sessions } from './sessions.js';
import { createTower, type Tower } from './tower.js';
import type { TurnRunner } from './turns/turnRunner.js';
import type { TurnLimits } from './turns/types.js';
import { createTwilioAccounts, type TwilioAccounts } from './twilioAccounts.js';
import { createUpkeep } from './upkeep.js';
import { createVoiceDesk, type VoiceDesk } from './voice/calls.js';
import type { WarmingLimits } from './warming.js';

export interface AppContext {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly database: Database;
  readonly secrets: Secrets;
  readonly state: StateDoor;
  /** Undefined when no Redis is configured. */
  readonly redis: Tower['redis'];
  readonly limits: Tower['limits'];
  readonly sessions: Sessions;
  readonly monitor: Monitor;
  readonly redisHealth: RedisHealthReader;
  readonly metrics: Metrics;
  readonly events: LiveEvents;
  readonly feed: Feed;
  readonly presence: PresenceBoard;
  readonly pubsub: PubSub;
  readonly accounts: TwilioAccounts;
  readonly receiver: InboundReceiver;
  readonly statuses: StatusWriter;
  readonly door: OutboundDoor;
  readonly turns: TurnRunner;
  readonly assistant: Assistant;
  readonly archive: Archive;
  readonly media: MediaLibrary;
  readonly quarantine: QuarantineDesk;
  /** Where leads arrive. */
  readonly leadDesk: LeadDesk;
  /** Calls of a voice agent. */
  readonly voiceDesk: VoiceDesk;
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
  readonly around?: Around;
  /** Of greetings and follow-ups, instead of the defaults. */
  readonly outreachLimits?: Partial<OutreachLimits>;
  /** What is read ahead after the start; `sinceMs: 0`: nothing. */
  readonly warming?: Partial<WarmingLimits>;
  /** How much state is kept decoded in this process; 0: all of it is read from Redis or the Map each time. */
  readonly localCacheBytes?: number;
  /** Of pictures and files, instead of the defaults. */
  readonly mediaLimits?: Partial<MediaLimits>;
  /** Of streams, instead of the defaults. */
  readonly feedLimits?: Partial<FeedLimits>;
  /** Of alerts and takeovers, instead of the defaults. */
  readonly people?: PeopleOptions;
  /** Rate limits instead of the defaults, each as a whole. */
  readonly limits?: Partial<Limits>;
  /** Lifetimes of sessions instead of the defaults. */
  readonly sessionRules?: Partial<SessionRules>;
  /** How often the tower is looked at for alerts. */
  readonly monitorEveryMs?: number;
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
  const tower = await createTower({
    config,
    database,
    secrets,
    logger,
    clock,
    random,
    limits: options.limits,
    localMaxBytes: options.localCacheBytes,
  });
  closers.add('state', () => tower.stop());
  const sessions = Sessions.create({
    database,
    state: tower.state,
    clock,
    random,
    logger: named('sessions'),
    rules: options.sessionRules,
  });
  closers.add('sessions', () => sessions.stop());
  const events = createLiveEvents(tower.pubsub);
  const feed = Feed.create({
    database,
    events,
    pubsub: tower.pubsub,
    random,
    logger: named('feed'),
    limits: options.feedLimits,
  });
  closers.add('feed', () => feed.stop());
  const { monitor, redisHealth, metrics } = createOutside({
    config,
    tower,
    version: packageVersion(),
    clock,
    logger,
    monitorEveryMs: options.monitorEveryMs,
  });
  closers.add('monitor', () => monitor.stop());
  const accounts = createTwilioAccounts({ config: config.twilio, database, secrets });
  const media = createMediaLibrary({
    config,
    database,
    accounts,
    clock,
    random,
    logger: named('media'),
    limits: options.mediaLimits,
    onOutcome: (outcome) => metrics.path.mediaTaken(outcome),
  });
  closers.add('media', () => media.keeper.stop());
  const path = createPath({
    config,
    options,
    database,
    secrets,
    state: tower.state,
    events,
    metrics,
    accounts,
    onMedia: () => media.keeper.wake(),
    clock,
    random,
    logger,
  });
  const upkeep = createUpkeep({ config, options, database, state: tower.state, clock, random, logger });
  const people = createPeople({
    config,
    options: options.people ?? {},
    database,
    secrets,
    events,
    door: path.door,
    onReturned: () => path.turns.wake(),
    clock,
    random,
    logger,
  });
  const leads = createLeads({
    database,
    secrets,
    door: path.door,
    logger: named('leads'),
    limits: options.outreachLimits,
  });
  let isStopping = false;
  const isDemo = options.demo ?? (path.simulator !== undefined && config.nodeEnv === 'development');
  if (isDemo && (await seedDemo(database))) logger.info('the demo dealership was put into the empty record');

  return {
    config,
    logger,
    clock,
    database,
    secrets,
    state: tower.state,
    redis: tower.redis,
    limits: tower.limits,
    sessions,
    events,
    feed,
    presence: PresenceBoard.create({ state: tower.state, pubsub: tower.pubsub, clock }),
    pubsub: tower.pubsub,
    monitor,
    redisHealth,
    metrics,
    accounts,
    receiver: path.receiver,
    statuses: path.statuses,
    door: path.door,
    turns: path.turns,
    assistant: path.assistant,
    archive: upkeep.archive,
    media,
    quarantine: createQuarantineDesk({ database, receiver: path.receiver }),
    leadDesk: leads.desk,
    voiceDesk: createVoiceDesk({ database, secrets, state: tower.state, events }),
    simulator: path.simulator,
    version: packageVersion(),
    start: async (url) => {
      sessions.start();
      feed.start();
      await path.start(url, closers);
      leads.start(closers);
      await media.keeper.start();
      monitor.start();
      metrics.start();
      upkeep.start(closers);
      people.start(closers);
    },
    beginStop: () => {
      isStopping = true;
      feed.beginStop();
    },
    isStopping: () => isStopping,
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

function packageVersion(): string {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  return version;
}
