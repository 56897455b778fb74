/** Media as files below DATA_DIR: `media/<organization>/<two digits>/<digest>`. For one machine. */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { MediaKey, MediaStore } from './types.js';

/** @param directory is made when the first file is stored. */
export function createDiskStore(directory: string): MediaStore {
  const fileOf = ({ organizationId, digest }: MediaKey): string =>
    path.join(directory, organizationId, digest.slice(0, 2), digest);
  return {
    put: async (key, bytes) => {
      const file = fileOf(key);
      await mkdir(path.dirname(file), { recursive: true });
      const unfinished = `${file}.${randomUUID()}.part`;
      try {
        await writeThrough(unfinished, bytes);
        // A reader sees all of it or nothing.
        await rename(unfinished, file);
      } catch (error) {
        await rm(unfinished, { force: true });
        throw error;
      }
    },
    get: async (key) => {
      try {
        return await readFile(fileOf(key));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    delete: (key) => rm(fileOf(key), { force: true }),
  };
}

async function writeThrough(file: string, bytes: Buffer): Promise<void> {
  // Only the owner reads it: a picture may show a licence or a pay stub.
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
