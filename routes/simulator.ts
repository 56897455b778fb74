/**
 * The phone page and what it calls. Mounted only with the simulated carrier: these routes know no credential and
 * show every dealership, which is right on a machine where one tries Jack and nowhere else.
 */
import express, { type Router } from 'express';
import type { AppContext } from '../services/context.js';
import { createSimulatorApi } from './simulator/api.js';
import { createSimulatorPage } from './simulator/page.js';
import { createSimulatorStream } from './simulator/stream.js';

/** @throws Error when the context has no simulated carrier. */
export function createSimulatorRoutes(ctx: AppContext): Router {
  const { simulator } = ctx;
  if (!simulator) throw new Error('The phone page needs the simulated carrier.');
  const router = express.Router();
  router.use('/simulator', createSimulatorPage());
  router.get('/api/simulator/stream', createSimulatorStream(ctx));
  router.use('/api/simulator', createSimulatorApi(ctx, simulator));
  return router;
}
