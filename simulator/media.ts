/**
 * Media of inbound texts (twilio.com/docs/messaging/api/media-resource): behind the account's credentials at the API's
 * host, which sends the client on to a second host. That one has the bytes, and must never see the credentials.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { newSid } from './sids.js';

export interface NewMedium {
  readonly contentType: string;
  readonly bytes: Buffer | Uint8Array;
  /** What the second host says the type is; absent: the truth. */
  readonly servedType?: string;
  /** Where the API's host sends the client instead of to the second host. */
  readonly redirectTo?: string;
}

export interface StoredMedium extends NewMedium {
  readonly sid: string;
  readonly accountSid: string;
  readonly messageSid: string;
  readonly createdAt: Date;
}

export interface CdnRequest {
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
}

export class MediaHost {
  readonly requests: CdnRequest[] = [];
  readonly #random: (() => number) | undefined;
  readonly #media = new Map<string, StoredMedium>();
  readonly #server = http.createServer((request, response) => this.#serve(request, response));

  constructor(random: (() => number) | undefined) {
    this.#random = random;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(0, '127.0.0.1', resolve);
    });
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  add(medium: NewMedium & { accountSid: string; messageSid: string; createdAt: Date }): StoredMedium {
    const stored = { ...medium, sid: newSid('ME', this.#random) };
    this.#media.set(stored.sid, stored);
    return stored;
  }

  find(messageSid: string, sid: string): StoredMedium | undefined {
    const medium = this.#media.get(sid);
    return medium?.messageSid === messageSid ? medium : undefined;
  }

  of(messageSid: string): StoredMedium[] {
    return [...this.#media.values()].filter((medium) => medium.messageSid === messageSid);
  }

  remove(medium: StoredMedium): void {
    this.#media.delete(medium.sid);
  }

  /** Where the API's host sends the client on to. */
  locationOf(medium: StoredMedium): string {
    return medium.redirectTo ?? `${this.baseUrl}/${medium.accountSid}/${medium.sid}`;
  }

  #serve(request: http.IncomingMessage, response: http.ServerResponse): void {
    this.requests.push({ path: request.url ?? '', headers: request.headers });
    // As a bucket with signed links does: two ways of authentication at once are refused.
    if (request.headers.authorization !== undefined) {
      response.writeHead(400).end();
      return;
    }
    const medium = this.#media.get(request.url?.split('/').at(-1) ?? '');
    if (!medium) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      'content-type': medium.servedType ?? medium.contentType,
      'content-length': medium.bytes.length,
    });
    response.end(medium.bytes);
  }
}

export const mediaPath = ({ accountSid, messageSid, sid }: StoredMedium): string =>
  `/2010-04-01/Accounts/${accountSid}/Messages/${messageSid}/Media/${sid}`;

export const mediaResource = (medium: StoredMedium): object => ({
  account_sid: medium.accountSid,
  content_type: medium.contentType,
  date_created: medium.createdAt.toUTCString().replace('GMT', '+0000'),
  date_updated: medium.createdAt.toUTCString().replace('GMT', '+0000'),
  parent_sid: medium.messageSid,
  sid: medium.sid,
  uri: `${mediaPath(medium)}.json`,
});
