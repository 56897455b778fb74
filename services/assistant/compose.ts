/** Joins the lines of a reply: two segments if they fit, three at the very most (DOMAIN.md 6.2). */
import { clamp, toGsm } from './gsm.js';
import type { Line } from './scene.js';

export const SOFT_LIMIT = 320;
export const HARD_LIMIT = 480;

/**
 * @param ending stands last whatever has to go: how to opt out.
 * @returns 1 to 480 characters of GSM-7.
 */
export function compose(lines: readonly Line[], ending = ''): string {
  const room = HARD_LIMIT - (ending === '' ? 0 : ending.length + 1);
  const soft = SOFT_LIMIT - (ending === '' ? 0 : ending.length + 1);
  const attempts = [lines, shorten(lines), shorten(lines).filter(({ isOptional }) => !isOptional)];
  const texts = attempts.map(joined);
  const body =
    texts.find((text) => text.length > 0 && text.length <= soft) ??
    texts.find((text) => text.length > 0 && text.length <= room) ??
    clamp(texts[2] || (texts[1] ?? ''), room);
  return [body, ending].filter(Boolean).join(' ') || 'Thanks for your text.';
}

const shorten = (lines: readonly Line[]): Line[] =>
  lines.map(({ short, ...line }) => (short === undefined ? line : { ...line, text: short }));

const joined = (lines: readonly Line[]): string => toGsm(lines.map(({ text }) => text).join(' '));
