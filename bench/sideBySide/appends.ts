/** Texts that come at the same time through Jack as a whole: the record numbers them, and Redis holds a copy. */

import { startRedis } from '../../scripts/lib/redisServer.js';
import { loadConfig } from '../../services/config.js';
import { createContext } from '../../services/context.js';
import { createLogger } from '../../services/logger.js';
import { temporaryDirectory } from '../../test/support/jackProcess.js';
import { inboundText, newOrganization, newPhone, textsOf } from '../../test/support/records.js';
import { until } from '../../test/support/until.js';

/** @returns how many of so many texts the assistant was shown in the end, in their order and each once. */
export async function countAppendedThroughJack(count: number): Promise<number> {
  const server = await startRedis();
  let shown: readonly string[] = [];
  const config = loadConfig({
    NODE_ENV: 'test',
    REDIS_URL: server.url,
    REPLY_WINDOW_MS: '200',
    DATA_DIR: temporaryDirectory(),
  });
  const ctx = await createContext(config, {
    logger: createLogger({ level: 'error', format: 'json' }),
    demo: false,
    assistant: {
      name: 'bench',
      reply: async ({ conversation }) => {
        shown = conversation.messages.filter(({ sender }) => sender === 'lead').map(({ body }) => body);
        return { body: 'Noted.', slots: {}, summary: '' };
      },
    },
  });
  try {
    await ctx.start('http://127.0.0.1:1');
    const { id, number } = await newOrganization(ctx.database);
    const phone = newPhone();
    const texts = Array.from({ length: count }, (_, n) => `text ${n}`);
    await Promise.all(texts.map((body) => ctx.receiver.receive(inboundText(number, phone, { body }))));
    await until(async () => (await textsOf(ctx.database, id, phone)).at(-1)?.direction === 'outbound', {
      what: 'the reply',
      timeoutMs: 20_000,
    });
    return new Set(shown.filter((body) => texts.includes(body))).size;
  } finally {
    await ctx.close();
    await server.stop();
  }
}
