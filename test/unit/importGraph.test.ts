import { describe, expect, it } from '@jest/globals';
import { checkImports } from '../../scripts/check-imports.js';
import { IMPORT_RULES } from '../../scripts/lib/importRules.js';
import { PROJECT_ROOT } from '../../scripts/lib/programs.js';

/** File, the line planted in it, and the one rule that must fire. */
const PLANTED: ReadonlyArray<readonly [path: string, text: string, rule: string]> = [
  ['routes/health.ts', "import { start } from '../server.js';", 'server-is-the-top'],
  ['services/leads.ts', "import type { Router } from '../routes/leads.js';", 'services-know-no-routes'],
  ['redis-migration.ts', "import { router } from './routes/index.js';", 'services-know-no-routes'],
  ['services/leads.ts', "import { onPath } from '../scripts/lib/programs.js';", 'program-needs-no-tools'],
  ['routes/leads.ts', "import { newSid } from '../simulator/sids.js';", 'program-needs-no-tools'],
  [
    'simulator/queue.ts',
    "import { countSegments } from '../services/sms/segments.js';",
    'simulator-stands-alone',
  ],
  ['services/cacheAdapter.ts', "import { StateDoor } from '../redis-migration.js';", 'tower-is-one-way'],
  ['services/cache/redisDriver.ts', "export * from '../cacheAdapter.js';", 'tower-is-one-way'],
  ['services/redis/guard.ts', "import { Cache } from '../cache.js';", 'tower-is-one-way'],
  ['routes/health.ts', "import { Cache } from '../services/cache.js';", 'state-has-one-door'],
  ['services/turns/turnRunner.ts', "import type { Redis } from '../redis.js';", 'state-has-one-door'],
  ['services/turns/turnRunner.ts', "const a = await import('../cacheAdapter.js');", 'state-has-one-door'],
  ['redis-migration.ts', "import { run } from './services/turns/turnRunner.js';", 'tower-knows-no-path'],
  ['services/cache.ts', "import { Database } from './db/client.js';", 'cache-knows-no-record'],
  [
    'services/turns/turnRunner.ts',
    "import { send } from '../outbound/transports/twilio.js';",
    'transports-have-one-door',
  ],
  [
    'services/outbound/react.ts',
    "import { createTwilioTransport } from './transports/twilioTransport.js';",
    'transports-have-one-door',
  ],
  [
    'routes/leads.ts',
    "import { createCarrier } from '../services/outbound/carrier.js';",
    'carrier-is-made-once',
  ],
  ['services/leads.ts', "import { OutboxSender } from './outbound/sender.js';", 'carrier-is-made-once'],
  [
    'services/leads/firstTouch.ts',
    "import { commitWithin } from '../outbound/commitOutbound.js';",
    'outbox-has-one-door',
  ],
  ['services/outbound/react.ts', "import { insertTexts } from './textRows.js';", 'outbox-has-one-door'],
  [
    'services/assistant/scripted.ts',
    "import { Database } from '../db/client.js';",
    'assistant-sees-its-request-only',
  ],
  [
    'services/assistant/scripted.ts',
    "import { StateDoor } from '../../redis-migration.js';",
    'assistant-sees-its-request-only',
  ],
  ['services/sms/segments.ts', "import type { Logger } from '../logger.js';", 'sms-stands-alone'],
  ['services/leads.ts', 'const port = process.env.PORT;', 'environment-has-one-reader'],
];

const rulesFiring = (...files: ReadonlyArray<readonly [path: string, text: string]>): string[] =>
  checkImports(files.map(([path, text]) => ({ path, text }))).map((violation) => violation.rule);

describe('The import graph', () => {
  it('The real tree keeps every rule', () => {
    expect(checkImports(PROJECT_ROOT)).toEqual([]);
  });

  it.each(PLANTED)('When %s holds "%s", then %s fires', (path, text, rule) => {
    expect(rulesFiring([path, text])).toEqual([rule]);
  });

  it('Every rule has a planted violation', () => {
    const planted = new Set(PLANTED.map(([, , rule]) => rule));
    expect(IMPORT_RULES.map((rule) => rule.name).filter((name) => !planted.has(name))).toEqual([]);
  });

  it('A violation names the file, the line of the import and the reason', () => {
    const text = '/** A route. */\nimport {\n  Cache,\n  other,\n} from "../services/cache.js";\n';
    expect(checkImports([{ path: 'routes/health.ts', text }])).toEqual([
      {
        file: 'routes/health.ts',
        line: 5,
        rule: 'state-has-one-door',
        what: 'imports services/cache.ts',
        reason: expect.stringContaining('redis-migration.ts'),
      },
    ]);
  });

  it('Files that import each other are one cycle, told once and as a walk', () => {
    const violations = checkImports([
      { path: 'services/a.ts', text: "import { b } from './b.js';" },
      { path: 'services/b.ts', text: "import type { c } from './c.js';" },
      { path: 'services/c.ts', text: "export { a } from './a.js';" },
      { path: 'services/d.ts', text: "import './a.js';" },
    ]);
    expect(violations.map(({ rule, what }) => [rule, what])).toEqual([
      ['no-cycles', 'imports itself: services/a.ts → services/b.ts → services/c.ts → services/a.ts'],
    ]);
  });

  it('The tower may be put together in services/tower.ts, the carrier in services/context.ts, and both used downwards', () => {
    expect(
      rulesFiring(
        [
          'services/context.ts',
          "import { createTower } from './tower.js';\nimport { send } from './outbound/transports/x.js';",
        ],
        ['services/tower.ts', "import { Cache } from './cache.js';"],
        ['services/cacheAdapter.ts', "import { Cache } from './cache.js';"],
        ['services/cache.ts', "import { Redis } from './redis.js';"],
        ['redis-migration.ts', "import { find } from './services/record/leads.js';"],
        ['routes/leads.ts', "import { StateDoor } from '../redis-migration.js';"],
      ),
    ).toEqual([]);
  });

  it('Comments and the readers of the environment break no rule', () => {
    expect(
      rulesFiring(
        ['services/config.ts', 'export const read = () => process.env;'],
        ['server.ts', 'loadConfig(process.env);'],
        [
          'services/leads.ts',
          "/**\n * Not process.env, nor import('./cache.js').\n */\n// import { x } from './cache.js';",
        ],
      ),
    ).toEqual([]);
  });
});
