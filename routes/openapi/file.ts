/** Answers that are a file: bytes that somebody else made, sent so that a browser shows them and never runs them. */
import type { Response } from 'express';

export interface FileBody {
  readonly bytes: Buffer;
  /** One of those that the route documents. */
  readonly contentType: string;
}

export function sendFile(res: Response, { bytes, contentType }: FileBody): void {
  // Last, so that no route can do without them.
  res.set('X-Content-Type-Options', 'nosniff');
  res.set('Content-Security-Policy', "default-src 'none'; sandbox");
  res.set('Content-Type', contentType);
  res.set('Content-Length', String(bytes.length));
  res.end(res.req.method === 'HEAD' ? undefined : bytes);
}
