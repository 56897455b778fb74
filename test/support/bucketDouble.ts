/** A bucket on loopback that takes only what is signed right, with the real protocol's status codes. */
import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type S3Credentials, signV4 } from '../../services/media/signatureV4.js';

export interface BucketDouble {
  readonly endpoint: string;
  /** Path → bytes. */
  readonly objects: ReadonlyMap<string, Buffer>;
  /** Status of every answer from now on, instead of the right one; undefined: as it should be. */
  fail(status: number | undefined): void;
  stop(): Promise<void>;
}

export async function startBucketDouble(credentials: S3Credentials): Promise<BucketDouble> {
  const objects = new Map<string, Buffer>();
  let failing: number | undefined;
  const server = http.createServer((req, res) => void serve(req, res));

  async function serve(req: http.IncomingMessage, res: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const status = failing ?? answer(req, body);
    res.writeHead(status);
    res.end(req.method === 'GET' && status === 200 ? objects.get(req.url ?? '') : undefined);
  }

  function answer(req: http.IncomingMessage, body: Buffer): number {
    const url = req.url ?? '';
    const bodyDigest = createHash('sha256').update(body).digest('hex');
    const stamp = String(req.headers['x-amz-date']).replace(
      /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
      '$1-$2-$3T$4:$5:$6Z',
    );
    // The signing itself is held against AWS's vectors; here: that what was sent is what was signed.
    const expected = signV4(credentials, {
      method: req.method ?? '',
      url: new URL(`http://${req.headers.host}${url}`),
      bodyDigest,
      at: new Date(stamp),
    });
    if (req.headers.authorization !== expected.authorization) return 403;
    if (req.headers['x-amz-content-sha256'] !== bodyDigest) return 400;
    if (req.method === 'PUT') objects.set(url, body);
    if (req.method === 'DELETE') {
      objects.delete(url);
      return 204;
    }
    return objects.has(url) ? 200 : 404;
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    fail: (status) => {
      failing = status;
    },
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
