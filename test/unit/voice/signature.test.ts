import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isSignedByElevenLabs } from '../../../services/voice/signature.js';

const secret = 'wsec_0123456789abcdef';
const body = Buffer.from('{"type":"post_call_transcription","data":{"é":1}}', 'utf8');
const nowMs = 1_795_030_927_500;
const seconds = Math.floor(nowMs / 1000);
const sign = (time: number, of: Buffer = body, by = secret) =>
  createHmac('sha256', by).update(`${time}.`).update(of).digest('hex');
const isSigned = (
  header: string | undefined,
  change: Partial<{ secret: string; body: Buffer; nowMs: number }> = {},
) => isSignedByElevenLabs({ secret, body, nowMs, header, ...change });

describe('The signature of ElevenLabs', () => {
  it('is right over the bytes as they came', () => {
    expect(isSigned(`t=${seconds},v0=${sign(seconds)}`)).toBe(true);
  });

  it('is one of several while a secret is changed', () => {
    expect(isSigned(`t=${seconds},v0=${sign(seconds, body, 'another')},v0=${sign(seconds)}`)).toBe(true);
  });

  it.each<readonly [string, string | undefined]>([
    ['no header', undefined],
    ['an empty one', ''],
    ['noise', 'v0=zz,t=now'],
    ['no time', `v0=${sign(seconds)}`],
    ['no signature', `t=${seconds}`],
    ['a signature of another time', `t=${seconds - 1},v0=${sign(seconds)}`],
    ['a signature of another version', `t=${seconds},v1=${sign(seconds)}`],
    ['a signature that is too short', `t=${seconds},v0=${sign(seconds).slice(0, 62)}`],
    ['a time that is no number', `t=${seconds}e1,v0=${sign(seconds)}`],
  ])('is wrong with %s', (_what, header) => {
    expect(isSigned(header)).toBe(false);
  });

  it('is wrong with another body or another secret', () => {
    const header = `t=${seconds},v0=${sign(seconds)}`;
    expect(isSigned(header, { body: Buffer.concat([body, Buffer.from(' ')]) })).toBe(false);
    expect(isSigned(header, { secret: `${secret}x` })).toBe(false);
  });

  it.each([
    [29 * 60, true],
    [31 * 60, false],
    [-4 * 60, true],
    [-6 * 60, false],
  ])('%s seconds old: %s', (age, isRight) => {
    const time = seconds - age;
    expect(isSigned(`t=${time},v0=${sign(time)}`)).toBe(isRight);
  });
});
