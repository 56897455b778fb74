/** What streams send, as `data` of server-sent events. */
import { z } from 'zod';
import { FEED_TYPES } from '../../services/record/feed.js';
import { alertShape } from '../alerts.js';
import { messageSchema } from '../schemas.js';

const names = z.array(z.string()).readonly();

export const presenceSchema = z
  .strictObject({ viewing: names, typing: names })
  .meta({ id: 'Presence', description: 'Names of the staff at a conversation, now.' });

export const feedEventSchema = z
  .strictObject({
    type: z.enum(FEED_TYPES),
    at: z.iso.datetime(),
    leadId: z.uuid().nullable().meta({ description: 'Null for an alert that concerns the organization.' }),
    conversation: z
      .strictObject({
        owner: z.enum(['assistant', 'human']),
        ownerName: z.string().nullable(),
        optedOut: z.boolean(),
        lastSeq: z.int().min(0),
      })
      .nullable(),
    message: messageSchema.nullable().meta({ description: 'As it is now; null where none is concerned.' }),
    alert: z
      .strictObject(alertShape)
      .nullable()
      .meta({ description: 'Of alert.raised and alert.resolved; as it is now.' }),
  })
  .meta({ id: 'FeedEvent' });

export const positionSchema = z
  .strictObject({ position: z.int().min(0) })
  .meta({ id: 'FeedPosition', description: 'Of `ready` and `reset`: where the stream goes on.' });

export const streamEventSchema = z.union([feedEventSchema, positionSchema, presenceSchema]);

/** What EventSource sends by itself when it comes back. */
export const lastEventIdSchema = z
  .string()
  .regex(/^\d{1,15}$/, 'must be an id that this stream has sent')
  .transform(Number)
  .meta({ type: 'string', description: 'The id heard last: what came after it is sent first.' });
