import path from 'node:path';
import { fileURLToPath } from 'node:url';
import express, { type Response, type Router } from 'express';

const PUBLIC = fileURLToPath(new URL('../../public/simulator', import.meta.url));

// Everything the page needs comes from here, and what a text says can never become a script.
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function setHeaders(res: Response): void {
  res.set({
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-cache',
  });
}

/** `/simulator` is the page, `/simulator/…` its style, scripts and icon. */
export function createSimulatorPage(): Router {
  const router = express.Router({ strict: true });
  router.get('/', (_req, res) => {
    setHeaders(res);
    res.sendFile(path.join(PUBLIC, 'simulator.html'), { cacheControl: false });
  });
  router.use(
    express.static(PUBLIC, {
      index: false,
      redirect: false,
      cacheControl: false,
      setHeaders,
    }),
  );
  return router;
}
