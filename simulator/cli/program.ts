/** The command line of `npm run simulator`: words, checks and help; what is done is handed in. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { MAX_SHOPPERS } from './phones.js';

export interface SimulatorFlags {
  readonly jack: URL;
  readonly publicUrl?: URL;
  readonly path: string;
  readonly fallbackPath?: string;
  readonly number: string;
  readonly from: string;
  readonly port: number;
  readonly accountSid: string;
  readonly authToken: string;
  readonly throughput: number;
  readonly dealership?: string;
  readonly script?: string;
  readonly shoppers?: number;
  readonly rate: number;
  readonly seconds: number;
  readonly patience: number;
  readonly linger: number;
  readonly json?: boolean;
}

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** 34 characters as every AccountSid, and never assigned; another than the one of the built-in simulated carrier. */
export const DEFAULT_ACCOUNT_SID = `AC${'0'.repeat(28)}5142`;
export const DEFAULT_AUTH_TOKEN = 'simulator-auth-token-0123456789ab';

const EXAMPLES = `
Start Jack with the three variables that this prints, then text:
  npm run simulator                                       type as a shopper
  npm run simulator -- --script talk.txt                  lines "Dana: Hi", "& at once", "[x2] twice", "# comment"
  npm run simulator -- --shoppers 20 --rate 1 --seconds 60  
  npm run simulator -- --dealership "Example Motors"      first creates it; wants ADMIN_API_KEY as Jack has it

Exit codes: 0 everybody was answered once, 1 somebody was ignored or answered twice, 2 wrong usage or no Jack.`;

/** @returns the exit code. */
export async function runProgram(
  args: readonly string[],
  run: (flags: SimulatorFlags) => Promise<number>,
): Promise<number> {
  let exitCode: number = EXIT.ok;
  const program = new Command('simulator')
    .description('Twilio on this machine, with shoppers who text a running Jack and say what reached them.')
    .option('--jack <url>', 'where Jack listens', toUrl, new URL('http://127.0.0.1:3001'))
    .option('--public-url <url>', "what Jack's PUBLIC_URL says, when it is set (default: --jack)", toUrl)
    .option(
      '--path <path>',
      'of the webhook, with its connection overrides',
      '/api/webhooks/twilio/sms/incoming',
    )
    .option('--fallback-path <path>', 'of the fallback webhook (default: none)')
    .option('--number <phone>', "the dealership's number", toPhone, '+16045550100')
    .option('--from <phone>', 'the number of the (first) shopper', toPhone, '+16045550123')
    .option('--port <n>', 'where the simulated API listens', whole(0, 65_535), 4010)
    .option('--account-sid <sid>', 'TWILIO_ACCOUNT_SID of Jack', DEFAULT_ACCOUNT_SID)
    .option('--auth-token <token>', 'TWILIO_AUTH_TOKEN of Jack', DEFAULT_AUTH_TOKEN)
    .option(
      '--throughput <n>',
      'segments per second of the number; a real long code has 1',
      whole(1, 1_000),
      1_000,
    )
    .option('--dealership <name>', 'create a dealership with the number first')
    .option('--script <file>', 'play this conversation instead of what is typed')
    .option('--shoppers <n>', 'send as a crowd instead', whole(1, MAX_SHOPPERS))
    .option('--rate <n>', 'texts per second of the crowd', whole(1, 1_000), 1)
    .option('--seconds <n>', 'how long the crowd texts', whole(1, 86_400), 30)
    .option('--patience <s>', 'seconds without a reply that count as ignored', whole(1, 3_600), 30)
    .option('--linger <s>', 'seconds in which a second reply is waited for', whole(0, 3_600), 3)
    .option('--json', 'the counts as one JSON object')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .action(async (flags: SimulatorFlags) => {
      exitCode = await run(flags);
    });
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help that was asked for is no mistake.
    return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  }
}

function toUrl(value: string): URL {
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return new URL(value);
  throw new InvalidArgumentError('An http or https URL.');
}

function toPhone(value: string): string {
  if (/^\+[1-9]\d{6,14}$/.test(value)) return value;
  throw new InvalidArgumentError('A number is written as +16045550123.');
}

const whole =
  (least: number, most: number) =>
  (value: string): number => {
    if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value);
    throw new InvalidArgumentError(`A whole number from ${least} to ${most}.`);
  };
