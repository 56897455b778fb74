import type { RequestHandler } from 'express';
import type { Clock } from '../../services/clock.js';
import type { HttpMetrics } from '../../services/metrics/http.js';

/** Times every request under the pattern of its route, never under its path. */
export const measureRequests =
  (metrics: HttpMetrics, clock: Pick<Clock, 'monotonicMs'>): RequestHandler =>
  (req, res, next) => {
    const startedAtMs = clock.monotonicMs();
    res.once('close', () => {
      // A stream lasts as long as its reader likes.
      if (String(res.getHeader('content-type')).startsWith('text/event-stream')) return;
      const { route } = req as { route?: { path: unknown } };
      metrics.answered({
        method: req.method,
        route: route ? `${req.baseUrl}${String(route.path)}` : 'unmatched',
        status: res.writableFinished ? res.statusCode : 'aborted',
        durationMs: clock.monotonicMs() - startedAtMs,
      });
    });
    next();
  };
