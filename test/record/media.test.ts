import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { systemClock } from '../../services/clock.js';
import { createLiveEvents } from '../../services/events.js';
import { createInboundReceiver } from '../../services/inbound/receiver.js';
import { digestOf } from '../../services/media/digest.js';
import { createDiskStore } from '../../services/media/diskStore.js';
import { createDownloader } from '../../services/media/download.js';
import { MediaKeeper } from '../../services/media/keeper.js';
import { DEFAULT_MEDIA_LIMITS, type MediaLimits, type MediaStore } from '../../services/media/types.js';
import { announceContent, claimErasures, claimMedia, markStored } from '../../services/record/media.js';
import { eraseOrganization } from '../../services/record/organizations.js';
import { createSecrets } from '../../services/secrets.js';
import type { E164, Media, OrganizationId } from '../../services/types.js';
import { type MediaHost, startMediaHost } from '../support/mediaHost.js';
import { MEDIA_SAMPLES, pictureOf } from '../support/mediaSamples.js';
import { inboundText, newOrganization, newPhone } from '../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../support/testDatabase.js';
import { until } from '../support/until.js';

interface Row {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly contentType: string | null;
  readonly digest: string | null;
  readonly attempts: number;
  readonly sourceUrl: string;
}

describeEachEngine('Media of shoppers', (engine) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'jack-media-'));
  let test: TestDatabase;
  let host: MediaHost;
  let keepers: MediaKeeper[] = [];
  let outcomes: string[] = [];
  beforeAll(async () => {
    test = await openTestDatabase(engine);
    host = await startMediaHost();
  });
  afterEach(async () => {
    await Promise.all(keepers.map((keeper) => keeper.stop()));
    keepers = [];
    await test.database.orm.execute(sql`delete from media`);
    await test.database.orm.execute(sql`delete from media_erasures`);
  });
  afterAll(async () => {
    await host.stop();
    await test.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const disk = createDiskStore(directory);

  function newKeeper(limits: Partial<MediaLimits> = {}, store: MediaStore = disk): MediaKeeper {
    const all = { ...DEFAULT_MEDIA_LIMITS, isLoopbackAllowed: true, sweepMs: 20, firstRetryMs: 1, ...limits };
    const keeper = MediaKeeper.create({
      database: test.database,
      store,
      downloader: createDownloader({ apiBaseUrl: host.baseUrl, limits: all }),
      credentialsFor: () => Promise.resolve({ accountSid: host.accountSid, authToken: host.authToken }),
      clock: systemClock,
      random: () => 0.5,
      logger: silentLogger,
      limits: all,
      onOutcome: (outcome) => outcomes.push(outcome),
    });
    keepers.push(keeper);
    return keeper;
  }

  const receiver = () =>
    createInboundReceiver({
      database: test.database,
      secrets: createSecrets('a test secret that is long'),
      events: createLiveEvents(),
      logger: silentLogger,
      defaultAccountSid: undefined,
      reply: { windowMs: 60_000, maxWaitMs: 60_000 },
      onReplyDue: () => undefined,
    });

  interface Place {
    readonly id: OrganizationId;
    readonly number: E164;
  }

  async function send(at: Place, media: readonly Media[], phone = newPhone()) {
    const { accountSid } = host;
    await receiver().receive(
      inboundText(at.number, phone, { media, numMedia: media.length, body: '', accountSid }),
    );
    return phone;
  }

  const jpeg = (bytes: Buffer): Media => ({ url: host.put(bytes), contentType: 'image/jpeg' });

  const rowsOf = ({ id }: Place) =>
    test.database.query<Row>(
      sql`select id, state, reason, content_type as "contentType", digest, attempts, source_url as "sourceUrl"
        from media where organization_id = ${id} order by created_at, position`,
    );
  const settled = (at: Place) =>
    until(
      async () => {
        const rows = await rowsOf(at);
        return rows.length > 0 && rows.every(({ state }) => state !== 'pending') && rows;
      },
      { what: 'the media to be settled', timeoutMs: 15_000 },
    );
  const alertsOf = ({ id }: Place) =>
    test.database.query<{ kind: string; details: unknown }>(
      sql`select kind, details from staff_alerts where organization_id = ${id}`,
    );
  const erasures = async () =>
    Number(
      (await test.database.query<{ n: number }>(sql`select count(*)::int as n from media_erasures`))[0]?.n,
    );

  it('are stored with what they are, and the message names them without the carrier', async () => {
    const at = await newOrganization(test.database);
    const bytes = pictureOf('an odometer');
    const phone = await send(at, [jpeg(bytes), { url: host.put(bytes), contentType: 'image/png' }]);
    await newKeeper().start();

    const rows = await settled(at);

    expect(rows.map(({ state, contentType, sourceUrl }) => [state, contentType, sourceUrl])).toEqual([
      ['stored', 'image/jpeg', ''],
      ['stored', 'image/jpeg', ''],
    ]);
    const digest = await digestOf(bytes);
    expect(rows.map((row) => row.digest)).toEqual([digest, digest]);
    expect((await disk.get({ organizationId: at.id, digest }))?.equals(bytes)).toBe(true);
    const [message] = await test.database.query<{ media: Media[]; leadId: string }>(
      sql`select m.media, l.id as "leadId" from messages m join conversations c on c.id = m.conversation_id
        join leads l on l.id = c.lead_id where l.phone = ${phone}`,
    );
    expect(message?.media).toEqual(
      rows.map(({ id }, index) => ({
        id,
        url: `/api/conversations/${message?.leadId}/media/${id}`,
        contentType: ['image/jpeg', 'image/png'][index],
      })),
    );
    expect(host.leaks).toBe(0);
  });

  it('are fetched once by two keepers, and once when the webhook comes twice', async () => {
    const at = await newOrganization(test.database);
    const url = host.put(pictureOf('once'));
    const text = inboundText(at.number, newPhone(), {
      media: [{ url, contentType: 'image/jpeg' }],
      numMedia: 1,
      accountSid: host.accountSid,
    });
    const before = host.asked.content;
    const [a, b] = [receiver(), receiver()];
    await Promise.all([a.receive(text), b.receive(text), a.receive(text)]);
    await Promise.all([newKeeper().start(), newKeeper().start()]);
    expect(await settled(at)).toHaveLength(1);
    expect(host.asked.content - before).toBe(1);
  });

  it.each([
    [
      'a page that says it is a picture',
      Buffer.from('<!DOCTYPE html><script>1</script>'),
      'type_not_accepted',
    ],
    ['a document that says it is a picture', MEDIA_SAMPLES['application/pdf'] as Buffer, 'type_mismatch'],
    ['a picture that is too large', Buffer.concat([pictureOf(''), Buffer.alloc(2_000)]), 'too_large'],
    ['nothing', Buffer.alloc(0), 'type_not_accepted'],
  ])('are refused when they are %s, and staff are told once', async (_what, bytes, reason) => {
    const at = await newOrganization(test.database);
    await send(at, [jpeg(bytes), jpeg(bytes)]);
    await newKeeper({ maxBytes: 1_000 }).start();
    expect((await settled(at)).map((row) => [row.state, row.reason, row.digest])).toEqual([
      ['refused', reason, null],
      ['refused', reason, null],
    ]);
    expect(await alertsOf(at)).toEqual([{ kind: 'media_refused', details: { reason } }]);
  });

  it('are refused when they lie elsewhere, which is not asked', async () => {
    const at = await newOrganization(test.database);
    const other = await startMediaHost();
    try {
      await send(at, [{ url: other.put(pictureOf('x'), host.accountSid), contentType: 'image/jpeg' }]);
      await newKeeper().start();
      expect((await settled(at))[0]).toMatchObject({ state: 'refused', reason: 'not_at_the_carrier' });
      expect(other.asked).toEqual({ carrier: 0, content: 0 });
    } finally {
      await other.stop();
    }
  });

  it('are tried again while the carrier fails', async () => {
    const at = await newOrganization(test.database);
    host.fail(503, 2);
    await send(at, [jpeg(pictureOf('in the end'))]);
    await newKeeper().start();
    expect(await settled(at)).toMatchObject([{ state: 'stored', reason: null, attempts: 3 }]);
    expect(await alertsOf(at)).toEqual([]);
  });

  it('are given up after the last attempt, which staff are told', async () => {
    const at = await newOrganization(test.database);
    host.fail(500, 3);
    await send(at, [jpeg(pictureOf('never'))]);
    await newKeeper({ maxAttempts: 3 }).start();
    expect(await settled(at)).toMatchObject([{ state: 'refused', reason: 'http_500', attempts: 3 }]);
    expect(await alertsOf(at)).toEqual([{ kind: 'media_refused', details: { reason: 'http_500' } }]);
  });

  it('are tried again while the store fails', async () => {
    const at = await newOrganization(test.database);
    let failures = 2;
    const store: MediaStore = {
      ...disk,
      put: async (key, bytes) => {
        if (failures-- > 0) throw new Error('disk full');
        await disk.put(key, bytes);
      },
    };
    await send(at, [jpeg(pictureOf('when there is room'))]);
    await newKeeper({}, store).start();
    expect(await settled(at)).toMatchObject([{ state: 'stored', attempts: 3 }]);
  });

  it('are taken over when their process died', async () => {
    const at = await newOrganization(test.database);
    await send(at, [jpeg(pictureOf('orphan'))]);
    const [dead] = await claimMedia(test.database, { limit: 10, leaseMs: 200 });
    await newKeeper().start();
    expect((await settled(at))[0]).toMatchObject({ state: 'stored', attempts: 2 });
    // What the dead one would still say counts no more.
    expect(await markStored(test.database, dead!, { contentType: 'image/png', bytes: 1 })).toBe(false);
  });

  it('are given back at once when the process stops, and the attempt does not count', async () => {
    const at = await newOrganization(test.database);
    host.hold(true);
    await send(at, [jpeg(pictureOf('handed over'))]);
    const before = host.asked.carrier;
    const keeper = newKeeper();
    await keeper.start();
    await until(() => host.asked.carrier > before, { what: 'the download to begin' });
    await keeper.stop();
    host.hold(false);
    const [row] = await rowsOf(at);
    expect(row).toMatchObject({ state: 'pending', attempts: 0 });
    await newKeeper().start();
    expect(await settled(at)).toMatchObject([{ state: 'stored', attempts: 1 }]);
  });

  it('are erased with their lead, twice, and not while another lead of the dealership needs them', async () => {
    const at = await newOrganization(test.database);
    const bytes = pictureOf('shared');
    const [one, two] = [await send(at, [jpeg(bytes)]), await send(at, [jpeg(bytes)])];
    outcomes = [];
    await newKeeper({ secondPassMs: 100 }).start();
    await settled(at);
    const key = { organizationId: at.id, digest: await digestOf(bytes) };

    await test.database.orm.execute(sql`delete from leads where phone = ${one}`);
    await until(async () => (await erasures()) === 0, { what: 'the look at the first' });
    expect((await disk.get(key))?.equals(bytes)).toBe(true);

    await test.database.orm.execute(sql`delete from leads where phone = ${two}`);
    await until(async () => (await disk.get(key)) === undefined, { what: 'the erasure' });
    await until(async () => (await erasures()) === 0, { what: 'the second pass' });
    expect(outcomes).toEqual(['stored', 'stored', 'erased', 'erased']);
  });

  it('are erased with their organization, and those of another stay', async () => {
    const [gone, stays] = [await newOrganization(test.database), await newOrganization(test.database)];
    const bytes = pictureOf('both have it');
    await send(gone, [jpeg(bytes)]);
    await send(stays, [jpeg(bytes)]);
    await newKeeper().start();
    await Promise.all([settled(gone), settled(stays)]);
    const digest = await digestOf(bytes);

    await eraseOrganization(test.database, gone.id, 'administrator');

    await until(async () => (await disk.get({ organizationId: gone.id, digest })) === undefined, {
      what: 'the erasure',
    });
    expect((await disk.get({ organizationId: stays.id, digest }))?.equals(bytes)).toBe(true);
  });

  it('are erased when their lead goes while they are being stored', async () => {
    const at = await newOrganization(test.database);
    const bytes = pictureOf('too late');
    const phone = await send(at, [jpeg(bytes)]);
    const key = { organizationId: at.id, digest: await digestOf(bytes) };
    let wasThere = false;
    const store: MediaStore = {
      ...disk,
      put: async (...args) => {
        await test.database.orm.execute(sql`delete from leads where phone = ${phone}`);
        await disk.put(...args);
        wasThere = (await disk.get(key)) !== undefined;
      },
    };
    await newKeeper({ secondPassMs: 100 }, store).start();
    await until(async () => wasThere && (await disk.get(key)) === undefined, { what: 'the erasure' });
  });

  it('are not stored while the same bytes are being erased, and not erased once they are announced', async () => {
    const at = await newOrganization(test.database);
    const bytes = pictureOf('back and forth');
    const digest = await digestOf(bytes);
    await send(at, [jpeg(bytes)]);
    const [claim] = await claimMedia(test.database, { limit: 1, leaseMs: 60_000 });
    await test.database.orm.execute(
      sql`insert into media_erasures (organization_id, digest) values (${at.id}, ${digest})`,
    );
    expect(await claimErasures(test.database, { limit: 5, leaseMs: 60_000 })).toHaveLength(1);
    expect(await announceContent(test.database, claim!, digest)).toBe('busy');
    await test.database.orm.execute(sql`update media_erasures set lease_until = null`);
    expect(await announceContent(test.database, claim!, digest)).toBe('announced');
    expect(await erasures()).toBe(0);
    await test.database.orm.execute(
      sql`insert into media_erasures (organization_id, digest) values (${at.id}, ${digest})`,
    );
    expect(await claimErasures(test.database, { limit: 5, leaseMs: 60_000 })).toEqual([]);
    expect(await erasures()).toBe(0);
  });
});
