/**
 * Who may import whom, as data. A pattern is a file (`services/cache.ts`), a folder with all below it (`services/cache/`)
 * or a beginning (`services/redis*`). Paths are relative to the root.
 */
export interface ImportRule {
  readonly name: string;
  readonly reason: string;
  /** The importing files that the rule is about. */
  readonly from: readonly string[];
  readonly except?: readonly string[];
  /** What these may not import. */
  readonly forbidden: readonly string[];
  /** Of the forbidden, what they may import after all. */
  readonly allowed?: readonly string[];
}

/** The only file that builds collaborators and so sees all floors. */
const COMPOSITION = ['services/context.ts'];

const ROUTES = ['routes/'];
const STATE_DOOR = ['redis-migration.ts'];
const ADAPTER = ['services/cacheAdapter*'];
const CACHE = ['services/cache.ts', 'services/cache/'];
const REDIS = ['services/redis.ts', 'services/redis/', 'services/upstash/'];
const BELOW_DOOR = [...ADAPTER, ...CACHE, ...REDIS];

/** The path of a text, which uses the tower and is not used by it. */
const PATH = ['services/inbound/', 'services/turns/', 'services/outbound/', 'services/assistant/'];
const RECORD = ['services/db/', 'services/record/'];

const ONE_WAY = 'the tower is one-way: routes, redis-migration, cacheAdapter, cache, redis';

export const IMPORT_RULES: readonly ImportRule[] = [
  {
    name: 'server-is-the-top',
    reason: 'server.ts only starts and stops',
    from: ['*'],
    forbidden: ['server.ts'],
  },
  {
    name: 'services-know-no-routes',
    reason: 'HTTP is one way in among several',
    from: ['services/', ...STATE_DOOR],
    forbidden: ROUTES,
  },
  {
    name: 'program-needs-no-tools',
    reason: 'scripts, tests, benchmarks and the simulator use the program, never the other way round',
    from: ['server.ts', 'services/', ...STATE_DOOR, ...ROUTES],
    forbidden: ['scripts/', 'test/', 'bench/', 'simulator/'],
  },
  {
    name: 'simulator-stands-alone',
    reason: 'a carrier that shares code with the program would share its mistakes',
    from: ['simulator/'],
    forbidden: ['*'],
    allowed: ['simulator/'],
  },
  {
    name: 'tower-is-one-way',
    reason: ONE_WAY,
    from: ADAPTER,
    forbidden: STATE_DOOR,
  },
  { name: 'tower-is-one-way', reason: ONE_WAY, from: CACHE, forbidden: [...STATE_DOOR, ...ADAPTER] },
  {
    name: 'tower-is-one-way',
    reason: ONE_WAY,
    from: REDIS,
    forbidden: [...STATE_DOOR, ...ADAPTER, ...CACHE],
  },
  {
    name: 'state-has-one-door',
    reason: 'state is reached through redis-migration.ts; only services/tower.ts puts the tower together',
    from: ['*'],
    except: ['services/tower.ts', ...STATE_DOOR, ...BELOW_DOOR],
    forbidden: BELOW_DOOR,
  },
  {
    name: 'tower-knows-no-path',
    reason: 'the tower serves whoever asks and knows nobody above',
    from: [...STATE_DOOR, ...BELOW_DOOR],
    forbidden: [...PATH, ...COMPOSITION, 'services/tower.ts'],
  },
  {
    name: 'cache-knows-no-record',
    reason: 'only redis-migration.ts stands between the cache and the record',
    from: BELOW_DOOR,
    forbidden: RECORD,
  },
  {
    name: 'transports-have-one-door',
    reason: 'nothing is sent but through the outbound door; services/outbound/carrier.ts makes the transport',
    from: ['*'],
    except: [...COMPOSITION, 'services/outbound/carrier.ts', 'services/outbound/transports/'],
    forbidden: ['services/outbound/transports/'],
    // Says what a transport is, and is none.
    allowed: ['services/outbound/transports/types.ts'],
  },
  {
    name: 'carrier-is-made-once',
    reason: 'who has the carrier or a sender can send: services/path.ts gives both to the outbox',
    from: ['*'],
    except: ['services/path.ts'],
    forbidden: ['services/outbound/carrier.ts', 'services/outbound/sender.ts'],
  },
  {
    name: 'outbox-has-one-door',
    reason: 'an outbound text is written with the decision on it, and nowhere else',
    from: ['*'],
    // Answers to STOP, START and HELP belong to the transaction that stores the shopper's text.
    except: ['services/outbound/door.ts', 'services/inbound/consent.ts'],
    forbidden: ['services/outbound/commitOutbound.ts'],
  },
  {
    name: 'outbox-has-one-door',
    reason: 'an outbound text is written with the decision on it, and nowhere else',
    from: ['*'],
    except: ['services/outbound/commitOutbound.ts'],
    forbidden: ['services/outbound/textRows.ts'],
  },
  {
    name: 'assistant-sees-its-request-only',
    reason: 'an engine that cannot reach the record or the state cannot see another dealership',
    from: ['services/assistant/'],
    forbidden: [
      'services/inbound/',
      'services/turns/',
      'services/outbound/',
      ...RECORD,
      ...COMPOSITION,
      ...STATE_DOOR,
      ...BELOW_DOOR,
    ],
  },
  {
    name: 'sms-stands-alone',
    reason: 'segments, keywords and geography are plain functions over text',
    from: ['services/sms/'],
    forbidden: ['*'],
    allowed: ['services/sms/', 'services/types.ts', 'services/errors.ts'],
  },
];

/** Where `process.env` may be named; configuration reaches everything else as a value. */
export const ENVIRONMENT_READERS = [
  'services/config.ts',
  'server.ts',
  'scripts/',
  'drizzle.config.ts',
  'jest.config.ts',
];

export function matches(file: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    if (pattern.endsWith('*')) return file.startsWith(pattern.slice(0, -1));
    return pattern.endsWith('/') ? file.startsWith(pattern) : file === pattern;
  });
}
