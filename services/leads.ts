/** Leads that come from outside, and the texts that we start because of them. */
import type { Database } from './db/client.js';
import { createLeadDesk, type LeadDesk } from './leads/desk.js';
import { Outreach, type OutreachLimits } from './leads/outreach.js';
import type { Closers } from './lifecycle.js';
import type { Logger } from './logger.js';
import type { OutboundDoor } from './outbound/door.js';
import type { Secrets } from './secrets.js';

export interface LeadsDeps {
  readonly database: Database;
  readonly secrets: Secrets;
  readonly door: Pick<OutboundDoor, 'submit'>;
  readonly logger: Logger;
  readonly limits?: Partial<OutreachLimits> | undefined;
}

export interface Leads {
  readonly desk: LeadDesk;
  /** What must end later is given to `closers`. */
  start(closers: Closers): void;
}

export function createLeads({ database, secrets, door, logger, limits }: LeadsDeps): Leads {
  const outreach = Outreach.create({ database, door, logger, limits });
  return {
    desk: createLeadDesk({ database, secrets, onPlanned: () => outreach.wake() }),
    start: (closers) => {
      closers.add('outreach', () => outreach.stop());
      outreach.start();
    },
  };
}
