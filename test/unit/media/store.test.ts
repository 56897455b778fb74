/** One contract, both stores. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../../services/clock.js';
import { digestOf } from '../../../services/media/digest.js';
import { createDiskStore } from '../../../services/media/diskStore.js';
import { createS3Store } from '../../../services/media/s3Store.js';
import type { MediaKey, MediaStore } from '../../../services/media/types.js';
import type { OrganizationId } from '../../../services/types.js';
import { type BucketDouble, startBucketDouble } from '../../support/bucketDouble.js';
import { pictureOf } from '../../support/mediaSamples.js';

const keyOf = async (organization: string, bytes: Buffer): Promise<MediaKey> => ({
  organizationId: organization as OrganizationId,
  digest: await digestOf(bytes),
});

function describeStore(name: string, storeOf: () => MediaStore): void {
  describe(name, () => {
    it('gives back what was put in, twice or once', async () => {
      const bytes = pictureOf('a Civic');
      const key = await keyOf('one', bytes);
      expect(await storeOf().get(key)).toBeUndefined();
      await storeOf().put(key, bytes);
      await storeOf().put(key, bytes);
      expect((await storeOf().get(key))?.equals(bytes)).toBe(true);
    });

    it('keeps organizations apart: the same bytes of another are not there, and are not deleted with these', async () => {
      const bytes = pictureOf('a Corolla');
      const [mine, theirs] = [await keyOf('mine', bytes), await keyOf('theirs', bytes)];
      await storeOf().put(mine, bytes);
      expect(await storeOf().get(theirs)).toBeUndefined();
      await storeOf().put(theirs, bytes);
      await storeOf().delete(mine);
      expect(await storeOf().get(mine)).toBeUndefined();
      expect((await storeOf().get(theirs))?.equals(bytes)).toBe(true);
    });

    it('deletes what is not there without a complaint', async () => {
      await expect(storeOf().delete(await keyOf('nobody', pictureOf('nothing')))).resolves.toBeUndefined();
    });

    it('takes five megabytes', async () => {
      const bytes = Buffer.concat([pictureOf('large'), Buffer.alloc(5 * 1024 * 1024 - 100, 7)]);
      const key = await keyOf('one', bytes);
      await storeOf().put(key, bytes);
      expect((await storeOf().get(key))?.equals(bytes)).toBe(true);
    });
  });
}

const directory = mkdtempSync(path.join(tmpdir(), 'jack-media-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describeStore('Media on disk', () => createDiskStore(directory));

describe('Media on disk', () => {
  it('leaves no unfinished file, and none that others may read', async () => {
    const bytes = pictureOf('private');
    const key = await keyOf('files', bytes);
    await createDiskStore(directory).put(key, bytes);
    const folder = path.join(directory, 'files', key.digest.slice(0, 2));
    expect(readdirSync(folder)).toEqual([key.digest]);
    expect(statSync(path.join(folder, key.digest)).mode & 0o077).toBe(0);
  });

  it('says so when the disk does not take it', async () => {
    const bytes = pictureOf('nowhere');
    const store = createDiskStore('/dev/null/media');
    await expect(store.put(await keyOf('one', bytes), bytes)).rejects.toThrow();
  });
});

const credentials = { accessKeyId: 'key', secretAccessKey: 'a secret', region: 'ca-central-1' };
let bucket: BucketDouble;
beforeAll(async () => {
  bucket = await startBucketDouble(credentials);
});
afterAll(() => bucket.stop());
const s3 = () => ({ ...credentials, endpoint: bucket.endpoint, bucket: 'jack-media' });

describeStore('Media in a bucket', () => createS3Store({ s3: s3(), clock: systemClock }));

describe('Media in a bucket', () => {
  it('lies under the organization', async () => {
    const bytes = pictureOf('where');
    const key = await keyOf('north-shore', bytes);
    await createS3Store({ s3: s3(), clock: systemClock }).put(key, bytes);
    expect(bucket.objects.has(`/jack-media/media/north-shore/${key.digest}`)).toBe(true);
  });

  it('is neither stored nor read with a wrong secret', async () => {
    const bytes = pictureOf('forged');
    const key = await keyOf('one', bytes);
    const store = createS3Store({ s3: { ...s3(), secretAccessKey: 'another' }, clock: systemClock });
    await expect(store.put(key, bytes)).rejects.toThrow('403');
    await expect(store.get(key)).rejects.toThrow('403');
    expect([...bucket.objects.keys()].some((name) => name.endsWith(key.digest))).toBe(false);
  });

  it('says so when the bucket fails, and takes that for no absence', async () => {
    const bytes = pictureOf('failing');
    const key = await keyOf('one', bytes);
    const store = createS3Store({ s3: s3(), clock: systemClock });
    bucket.fail(503);
    await expect(store.put(key, bytes)).rejects.toThrow('503');
    await expect(store.get(key)).rejects.toThrow('503');
    await expect(store.delete(key)).rejects.toThrow('503');
    bucket.fail(undefined);
    expect(await store.get(key)).toBeUndefined();
  });
});
