/** What concerns the people at a dealership, put together: conversations that go back by themselves, alerts that reach them. */

import { AlertSender, type AlertSenderLimits } from './alerts/delivery.js';
import { createPoster } from './alerts/post.js';
import { AlertTexter, type AlertTexterLimits } from './alerts/texter.js';
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import type { Database } from './db/client.js';
import type { LiveEvents } from './events.js';
import type { Closers } from './lifecycle.js';
import type { Logger } from './logger.js';
import type { OutboundDoor } from './outbound/door.js';
import { createOwnerReturns } from './ownership/returns.js';
import type { Secrets } from './secrets.js';

export interface PeopleOptions {
  /** Whether alerts may be sent to this machine (tests). */
  readonly isLoopbackAllowed?: boolean;
  readonly alerts?: Partial<AlertSenderLimits>;
  /** Of the texts to staff phones. */
  readonly alertTexts?: Partial<AlertTexterLimits>;
  /** How often silence of staff is looked for. */
  readonly returnsEveryMs?: number;
}

export interface PeopleDeps {
  readonly config: Config;
  readonly options: PeopleOptions;
  readonly database: Database;
  readonly secrets: Secrets;
  readonly events: LiveEvents;
  readonly door: Pick<OutboundDoor, 'submit'>;
  /** Told when conversations went back to the assistant. */
  onReturned(): void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

export interface People {
  /** What must end later is given to `closers`. */
  start(closers: Closers): void;
}

/** Receivers are to answer at once and work afterwards; who takes longer hears of it again. */
const POST_TIMEOUT_MS = 10_000;

export function createPeople(deps: PeopleDeps): People {
  const { config, options, database, secrets, events, door, onReturned, clock, random, logger } = deps;
  const returns = createOwnerReturns({
    database,
    events,
    onReturned,
    random,
    everyMs: options.returnsEveryMs,
    logger: logger.child({ subsystem: 'ownership' }),
  });
  const alerts = AlertSender.create({
    database,
    secrets,
    clock,
    random,
    limits: options.alerts,
    post: createPoster({
      isHttpAllowed: config.nodeEnv !== 'production',
      isLoopbackAllowed: options.isLoopbackAllowed ?? false,
      timeoutMs: POST_TIMEOUT_MS,
    }),
    logger: logger.child({ subsystem: 'alerts' }),
  });
  const texter = AlertTexter.create({
    database,
    secrets,
    door,
    random,
    limits: options.alertTexts,
    logger: logger.child({ subsystem: 'alerts' }),
  });
  return {
    start: (closers) => {
      closers.add('alert texts', () => texter.stop());
      texter.start();
      closers.add('alerts', () => alerts.stop());
      alerts.start();
      closers.add('ownership', () => returns.stop());
      returns.start();
    },
  };
}
