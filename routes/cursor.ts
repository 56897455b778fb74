/** The opaque text of `nextCursor`: where a page ended, and of which list. */
import { z } from 'zod';
import type { Page, PageEnd } from '../services/record/pages.js';
import { isOrganizationId, isUuid } from '../services/types.js';

type List = 'quarantine' | 'leads' | 'conversations' | 'organizations' | 'alerts';

/** The form in which pages give it, which is also one that the record can read. */
const moment = z.iso.datetime().regex(/^2\d{3}-.{14}\.\d{3}Z$/);
const contents = z.tuple([z.string(), moment, z.string()]);

const encode = (list: List, { at, id }: PageEnd): string =>
  Buffer.from(JSON.stringify([list, at, id])).toString('base64url');

function decode(list: List, cursor: string): PageEnd | undefined {
  try {
    const [of, at, id] = contents.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return of === list && isIdOf(list, id) ? { at, id } : undefined;
  } catch {
    // Not a cursor of ours, which is all that matters.
    return undefined;
  }
}

function isIdOf(list: List, id: string): boolean {
  if (list === 'organizations') return isOrganizationId(id);
  return list === 'quarantine' ? /^\d{1,18}$/.test(id) : isUuid(id);
}

export const cursorSchema = (list: List) =>
  z
    .string()
    .max(300)
    .transform((value, context): PageEnd => {
      const end = decode(list, value);
      if (end) return end;
      context.addIssue({ code: 'custom', message: 'must be the nextCursor of an earlier answer' });
      return z.NEVER;
    })
    .meta({ type: 'string', description: 'The nextCursor of the page before.' });

export const toListAnswer = <Item>(list: List, { items, end }: Page<Item>) => ({
  items,
  nextCursor: end ? encode(list, end) : null,
});
