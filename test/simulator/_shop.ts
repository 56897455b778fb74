/** A program that the simulator calls: answers webhooks as it is told, and checks their signatures with Twilio's own library. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import twilio from 'twilio';

export interface SeenWebhook {
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  readonly headers: http.IncomingHttpHeaders;
  readonly hasGoodSignature: boolean;
  readonly rawBody: string;
}

export type Behaviour = (request: http.IncomingMessage, response: http.ServerResponse) => void;

export interface Shop {
  readonly url: string;
  readonly seen: SeenWebhook[];
  /** How the next requests are answered, one each; after them `200` and an empty TwiML. */
  readonly answers: Behaviour[];
  stop(): Promise<void>;
}

export const EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>';

export const answerWith =
  (status: number, body = '', contentType = 'text/xml'): Behaviour =>
  (_request, response) =>
    void response.writeHead(status, contentType === '' ? {} : { 'content-type': contentType }).end(body);

export const hang: Behaviour = () => undefined;
export const reset: Behaviour = (request) => void request.socket.resetAndDestroy();

/** @param publicUrl what the simulator signs, when it is not where the shop listens. */
export async function openShop(authToken: string, publicUrl?: string): Promise<Shop> {
  const seen: SeenWebhook[] = [];
  const answers: Behaviour[] = [];
  let url = '';
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const rawBody = Buffer.concat(chunks).toString('utf8');
      const params = Object.fromEntries(new URLSearchParams(rawBody));
      const path = request.url ?? '';
      const signature = String(request.headers['x-twilio-signature']);
      const hasGoodSignature = twilio.validateRequest(
        authToken,
        signature,
        `${publicUrl ?? url}${path}`,
        params,
      );
      seen.push({ path, params, headers: request.headers, hasGoodSignature, rawBody });
      (answers.shift() ?? answerWith(200, EMPTY_TWIML))(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    seen,
    answers,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
