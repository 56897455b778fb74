/**
 * One stream: reads the feed from its own position whenever something is new, and writes. Nothing is pushed at it, so
 * a slow reader holds up nobody and nothing waits in memory for it. Whatever ends it, the reader comes back with the
 * id it heard last and goes on there, without a gap and without hearing anything twice.
 */
import type { Response } from 'express';
import type { AppContext } from '../../services/context.js';
import { asError } from '../../services/errors.js';
import type { Following } from '../../services/feed/feed.js';
import type { FeedEvent } from '../../services/record/feed.js';
import type { ConversationId, OrganizationId } from '../../services/types.js';
import { createBell } from './bell.js';
import { EventWriter } from './eventWriter.js';

export type StreamContext = Pick<AppContext, 'feed' | 'presence' | 'clock' | 'logger'>;

export interface FeedStreamRequest {
  readonly organizationId: OrganizationId;
  /** Only what happens there, and who is there. */
  readonly conversationId?: ConversationId | undefined;
  /** The id heard last; absent: what happens from now on. */
  readonly lastEventId?: number | undefined;
  /** Whether the credential still opens this; a revoked one ends the stream within a minute. */
  isAllowed(): Promise<boolean>;
}

export interface StreamTimings {
  /** How long a reader waits before it comes back. */
  readonly retryMs: number;
  readonly heartbeatMs: number;
  /** How often the credential is looked at again. */
  readonly checkMs: number;
  /** How long a reader may take nothing. */
  readonly drainMs: number;
}

const TIMINGS: StreamTimings = {
  retryMs: 1_000,
  // Below the half minute after which proxies drop silent connections.
  heartbeatMs: 15_000,
  checkMs: 60_000,
  drainMs: 10_000,
};

/** @throws JackError E_RATE_LIMITED, E_SHUTTING_DOWN, E_DB_UNAVAILABLE before anything is written. */
export async function streamFeed(
  ctx: StreamContext,
  res: Response,
  request: FeedStreamRequest,
  timings: StreamTimings = TIMINGS,
): Promise<void> {
  const bell = createBell();
  let isOver = res.closed;
  const end = () => {
    isOver = true;
    bell.ring();
  };
  res.once('close', end);
  const following = await ctx.feed.follow(request.organizationId, { wake: bell.ring, end });
  const writer = new EventWriter(res, timings);
  const stream = new FeedStream({ ctx, following, writer, request, timings });
  const unwatch = stream.watchPresence(bell.ring);
  try {
    await stream.begin();
    while (!isOver && writer.isOpen) {
      await stream.tellNews(() => isOver);
      if (!isOver) await bell.wait(await stream.tellTheRest());
    }
  } catch (error) {
    ctx.logger.warn('a stream ends: the record could not be read', {
      subsystem: 'stream',
      organizationId: request.organizationId,
      error: asError(error),
    });
  } finally {
    unwatch();
    following.close();
    writer.end();
    if (writer.wasCut) {
      ctx.logger.info('a stream was cut: its reader takes nothing', {
        subsystem: 'stream',
        organizationId: request.organizationId,
      });
    }
  }
}

interface FeedStreamParts {
  readonly ctx: StreamContext;
  readonly following: Following;
  readonly writer: EventWriter;
  readonly request: FeedStreamRequest;
  readonly timings: StreamTimings;
}

class FeedStream {
  readonly #ctx: StreamContext;
  readonly #following: Following;
  readonly #writer: EventWriter;
  readonly #request: FeedStreamRequest;
  readonly #timings: StreamTimings;
  #position = 0;
  #heartbeatAtMs: number;
  #checkAtMs: number;
  #presenceAtMs = Number.NEGATIVE_INFINITY;
  #presenceTold = '';

  constructor({ ctx, following, writer, request, timings }: FeedStreamParts) {
    this.#ctx = ctx;
    this.#following = following;
    this.#writer = writer;
    this.#request = request;
    this.#timings = timings;
    const nowMs = ctx.clock.monotonicMs();
    this.#heartbeatAtMs = nowMs + timings.heartbeatMs;
    this.#checkAtMs = nowMs + timings.checkMs;
  }

  /** @returns how to stop watching. */
  watchPresence(onChange: () => void): () => void {
    const { organizationId, conversationId } = this.#request;
    if (!conversationId) return () => undefined;
    return this.#ctx.presence.onChange(organizationId, conversationId, () => {
      this.#presenceAtMs = Number.NEGATIVE_INFINITY;
      onChange();
    });
  }

  /** Where it begins: after what was heard last, or now. What is no longer kept cannot be replayed, and that is said. */
  async begin(): Promise<void> {
    const { position, trimmedId } = this.#following;
    const { lastEventId = position } = this.#request;
    const isLost = lastEventId < trimmedId || lastEventId > position;
    this.#position = isLost ? position : lastEventId;
    await this.#writer.open(this.#timings.retryMs);
    const event = isLost ? 'reset' : 'ready';
    await this.#writer.send({ id: this.#position, event, data: { position: this.#position } });
  }

  async tellNews(isOver: () => boolean): Promise<void> {
    while (this.#position < this.#following.position && !isOver()) {
      const page = await this.#following.read(this.#position, this.#request.conversationId);
      for (const event of page.events) {
        if (isOver()) return;
        await this.#writer.send({ id: event.id, event: event.type, data: toData(event) });
      }
      this.#position = page.upTo;
    }
  }

  /** Presence, heartbeat, and whether the reader may still read. @returns how long there is nothing to do, in milliseconds. */
  async tellTheRest(): Promise<number> {
    if (this.#request.conversationId) await this.#tellPresence(this.#request.conversationId);
    const nowMs = this.#ctx.clock.monotonicMs();
    if (nowMs >= this.#heartbeatAtMs) {
      await this.#writer.heartbeat(this.#position);
      this.#heartbeatAtMs = nowMs + this.#timings.heartbeatMs;
    }
    if (nowMs >= this.#checkAtMs) {
      this.#checkAtMs = nowMs + this.#timings.checkMs;
      if (!(await this.#request.isAllowed())) this.#writer.end();
    }
    const untilPresence = this.#request.conversationId ? this.#presenceAtMs : this.#heartbeatAtMs;
    return Math.max(1, Math.min(this.#heartbeatAtMs, this.#checkAtMs, untilPresence) - nowMs);
  }

  async #tellPresence(conversationId: ConversationId): Promise<void> {
    const { presence, clock } = this.#ctx;
    const nowMs = clock.monotonicMs();
    if (nowMs < this.#presenceAtMs) return;
    this.#presenceAtMs = Number.POSITIVE_INFINITY;
    const { viewing, typing, changesAtMs } = await presence.view(
      this.#request.organizationId,
      conversationId,
    );
    if (changesAtMs !== undefined) {
      this.#presenceAtMs = Math.min(this.#presenceAtMs, nowMs + Math.max(1, changesAtMs - clock.now() + 1));
    }
    const told = JSON.stringify({ viewing, typing });
    if (told === this.#presenceTold) return;
    this.#presenceTold = told;
    await this.#writer.send({ event: 'presence', data: { viewing, typing } });
  }
}

/** Conversations go by their lead outside. */
function toData({ conversation, ...event }: FeedEvent) {
  const { type, at, message, alert } = event;
  if (!conversation) return { type, at, leadId: null, conversation: null, message, alert };
  const { id: _id, leadId, ...head } = conversation;
  return { type, at, leadId, conversation: head, message, alert };
}
