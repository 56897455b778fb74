/** What goes wrong with the next requests, and what a client sees of it. */
import type http from 'node:http';
import type { SimulatorClock } from './clock.js';
import { type ApiError, brokenInside, tooMany } from './refusals.js';

export type TwilioFault =
  | '429'
  | '500-before'
  | '500-after-accept'
  | 'hang-before'
  | 'hang-after-accept'
  | 'reset-before'
  | 'reset-after-accept'
  /** 201 whose JSON breaks off. */
  | 'garbage-after-accept'
  /** The whole answer, a byte every 100 ms. */
  | 'slow-body';

/** POSTs of new texts, or the requests that only read. */
export type FaultTarget = 'send' | 'read';

const SLOW_BYTE_MS = 100;

export class Faults {
  readonly #waiting: Record<FaultTarget, TwilioFault[]> = { send: [], read: [] };

  failNext(fault: TwilioFault, times: number, target: FaultTarget): void {
    this.#waiting[target].push(...Array<TwilioFault>(times).fill(fault));
  }

  take(target: FaultTarget): TwilioFault | undefined {
    return this.#waiting[target].shift();
  }
}

/**
 * What comes before anything happens.
 * @returns true when the request ends here without an answer.
 * @throws ApiError for an answer.
 */
export function breaksBefore(fault: TwilioFault | undefined, response: http.ServerResponse): boolean {
  if (fault === '429') throw tooMany();
  if (fault === '500-before') throw brokenInside();
  if (fault === 'reset-before') response.socket?.resetAndDestroy();
  return fault === 'hang-before' || fault === 'reset-before';
}

/** The answer, or what is left of it. */
export function answer(
  response: http.ServerResponse,
  status: number,
  body: object | undefined,
  fault: TwilioFault | undefined,
  clock: SimulatorClock,
): void {
  if (fault === '500-after-accept') {
    sendError(response, brokenInside());
    return;
  }
  if (fault === 'hang-after-accept') return;
  if (fault === 'reset-after-accept') {
    response.socket?.resetAndDestroy();
    return;
  }
  if (fault === 'garbage-after-accept') {
    response.writeHead(status).end('{"sid": "SM');
    return;
  }
  if (body === undefined) {
    response.writeHead(status).end();
    return;
  }
  const text = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { 'content-type': 'application/json;charset=utf-8' });
  if (fault === 'slow-body') dribble(response, text, clock);
  else response.end(text);
}

export function sendError(response: http.ServerResponse, error: ApiError): void {
  if (error.retryAfterS !== undefined) response.setHeader('retry-after', String(error.retryAfterS));
  response.writeHead(error.status, { 'content-type': 'application/json;charset=utf-8' });
  response.end(JSON.stringify(error.body));
}

function dribble(response: http.ServerResponse, bytes: Buffer, clock: SimulatorClock): void {
  if (response.destroyed) return;
  if (bytes.length === 0) {
    response.end();
    return;
  }
  response.write(bytes.subarray(0, 1));
  clock.after(SLOW_BYTE_MS, () => dribble(response, bytes.subarray(1), clock));
}
