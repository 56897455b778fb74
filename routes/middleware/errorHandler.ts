/** The one place that turns errors into answers, and logs each once: refusals as information, faults as errors. */
import type { ErrorRequestHandler, Request, Response } from 'express';
import type { AppContext } from '../../services/context.js';
import type { JackError } from '../../services/errors.js';
import type { Logger } from '../../services/logger.js';
import { PROBLEM_TYPE, toJackError, toProblem } from '../problem.js';
import { requestIdOf } from './requestId.js';

/** Long enough for a failover, short enough for a person who waits. */
const RETRY_AFTER_SECONDS = 5;

export function createErrorHandler({
  config,
  logger,
}: Pick<AppContext, 'config' | 'logger'>): ErrorRequestHandler {
  const log = logger.child({ subsystem: 'http' });
  // Express knows an error handler by its four parameters.
  return (thrown: unknown, req, res, _next) => {
    const error = toJackError(thrown);
    logOnce(log, req, error);
    if (res.headersSent) {
      // The answer has begun: a broken connection says that it is not whole.
      res.destroy();
      return;
    }
    sendProblem(res, req, error, config.publicUrl);
  };
}

function sendProblem(res: Response, req: Request, error: JackError, publicUrl: string | undefined): void {
  const place = { publicUrl, requestId: requestIdOf(res), instance: pathOf(req) };
  if (error.status === 401) res.set('WWW-Authenticate', 'Bearer realm="jack"');
  if (error.status === 503 || error.status === 429 || error.retryAfterSeconds !== undefined) {
    res.set('Retry-After', String(error.retryAfterSeconds ?? RETRY_AFTER_SECONDS));
  }
  res.set('Cache-Control', 'no-store');
  // end() instead of json(), which would add a charset that JSON does not have.
  res
    .status(error.status)
    .setHeader('Content-Type', PROBLEM_TYPE)
    .end(JSON.stringify(toProblem(error, place)));
}

function logOnce(logger: Logger, req: Request, error: JackError): void {
  const line = { method: req.method, path: pathOf(req), status: error.status, code: error.code };
  // Problems name fields as the caller wrote them, which may be anything: the caller has them, the log does not.
  const { problems } = error;
  const reason = problems.length > 0 ? { problems: problems.length } : { reason: error.message };
  if (error.status < 500) logger.info('a request was refused', { ...line, ...reason });
  else logger.error('a request failed', { ...line, error });
}

/** Without the query, which may hold what callers search for. */
const pathOf = (req: Request): string => req.originalUrl.split('?', 1)[0] ?? '/';
