import express, { type Router } from 'express';
import type { AppContext } from '../../services/context.js';
import { JackError } from '../../services/errors.js';
import {
  listPhoneOrganizations,
  type PhoneConversation,
  readPhoneConversation,
} from '../../services/record/simulatedPhone.js';
import { createGuestSession, type GuestContext } from './guestSession.js';
import { conversationQuery, parseInput, redisBody, refuseForeignPage, textBody } from './input.js';

type ApiContext = GuestContext & Pick<AppContext, 'database' | 'state' | 'assistant' | 'config'>;

/** Room for 1600 characters of any alphabet, escaped. */
const BODY_LIMIT = '32kb';

export function createSimulatorApi(ctx: ApiContext, simulator: NonNullable<AppContext['simulator']>): Router {
  const router = express.Router();
  const json = express.json({ limit: BODY_LIMIT });
  router.use((req, res, next) => {
    res.set('Cache-Control', 'no-store');
    if (req.method !== 'GET' && req.method !== 'HEAD') refuseForeignPage(req);
    next();
  });

  router.use('/session', createGuestSession(ctx, json));
  router.get('/status', (_req, res) => {
    res.json(statusOf(ctx));
  });
  router.get('/organizations', async (_req, res) => {
    res.json(await listPhoneOrganizations(ctx.database));
  });
  router.get('/conversation', async (req, res) => {
    const { organizationId, phone } = parseInput(conversationQuery, req.query, 'query');
    res.json(toView(await readPhoneConversation(ctx.database, organizationId, phone)));
  });
  router.post('/texts', json, async (req, res) => {
    const text = parseInput(textBody, req.body, 'body');
    res.status(202).json(await simulator.textJack(text));
  });
  router.post('/redis', json, async (req, res) => {
    const { off } = parseInput(redisBody, req.body, 'body');
    if (!ctx.config.redis) throw new JackError('E_CONFLICT', 'No Redis is configured (USE_REDIS=false).');
    res.json({ mode: await ctx.state.setForced(off) });
  });
  return router;
}

const statusOf = ({ state, database, config, assistant }: ApiContext) => ({
  carrier: 'simulated',
  assistant: assistant.name,
  record: database.kind,
  cache: { mode: state.mode() },
  redis: { isConfigured: config.redis !== undefined, isSwitchedOff: state.report().isForced },
});

/** `texts` is what is on the phone, `dealership` what people and the assistant there know. */
const toView = (conversation: PhoneConversation | undefined) => ({
  rev: conversation?.rev ?? 'none',
  texts: conversation?.texts ?? [],
  isReplyDue: conversation?.isReplyDue ?? false,
  dealership: {
    owner: conversation?.owner ?? 'assistant',
    ownerName: conversation?.ownerName ?? null,
    summary: conversation?.summary ?? '',
    slots: conversation?.slots ?? {},
    optedOut: conversation?.optedOut ?? false,
  },
});
