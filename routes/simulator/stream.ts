/** Server-sent events: one `changed` whenever a conversation of the phone page differs from what was told last. */
import type { Request, RequestHandler, Response } from 'express';
import type { AppContext } from '../../services/context.js';
import { JackError } from '../../services/errors.js';
import { readPhoneRev } from '../../services/record/simulatedPhone.js';
import { type ConversationKey, conversationQuery, parseInput } from './input.js';

/** A page uses one; the bound is for pages that are opened and forgotten. */
const MAX_STREAMS = 100;
/** Another process may have changed the conversation, of which no event comes here. */
const RECHECK_MS = 1_000;
/** Below the half minute after which proxies drop silent connections. */
const HEARTBEAT_MS = 15_000;

type StreamContext = Pick<AppContext, 'database' | 'events' | 'logger' | 'isStopping'>;

export function createSimulatorStream(ctx: StreamContext): RequestHandler {
  let open = 0;
  return (req: Request, res: Response) => {
    const key = parseInput(conversationQuery, req.query, 'query');
    if (ctx.isStopping()) throw new JackError('E_SHUTTING_DOWN', 'No new stream while stopping.');
    if (open >= MAX_STREAMS) throw new JackError('E_RATE_LIMITED', 'Too many phone pages are open.');
    if (res.closed) return;
    open += 1;
    follow(ctx, key, res, () => {
      open -= 1;
    });
  };
}

function follow(ctx: StreamContext, key: ConversationKey, res: Response, onEnd: () => void): void {
  const logger = ctx.logger.child({ subsystem: 'simulator' });
  let conversationId: string | undefined;
  let told: string | undefined;
  res.writeHead(200, {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no',
  });
  res.write('retry: 1000\n\n');

  const check = oneAtATime(async () => {
    const found = await readPhoneRev(ctx.database, key.organizationId, key.phone);
    conversationId = found?.conversationId;
    const rev = found?.rev ?? 'none';
    if (rev !== told && !res.writableEnded) res.write(`event: changed\ndata: ${JSON.stringify({ rev })}\n\n`);
    told = rev;
  });
  const checkOrEnd = (): void => {
    check().catch((error: unknown) => {
      // The page opens a new stream and sees for itself whether the record is back.
      logger.warn('a stream of the phone page ends: the record could not be read', { error });
      res.end();
    });
  };
  const unsubscribe = ctx.events.subscribe(key.organizationId, (event) => {
    if (conversationId === undefined || event.conversationId === conversationId) checkOrEnd();
  });
  const recheck = setInterval(() => (ctx.isStopping() ? res.end() : checkOrEnd()), RECHECK_MS);
  const heartbeat = setInterval(() => res.write(': still here\n\n'), HEARTBEAT_MS);
  res.once('close', () => {
    unsubscribe();
    clearInterval(recheck);
    clearInterval(heartbeat);
    onEnd();
  });
  checkOrEnd();
}

/** Calls that come while the work runs share one run after it. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const run = (): Promise<void> => {
    const current = work().finally(() => {
      if (running === current) running = undefined;
    });
    running = current;
    return current;
  };
  return () => {
    if (!running) return run();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return run();
      });
    return next;
  };
}
