import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { sql } from 'drizzle-orm';
import { digestOf } from '../../services/media/digest.js';
import { createDiskStore } from '../../services/media/diskStore.js';
import type { OrganizationId } from '../../services/types.js';
import type { TestApp } from './buildApp.js';

/** The first bytes of files of many kinds, as their specifications give them, with enough behind to be looked at. */
const bytes = (hex: string, rest = '') =>
  Buffer.concat([Buffer.from(hex, 'hex'), Buffer.from(rest), Buffer.alloc(40)]);
const container = (brand: string) => bytes('00000018', `ftyp${brand}`);

export const MEDIA_SAMPLES: Readonly<Record<string, Buffer>> = {
  'image/jpeg': bytes('ffd8ffe000104a464946'),
  'image/png': bytes('89504e470d0a1a0a0000000d49484452'),
  'image/gif': bytes('', 'GIF89a'),
  'image/webp': bytes('', 'RIFF\u0010\u0000\u0000\u0000WEBPVP8 '),
  'image/bmp': bytes('424d4600000000000000360000002800'),
  'image/tiff': bytes('49492a0008000000'),
  'image/heic': container('heic'),
  'image/heif': container('mif1'),
  'image/avif': container('avif'),
  'application/pdf': bytes('', '%PDF-1.7\n'),
  'text/vcard': bytes('', 'BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Pat\r\nEND:VCARD\r\n'),
  'audio/amr': bytes('', '#!AMR\n'),
  'audio/mpeg': bytes('', 'ID3\u0003'),
  'audio/ogg': bytes('', 'OggS'),
  'audio/wav': bytes('', 'RIFF\u0010\u0000\u0000\u0000WAVEfmt '),
  'audio/mp4': container('M4A '),
  'video/mp4': container('isom'),
  'video/3gpp': container('3gp4'),
  'video/3gpp2': container('3g2a'),
  'video/quicktime': container('qt  '),
  'video/webm': bytes('1a45dfa3'),
};

/** A picture that is not like any other. */
export const pictureOf = (words: string): Buffer =>
  Buffer.concat([MEDIA_SAMPLES['image/jpeg'] as Buffer, Buffer.from(words)]);

/** Puts a picture into the lead's conversation, as if it had been fetched. @returns its id. */
export async function storePicture(jack: TestApp, organizationId: string, leadId: string): Promise<string> {
  const id = randomUUID();
  const bytes = pictureOf(id);
  const digest = await digestOf(bytes);
  const store = createDiskStore(path.join(jack.config.dataDir, 'media'));
  await store.put({ organizationId: organizationId as OrganizationId, digest }, bytes);
  await jack.ctx.database.orm.execute(
    sql`insert into media (id, organization_id, conversation_id, message_id, position, account_sid, source_url,
        declared_type, state, content_type, bytes, digest)
      select ${id}, c.organization_id, c.id, gen_random_uuid(), 0, '', '', 'image/jpeg', 'stored', 'image/jpeg',
        ${bytes.length}, ${digest}
      from conversations c where c.lead_id = ${leadId}`,
  );
  return id;
}
