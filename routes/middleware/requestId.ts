/** Gives every request an id, the caller's own when it is sane, and puts it on every log line of the request. */
import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import { logContext } from '../../services/logger.js';

const SANE = /^[A-Za-z0-9._:-]{8,100}$/;
const HEADER = 'X-Request-Id';

export const requestId: RequestHandler = (req, res, next) => {
  const given = req.get(HEADER);
  const id = given !== undefined && SANE.test(given) ? given : randomUUID();
  res.set(HEADER, id);
  logContext.run({ requestId: id }, next);
};

export const requestIdOf = (res: Response): string => String(res.getHeader(HEADER) ?? '');
