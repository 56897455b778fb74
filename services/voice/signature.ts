/**
 * The signature of ElevenLabs' webhooks: `ElevenLabs-Signature: t=<unix seconds>,v0=<hex>`, where v0 is HMAC-SHA256 over
 * `<t>.<body>` as it came (https://elevenlabs.io/docs/eleven-agents/workflows/post-call-webhooks).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** What their own library takes for too old. */
const MAX_AGE_MS = 30 * 60_000;
/** Clocks that are not quite right. */
const MAX_AHEAD_MS = 5 * 60_000;

export function isSignedByElevenLabs(request: {
  readonly secret: string;
  readonly header: string | undefined;
  readonly body: Buffer;
  readonly nowMs: number;
}): boolean {
  const fields = (request.header ?? '')
    .slice(0, 2_000)
    .split(',')
    .map((field) => field.trim());
  const time = fields.find((field) => field.startsWith('t='))?.slice(2) ?? '';
  if (!/^\d{1,12}$/.test(time)) return false;
  const ageMs = request.nowMs - Number(time) * 1000;
  if (ageMs > MAX_AGE_MS || ageMs < -MAX_AHEAD_MS) return false;
  const expected = createHmac('sha256', request.secret).update(`${time}.`).update(request.body).digest();
  return fields
    .filter((field) => /^v0=[0-9a-f]{64}$/i.test(field))
    .some((field) => timingSafeEqual(Buffer.from(field.slice(3), 'hex'), expected));
}
