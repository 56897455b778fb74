/** One run of `npm run simulator`: starts the carrier, waits for Jack, lets shoppers text, counts. */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { sendCrowd } from './crowd.js';
import { playScript } from './play.js';
import { EXIT, type SimulatorFlags } from './program.js';
import { typeTexts } from './prompt.js';
import { parseScript, type ScriptLine } from './script.js';
import { Session } from './session.js';
import { isFailure, type TallyReport } from './tally.js';

export interface RunIo {
  readonly input: Readable;
  /** What a run is about. */
  print(line: string): void;
  /** What is said beside it, so that --json leaves one object on standard output. */
  tell(line: string): void;
  readonly signal: AbortSignal;
  /** As Jack has it; only `dealership` needs it. */
  readonly adminKey: string | undefined;
}

const LOOK_MS = 500;

/** @returns the exit code. */
export async function runSimulator(flags: SimulatorFlags, io: RunIo): Promise<number> {
  const lines = flags.script === undefined ? undefined : await readScript(flags.script);
  const show = flags.json ? io.tell : io.print;
  const session = Session.create(settingsOf(flags), { print: show, signal: io.signal }, !flags.shoppers);
  try {
    await session.simulator.start();
  } catch (error) {
    io.tell(`The simulated API cannot listen: ${messageOf(error)}`);
    return EXIT.usage;
  }
  try {
    for (const line of variables(flags, session)) io.tell(line);
    if (!(await isJackThere(session, io))) return EXIT.usage;
    if (flags.dealership !== undefined) await createDealership(flags, io);
    const heldBack = await converse(session, flags, lines, io);
    const report = await session.finish();
    for (const line of flags.json ? [JSON.stringify({ ...report, heldBack })] : written(report, heldBack)) {
      io.print(line);
    }
    return isFailure(report) ? EXIT.failed : EXIT.ok;
  } finally {
    await session.simulator.stop();
  }
}

const settingsOf = (flags: SimulatorFlags) => ({
  jack: flags.jack,
  publicUrl: flags.publicUrl ?? flags.jack,
  path: flags.path,
  fallbackPath: flags.fallbackPath,
  number: flags.number,
  accountSid: flags.accountSid,
  authToken: flags.authToken,
  port: flags.port,
  throughput: flags.throughput,
  patienceMs: flags.patience * 1_000,
  lingerMs: flags.linger * 1_000,
});

const readScript = async (file: string): Promise<ScriptLine[]> => parseScript(await readFile(file, 'utf8'));

async function converse(
  session: Session,
  flags: SimulatorFlags,
  lines: readonly ScriptLine[] | undefined,
  io: RunIo,
): Promise<number> {
  const { shoppers, rate, seconds } = flags;
  if (shoppers !== undefined) return await sendCrowd(session, { shoppers, rate, seconds });
  if (lines) await playScript(session, lines, flags.from);
  else await typeTexts(session, io.input, flags.from);
  return 0;
}

const variables = (flags: SimulatorFlags, { simulator }: Session): string[] => [
  'Jack needs these, with ADMIN_API_KEY for a dealership of its own:',
  `  TWILIO_API_BASE_URL=${simulator.baseUrl}`,
  `  TWILIO_ACCOUNT_SID=${flags.accountSid}`,
  `  TWILIO_AUTH_TOKEN=${flags.authToken}`,
];

async function isJackThere(session: Session, io: RunIo): Promise<boolean> {
  const { jack, patienceMs } = session.settings;
  const untilMs = Date.now() + patienceMs;
  let isTold = false;
  while (!session.isOver) {
    const answer = await fetch(new URL('/api/health/live', jack)).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok) return true;
    if (Date.now() > untilMs) break;
    if (!isTold) io.tell(`Waiting for Jack at ${jack.href}`);
    isTold = true;
    await session.pause(LOOK_MS);
  }
  io.tell(`No Jack answers at ${jack.href}`);
  return false;
}

/** A number that some dealership has already is fine. @throws Error for any other answer. */
async function createDealership(
  { jack, dealership, number, throughput }: SimulatorFlags,
  io: RunIo,
): Promise<void> {
  const answer = await fetch(new URL('/api/admin/organizations', jack), {
    method: 'POST',
    headers: { authorization: `Bearer ${io.adminKey ?? ''}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      name: dealership,
      timezone: 'America/Vancouver',
      phoneNumbers: [number],
      // Jack goes at the speed of the number, which is the simulator's to say.
      settings: { limits: { segmentsPerSecond: throughput } },
    }),
  });
  await answer.arrayBuffer();
  if (answer.status === 201) io.tell(`${dealership} has ${number} now`);
  else if (answer.status === 409) io.tell(`${number} belongs to a dealership already`);
  else
    throw new Error(`Jack answered ${answer.status} to a new dealership; is ADMIN_API_KEY as Jack has it?`);
}

function written(report: TallyReport, heldBack: number): string[] {
  const { waitS } = report;
  return [
    '',
    `sent             ${report.sent}${heldBack > 0 ? `   (${heldBack} more held back: everybody was waiting)` : ''}`,
    `answered         ${report.answered}   by ${report.replies} replies`,
    `answered twice   ${report.answeredTwice}`,
    `ignored          ${report.ignored}`,
    `rightly silent   ${report.silent}   (keywords, opted out)`,
    `not taken        ${report.notTaken}   (webhooks without a 2xx)`,
    `into a block     ${report.intoBlocks}   (sends to somebody who opted out)`,
    ...(waitS
      ? [`waited           ${waitS.median} s median, ${waitS.p99} s p99, ${waitS.longest} s longest`]
      : []),
  ];
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
