/** Pictures and files of shoppers, put together: where they are kept, who takes them in, how staff get them. */
import path from 'node:path';
import type { Clock } from './clock.js';
import type { Config } from './config.js';
import type { Database } from './db/client.js';
import { JackError } from './errors.js';
import type { Logger } from './logger.js';
import { digestOf } from './media/digest.js';
import { createDiskStore } from './media/diskStore.js';
import { createDownloader } from './media/download.js';
import { MediaKeeper, type MediaOutcome } from './media/keeper.js';
import { createS3Store } from './media/s3Store.js';
import { DEFAULT_MEDIA_LIMITS, type MediaLimits, type MediaStore } from './media/types.js';
import { readMedia } from './record/media.js';
import type { TwilioAccounts } from './twilioAccounts.js';
import type { LeadId, OrganizationId } from './types.js';

export interface MediaDeps {
  readonly config: Config;
  readonly database: Database;
  readonly accounts: TwilioAccounts;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly limits?: Partial<MediaLimits> | undefined;
  onOutcome?(outcome: MediaOutcome): void;
}

export interface MediaLibrary {
  readonly keeper: MediaKeeper;
  /**
   * @returns undefined when the lead has no such media in this organization.
   * @throws JackError E_MEDIA_PENDING, E_MEDIA_REFUSED, E_MEDIA_UNAVAILABLE
   */
  read(
    organizationId: OrganizationId,
    at: { readonly leadId: LeadId; readonly mediaId: string },
  ): Promise<{ readonly bytes: Buffer; readonly contentType: string } | undefined>;
}

export function createMediaLibrary(deps: MediaDeps): MediaLibrary {
  const { config, database, accounts, clock, random, logger } = deps;
  const limits = { ...DEFAULT_MEDIA_LIMITS, ...deps.limits };
  const store: MediaStore = config.media.s3
    ? createS3Store({ s3: config.media.s3, clock })
    : createDiskStore(path.join(config.dataDir, 'media'));
  const keeper = MediaKeeper.create({
    database,
    store,
    downloader: createDownloader({ apiBaseUrl: config.twilio.apiBaseUrl, limits }),
    credentialsFor: ({ organizationId, accountSid }) =>
      accounts.credentialsFor(
        organizationId,
        accountSid === config.twilio.accountSid ? 'default' : accountSid,
      ),
    clock,
    random,
    logger,
    limits,
    onOutcome: (outcome) => deps.onOutcome?.(outcome),
  });
  return {
    keeper,
    read: async (organizationId, at) => {
      const row = await readMedia(database, organizationId, at);
      if (!row) return undefined;
      if (row.state === 'pending') {
        const detail = 'It has not been fetched from the carrier yet.';
        throw new JackError('E_MEDIA_PENDING', detail, { retryAfterSeconds: 2 });
      }
      if (row.state === 'refused' || row.digest === null || row.contentType === null) {
        throw new JackError('E_MEDIA_REFUSED', `It was not taken in: ${row.reason ?? 'unknown'}.`);
      }
      const bytes = await readChecked(store, { organizationId, digest: row.digest });
      return { bytes, contentType: row.contentType };
    },
  };
}

/** @throws JackError E_MEDIA_UNAVAILABLE when the store does not answer, or has other bytes than were put in. */
async function readChecked(store: MediaStore, key: Parameters<MediaStore['get']>[0]): Promise<Buffer> {
  let bytes: Buffer | undefined;
  try {
    bytes = await store.get(key);
  } catch (cause) {
    throw new JackError('E_MEDIA_UNAVAILABLE', 'The store of media does not answer.', { cause });
  }
  if (bytes && (await digestOf(bytes)) === key.digest) return bytes;
  const what = bytes ? 'is damaged' : 'is missing';
  throw new JackError('E_MEDIA_UNAVAILABLE', `A file of the store of media ${what}.`);
}
