/**
 * The phone page's surroundings without the tower: real record, real webhook intake, door, outbox and carrier, and an
 * assistant that says the same words every time. For tests of the carrier and of the page's routes alone.
 */
import { randomUUID } from 'node:crypto';
import { sql } from 'drizzle-orm';
import express, { type NextFunction, type Request, type Response } from 'express';
import { createSimulatorRoutes } from '../../../routes/simulator.js';
import { systemClock } from '../../../services/clock.js';
import type { AppContext } from '../../../services/context.js';
import type { Database } from '../../../services/db/client.js';
import { asError, JackError } from '../../../services/errors.js';
import { createLiveEvents, type LiveEvent } from '../../../services/events.js';
import { type HttpServer, listen } from '../../../services/http.js';
import { createInboundReceiver } from '../../../services/inbound/receiver.js';
import { createLogger } from '../../../services/logger.js';
import { createOutboundDoor } from '../../../services/outbound/door.js';
import { OutboxSender } from '../../../services/outbound/sender.js';
import { createStatusWriter } from '../../../services/outbound/statuses.js';
import { SimulatedCarrier } from '../../../services/outbound/transports/simulatedCarrier.js';
import { readSession } from '../../../services/record/sessions.js';
import { createSecrets } from '../../../services/secrets.js';
import { Sessions } from '../../../services/sessions.js';
import { parseForm } from '../../../services/twilio/form.js';
import { parseInboundSms } from '../../../services/twilio/webhook.js';
import type { OrganizationId } from '../../../services/types.js';

export interface SmallJack {
  readonly url: string;
  readonly database: Database;
  readonly ctx: AppContext;
  /** Forms of the webhooks that came in, oldest first. */
  readonly webhooks: URLSearchParams[];
  /** What the webhook answers instead of doing its work. */
  failWith(status: number | undefined): void;
  beginStop(): void;
  close(): Promise<void>;
}

const REPLY = 'Thanks for your text. We are open until 7 pm.';
const REPLY_AFTER_MS = 300;

/** @param options the record, which stays the caller's to close; the port, any free one when absent. */
export async function startSmallJack(options: { database: Database; port?: number }): Promise<SmallJack> {
  const { database } = options;
  const logger = createLogger({ level: 'error', format: 'json', silent: !process.env.SMALL_JACK_LOG });
  const events = createLiveEvents();
  const secrets = createSecrets('a secret of this test');
  const statuses = createStatusWriter({ database, secrets, events, clock: systemClock, logger });
  const webhooks: URLSearchParams[] = [];
  let failure: number | undefined;
  let mode = 'redis';
  let isStopping = false;
  const at: { http?: HttpServer } = {};

  const simulator = SimulatedCarrier.create({
    database,
    logger,
    random: Math.random,
    onStatus: (report) => statuses.report(report),
    baseUrl: () => at.http?.url ?? '',
  });
  const sender = OutboxSender.create({
    database,
    secrets,
    transport: simulator,
    events,
    clock: systemClock,
    logger,
    accountSidOf: () => `AC${'0'.repeat(32)}`,
  });
  const door = createOutboundDoor({ database, events, onQueued: () => sender.wake() });
  const receiver = createInboundReceiver({
    database,
    secrets,
    events,
    logger,
    defaultAccountSid: undefined,
    reply: { windowMs: 50, maxWaitMs: 100 },
    onReplyDue: () => undefined,
  });
  const replies = new Set<NodeJS.Timeout>();
  const reply = async ({ organizationId, conversationId }: LiveEvent): Promise<void> => {
    const turn = await claim(database, conversationId);
    if (!turn) return;
    const learned = { slots: { vehicle: '2021 Honda Civic' }, summary: 'Asked about a Civic.' };
    await door.submit({
      organizationId,
      conversationId,
      body: REPLY,
      origin: 'assistant',
      turn: { ...turn, ...learned },
    });
  };
  const replyTo = (event: LiveEvent): void => {
    const timer = setTimeout(() => {
      replies.delete(timer);
      void reply(event);
    }, REPLY_AFTER_MS);
    replies.add(timer);
  };

  const sessions = Sessions.create({
    database,
    // Straight from the record: what the tower adds is tested with it.
    state: {
      getSession: (tokenHash) => readSession(database, tokenHash),
      storeSession: async () => undefined,
      dropSessions: async () => undefined,
    },
    clock: systemClock,
    random: Math.random,
    logger,
  });
  // Only what the page's routes read.
  const ctx = {
    database,
    secrets,
    sessions,
    events,
    logger,
    simulator,
    assistant: { name: 'scripted' },
    config: { redis: { url: undefined } },
    state: {
      mode: () => mode,
      report: () => ({ isForced: mode === 'memory' }),
      setForced: (isForced: boolean) => {
        mode = isForced ? 'memory' : 'redis';
        return Promise.resolve(mode);
      },
    },
    isStopping: () => isStopping,
  } as unknown as AppContext;

  const app = express();
  app.post('/api/webhooks/twilio/sms/incoming', express.raw({ type: () => true }), async (req, res) => {
    const raw = req.body as Buffer;
    webhooks.push(new URLSearchParams(raw.toString('utf8')));
    if (failure) return void res.status(failure).end();
    await receiver.receive(parseInboundSms(parseForm(raw)));
    res.type('text/xml').send('<Response/>');
  });
  app.use(createSimulatorRoutes(ctx));
  app.use((thrown: unknown, _req: Request, res: Response, _next: NextFunction) => {
    const error = asError(thrown);
    const status =
      error instanceof JackError ? error.status : ((thrown as { status?: number }).status ?? 500);
    const code = error instanceof JackError ? error.code : 'E_INTERNAL';
    res
      .status(status)
      .type('application/problem+json')
      .send(JSON.stringify({ status, code, detail: error.message }));
  });

  const http = await listen(app, '127.0.0.1', options.port ?? 0);
  at.http = http;
  const organizations = await database.query<{ id: OrganizationId }>(sql`select id from organizations`);
  for (const { id } of organizations) {
    events.subscribe(id, (event) => {
      if (event.type === 'message.received') replyTo(event);
    });
  }
  await simulator.start();
  await sender.start();
  return {
    url: http.url,
    database,
    ctx,
    webhooks,
    failWith: (status) => {
      failure = status;
    },
    beginStop: () => {
      isStopping = true;
    },
    close: async () => {
      isStopping = true;
      await http.drain();
      for (const timer of replies) clearTimeout(timer);
      await sender.stop();
      await simulator.stop();
      await sessions.stop();
      await statuses.idle();
    },
  };
}

/** @returns undefined when nothing waits for an answer. */
async function claim(
  database: Database,
  conversationId: string,
): Promise<{ fence: number; seenSeq: number } | undefined> {
  const [row] = await database.query<{ fence: number; seenSeq: number }>(
    sql`update conversations set fence = fence + 1, lease_until = clock_timestamp() + interval '5 seconds',
        lease_holder = ${randomUUID()} where id = ${conversationId} and reply_due_at is not null
      returning fence::int as fence, last_seq as "seenSeq"`,
  );
  return row;
}
