/** `node --expose-gc … fillMap.ts <ceiling> <bytes of a value>`: fills the Map and says in JSON what it takes. */
import { randomUUID } from 'node:crypto';
import { createMemoryDriver } from '../../services/cache/memoryDriver.js';
import { createKeys } from '../../services/cacheAdapter/keys.js';
import { systemClock } from '../../services/clock.js';
import type { ConversationId, OrganizationId } from '../../services/types.js';
import { createRandom } from '../random.js';

export interface Filled {
  readonly entries: number;
  readonly evictions: number;
  /** What the Map thinks that it takes. */
  readonly countedBytes: number;
  /** What the process has more than before. */
  readonly measuredBytes: number;
}

const PER_ORGANIZATION = 40;
/** How often each value is stored anew, on average. */
const REWRITES = 4;
const KEYS = createKeys({ prefix: 'jack:production:', phoneHashKey: Buffer.alloc(32) });

function usedBytes(): number {
  for (let n = 0; n < 3; n += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

const [maxBytes = 0, valueBytes = 0] = process.argv.slice(2).map(Number);
const driver = createMemoryDriver({ clock: systemClock, maxBytes });

/** Every value and name is made anew, as the codec and the keys do. */
function put(n: number, id: ConversationId): void {
  const organizationId = `org-${Math.floor(n / PER_ORGANIZATION)}` as OrganizationId;
  const key = KEYS.snapshot(organizationId, id);
  const value = Buffer.allocUnsafe(valueBytes).fill(n % 256);
  driver.put([{ name: key.name, value, ttlMs: 3_600_000, tags: key.tags }]);
}

put(0, randomUUID() as ConversationId);
driver.clear();
const before = usedBytes();
const ids: ConversationId[] = [];
// A tenth more than fits: what is evicted must be gone.
for (let over = 0; over < driver.stats().entries / 10 + 1; ) {
  const id = randomUUID() as ConversationId;
  ids.push(id);
  put(ids.length - 1, id);
  if (driver.stats().evictions > 0) over += 1;
}
// Then as conversations go: each is stored anew, again and again, in no order.
const random = createRandom(1);
for (let n = 0; n < REWRITES * ids.length; n += 1) {
  const at = Math.floor(random() * ids.length);
  put(at, ids[at] as ConversationId);
}
ids.length = 0;
const measuredBytes = usedBytes() - before;
const { entries, evictions, bytes: countedBytes } = driver.stats();
console.log(JSON.stringify({ entries, evictions, countedBytes, measuredBytes } satisfies Filled));
