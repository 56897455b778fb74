/** Streams of server-sent events: the headers that keep proxies from holding them back. */
import type { Request, Response } from 'express';
import type { EventsBody } from './route.js';

export const EVENTS_TYPE = 'text/event-stream';

/** What fails before the first event is thrown and can be answered. */
export async function sendEvents(req: Request, res: Response, body: EventsBody): Promise<void> {
  res.set({
    'Content-Type': EVENTS_TYPE,
    'Cache-Control': 'no-store, no-transform',
    'X-Accel-Buffering': 'no',
  });
  if (req.method === 'HEAD') {
    res.end();
    return;
  }
  await body(req, res);
}
