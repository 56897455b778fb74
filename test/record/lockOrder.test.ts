/**
 * Whoever changes a conversation and its messages locks the conversation first. Else an edit of the context and a
 * delivery report can wait for each other until PostgreSQL ends one of them.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { systemClock } from '../../services/clock.js';
import { createLiveEvents } from '../../services/events.js';
import { claimOutbox } from '../../services/outbound/claimOutbox.js';
import { createOutboundDoor } from '../../services/outbound/door.js';
import { type OutboxOutcome, storeOutcomes } from '../../services/outbound/outboxRows.js';
import { createStatusWriter } from '../../services/outbound/statuses.js';
import { createSecrets } from '../../services/secrets.js';
import { describeWithPostgres } from '../support/services.js';
import { openTestDatabase, silentLogger, type TestDatabase } from '../support/testDatabase.js';
import { type ContextStage, contextStage } from './_contextStage.js';

describeWithPostgres('The order of locks', () => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase('postgres');
  });
  afterAll(() => test.close());

  const deps = () => ({
    database: test.database,
    secrets: createSecrets('a test secret that is long'),
    clock: systemClock,
    logger: silentLogger,
  });

  async function queuedText(stage: ContextStage) {
    await stage.say('Hi');
    const { id } = await stage.conversation();
    const door = createOutboundDoor({
      database: test.database,
      events: createLiveEvents(),
      onQueued: () => undefined,
    });
    await door.submit({
      organizationId: stage.organizationId,
      conversationId: id,
      origin: 'staff',
      staffName: 'Alex',
      body: 'Hello',
    });
    return id;
  }

  /** What an edit of the context does: the conversation is locked, `meanwhile` begins, then the messages are changed. */
  async function editWhile(conversationId: string, meanwhile: () => Promise<unknown>): Promise<void> {
    let running: Promise<unknown> | undefined;
    await test.database.transaction(async (tx) => {
      await tx.execute(sql`select id from conversations where id = ${conversationId} for no key update`);
      running = meanwhile();
      running.catch(() => undefined);
      await pause(200);
      await tx.execute(sql`update messages set retracted = true where conversation_id = ${conversationId}`);
      await tx.execute(
        sql`update outbox set last_reason = 'edited' where conversation_id = ${conversationId}`,
      );
    });
    await running;
  }

  it('a delivery report waits for an edit, and both are stored', async () => {
    const stage = await contextStage(test.database);
    const conversationId = await queuedText(stage);
    const [claim] = await claimOutbox(test.database, 10, 5_000);
    const writer = createStatusWriter({ ...deps(), events: createLiveEvents() });
    await editWhile(conversationId, () =>
      writer.report({
        organizationId: stage.organizationId,
        messageId: claim!.text.id,
        status: 'delivered',
        errorCode: null,
      }),
    );
    expect((await stage.texts()).at(-1)).toMatchObject({ status: 'delivered' });
    await stage.close();
  });

  it('what became of a send waits for an edit, and both are stored', async () => {
    const stage = await contextStage(test.database);
    const conversationId = await queuedText(stage);
    const claims = await claimOutbox(test.database, 10, 5_000);
    const claim = claims.find((each) => each.conversationId === conversationId)!;
    const outcome: OutboxOutcome = {
      messageId: claim.text.id,
      fence: claim.fence,
      state: 'accepted',
      delayMs: 0,
      code: null,
      reason: null,
      accountSid: null,
      providerSid: `SM${'1'.repeat(32)}`,
      messageStatus: 'sent',
    };
    await editWhile(conversationId, () => storeOutcomes(deps(), [outcome]));
    expect((await stage.texts()).at(-1)).toMatchObject({ status: 'sent' });
    await stage.close();
  });
});
