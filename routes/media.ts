/** Pictures and files that shoppers sent, for staff. */
import { z } from 'zod';
import type { AppContext } from '../services/context.js';
import { JackError } from '../services/errors.js';
import { extensionOf, SERVED_TYPES } from '../services/media/sniff.js';
import { isUuid } from '../services/types.js';
import { defineRoute, type Route, reply } from './openapi/route.js';
import { leadIdSchema } from './schemas.js';

type Context = Pick<AppContext, 'media'>;

const byIds = z.object({
  leadId: leadIdSchema,
  mediaId: z.string().refine(isUuid, 'must be a UUID in lower case').meta({ format: 'uuid' }),
});

export const mediaRoutes = (ctx: Context): readonly Route[] => [
  defineRoute({
    access: 'organization',
    tag: 'Conversations',
    method: 'get',
    path: '/api/conversations/{leadId}/media/{mediaId}',
    summary: 'A picture or file that the shopper sent, as an id in `media` of a message names it.',
    params: byIds,
    answers: {
      200: {
        description: 'The bytes. Their type is what they are, not what was announced.',
        files: SERVED_TYPES,
      },
    },
    problems: ['E_NOT_FOUND', 'E_MEDIA_PENDING', 'E_MEDIA_REFUSED', 'E_MEDIA_UNAVAILABLE'],
    handle: async ({ caller, params }) => {
      const file = await ctx.media.read(caller.organizationId, params);
      if (!file) throw new JackError('E_NOT_FOUND', 'There is no such media.');
      return reply(200, file, headersOf(params.mediaId, file.contentType));
    },
  }),
];

/** Only pictures are shown in place; everything else is saved first. The name says nothing of the shopper. */
function headersOf(mediaId: string, contentType: string): Record<string, string> {
  const way = contentType.startsWith('image/') ? 'inline' : 'attachment';
  return {
    'Content-Disposition': `${way}; filename="${mediaId}.${extensionOf(contentType)}"`,
    // The bytes of an id never change; an hour, since the shopper may be erased.
    'Cache-Control': 'private, max-age=3600',
    Vary: 'Authorization, Cookie',
  };
}
