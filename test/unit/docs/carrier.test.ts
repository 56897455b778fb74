/** docs/CARRIER.md says what the program does: addresses, settings and figures are held against it. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { apiRoutes } from '../../../routes/index.js';
import { FALLBACK_PATH } from '../../../routes/twilio/fallback.js';
import { twilioSmsOperation } from '../../../routes/twilio/sms.js';
import { ENVIRONMENT_NAMES } from '../../../services/config.js';
import { SERVED_TYPES } from '../../../services/media/sniff.js';
import { DEFAULT_MEDIA_LIMITS } from '../../../services/media/types.js';
import { DEFAULT_LIMITS } from '../../../services/rateLimits/limits.js';
import { DEFAULT_LOOP_LIMITS } from '../../../services/turns/loopGuard.js';
import { STATUS_PATH } from '../../../services/twilio/statusCallback.js';
import type { TestApp } from '../../support/buildApp.js';

const PAGE = readFileSync('docs/CARRIER.md', 'utf8');
/** As one line, since sentences are broken. */
const TEXT = PAGE.replace(/\s+/g, ' ');

describe('docs/CARRIER.md', () => {
  it('names addresses that are served', () => {
    const served = apiRoutes({ clock: { monotonicMs: () => 0 } } as TestApp['ctx'], { rejected: 0 });
    const paths = new Set([
      ...served.map(({ path }) => path as string),
      twilioSmsOperation.path,
      FALLBACK_PATH,
      STATUS_PATH,
    ]);
    const named = [...TEXT.matchAll(/\/api\/[A-Za-z/{}-]+/g)].map(([path]) => path);
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((path) => !paths.has(path))).toEqual([]);
    expect(named).toEqual(expect.arrayContaining([twilioSmsOperation.path, FALLBACK_PATH, STATUS_PATH]));
  });

  it('names settings that are read', () => {
    const named = [...TEXT.matchAll(/\b(?:TWILIO|TRUST|PUBLIC|DATA)_[A-Z_]+/g)].map(([name]) => name);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !(ENVIRONMENT_NAMES as readonly string[]).includes(name))).toEqual([]);
    expect(ENVIRONMENT_NAMES.filter((name) => name.startsWith('MEDIA_S3_')).length).toBeGreaterThan(3);
  });

  it.each([
    [`${DEFAULT_LIMITS.unsignedWebhook.points} a minute an address`],
    [`more than ${DEFAULT_LIMITS.inboundText.points} texts a minute`],
    [`${DEFAULT_MEDIA_LIMITS.maxBytes / 1024 / 1024} MB each`],
    [`${DEFAULT_MEDIA_LIMITS.maxAttempts} attempts`],
    [`once more ${['ten'][DEFAULT_MEDIA_LIMITS.secondPassMs / 600_000 - 1]} minutes later`],
    [`after ${['four'][DEFAULT_LOOP_LIMITS.repeats - 5]} to a text that says the same`],
    [`after ${['eight'][DEFAULT_LOOP_LIMITS.dullExchanges - 8]} quick ones without new words`],
    [`after ${['fifteen'][DEFAULT_LOOP_LIMITS.quickExchanges - 15]} quick ones of any kind`],
  ])('says "%s"', (figure) => {
    expect(TEXT).toContain(figure);
  });

  it('names a kind for each type that is taken in', () => {
    const words: Readonly<Record<string, string>> = {
      'text/vcard': 'vCard',
      'audio/mpeg': 'MP3',
      'audio/mp4': 'M4A',
      'video/quicktime': 'QuickTime',
    };
    const missing = SERVED_TYPES.filter((type) => {
      const word = words[type] ?? type.split('/')[1] ?? type;
      return !TEXT.toLowerCase().includes(word.toLowerCase());
    });
    expect(missing).toEqual([]);
  });
});
