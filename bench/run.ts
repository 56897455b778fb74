/** `npm run bench`: measures the tower and the path of a text, and prints tables. Private servers on loopback. */
import { cpus, loadavg } from 'node:os';
import { Command } from 'commander';
import { backpressure } from './backpressure.js';
import { day } from './day.js';
import { flood } from './flood.js';
import { handset } from './handset.js';
import { bytes } from './reach/bytes.js';
import { ceiling } from './reach/ceiling.js';
import { clearing } from './reach/clearing.js';
import { handBack } from './reach/handBack.js';
import { roundTrips } from './reach/roundTrips.js';
import { recovery } from './recovery.js';
import { pools, sideBySide } from './sideBySide/sideBySide.js';
import { say } from './table.js';
import { twoProcesses } from './twoProcesses.js';
import { wholePath } from './wholePath.js';

interface Part {
  readonly name: string;
  readonly what: string;
  /** Too long for a first look: `--quick` leaves it out unless it is asked for. */
  readonly isLong?: boolean;
  run(isQuick: boolean, isAsked: boolean): Promise<void>;
}

const PARTS: readonly Part[] = [
  {
    name: 'side-by-side',
    what: 'the state work of a text beside cache libraries and bare ioredis',
    run: (isQuick) => sideBySide(isQuick ? { runs: 1, runMs: 400 } : { runs: 5, runMs: 2_000 }),
  },
  { name: 'round-trips', what: 'how often a text waits for Redis', run: roundTrips },
  {
    name: 'bytes',
    what: 'what a conversation takes in Redis',
    run: (isQuick) => bytes({ conversations: isQuick ? 1_000 : 4_000 }),
  },
  { name: 'clearing', what: 'clearing one organization among many', run: clearing },
  {
    name: 'hand-back',
    what: 'what an outage left behind goes back to Redis',
    run: (isQuick, isAsked) =>
      handBack(
        isQuick ? { conversations: 5_000, runs: 1 } : { conversations: 50_000, runs: isAsked ? 5 : 1 },
      ),
  },
  { name: 'ceiling', what: 'the memory of the Map that stands in for Redis', run: ceiling },
  {
    name: 'pool',
    what: 'whether more connections help',
    isLong: true,
    run: (isQuick) => pools(isQuick ? { runs: 1, runMs: 300 } : { runs: 3, runMs: 800 }),
  },
  {
    name: 'day',
    what: 'the hit rate of a replayed day, with and without an outage',
    run: (isQuick) => day({ realMs: isQuick ? 4_000 : 20_000 }),
  },
  {
    name: 'backpressure',
    what: 'texts that come three times as fast as the assistant answers',
    isLong: true,
    run: (isQuick) => backpressure({ durationS: isQuick ? 4 : 20 }),
  },
  {
    name: 'flood',
    what: 'what one organization that floods costs the others',
    isLong: true,
    run: (isQuick) => flood({ durationS: isQuick ? 5 : 30 }),
  },
  {
    name: 'handset',
    what: 'from webhook to handset at 100 texts/s (five runs when asked for by name)',
    isLong: true,
    run: (isQuick, isAsked) =>
      handset(isQuick ? { runs: 1, durationS: 3 } : { runs: isAsked ? 5 : 1, durationS: 20 }),
  },
  {
    name: 'two-processes',
    what: 'what a second process adds (five runs when asked for by name)',
    isLong: true,
    run: (isQuick, isAsked) =>
      twoProcesses(isQuick ? { runs: 1, texts: 1_000 } : { runs: isAsked ? 5 : 1, texts: 5_000 }),
  },
  {
    name: 'recovery',
    what: 'what shoppers notice of kill -9 (seven kills of each kind when asked for by name)',
    isLong: true,
    run: (isQuick, isAsked) => recovery({ kills: isQuick ? 1 : isAsked ? 7 : 3 }),
  },
  {
    name: 'webhook',
    what: 'the whole path of a text over HTTP (three runs when asked for by name)',
    isLong: true,
    run: (isQuick, isAsked) =>
      wholePath({
        runs: isAsked && !isQuick ? 3 : 1,
        ...(isQuick ? { ratePerS: 100, durationS: 2 } : { ratePerS: 200, durationS: isAsked ? 10 : 5 }),
        saturatingTexts: isQuick ? 1_000 : 5_000,
      }),
  },
];

const width = Math.max(...PARTS.map(({ name }) => name.length));
const command = new Command('npm run bench --')
  .description('Measures Jack and prints Markdown tables; progress goes to standard error.')
  .argument('[parts...]', 'what to measure; everything when absent')
  .option('--quick', 'short runs of most parts, for a first look: the figures vary', false)
  .addHelpText(
    'after',
    `\nParts:\n${PARTS.map(({ name, what }) => `  ${name.padEnd(width)}  ${what}`).join('\n')}`,
  );
command.parse();

const asked = command.args;
const unknown = asked.filter((name) => !PARTS.some((part) => part.name === name));
if (unknown.length > 0)
  command.error(`error: there is no part ${unknown.join(', ')}; see --help`, { exitCode: 2 });

console.log(`${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`);
if ((loadavg()[0] ?? 0) > 0.7) say('the machine is busy with something else: the figures will be too low');
const { quick } = command.opts<{ quick: boolean }>();
for (const { name, run, isLong = false } of PARTS) {
  const isAsked = asked.includes(name);
  const isWanted = asked.length === 0 && !(quick && isLong);
  if (isAsked || isWanted) await run(quick, isAsked);
}
