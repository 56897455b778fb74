/** What the commands do, with everything that they need handed in. */
import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type ExportLine, exportOrganization } from '../../../services/archive/export.js';
import { createArchive, daysToMs } from '../../../services/archive.js';
import { JackError } from '../../../services/errors.js';
import { countQuiet } from '../../../services/record/archive.js';
import { readProfile } from '../../../services/record/organizations.js';
import { createBar } from '../command/output.js';
import type { CommandDeps } from '../command/run.js';
import { openTarget, type Target } from '../command/target.js';
import { type Commands, EXIT, type ExportFlags, type RunFlags } from './program.js';

export function createCommands(deps: CommandDeps): Commands {
  const onTarget = async (work: (target: Target) => Promise<number>) => {
    const target = await openTarget(deps.config, deps.logger, false);
    try {
      return await work(target);
    } finally {
      await target.close();
    }
  };
  return {
    run: (flags) => onTarget((target) => run(deps, target, flags)),
    export: (flags) => onTarget((target) => exportFile(deps, target, flags)),
  };
}

async function run(deps: CommandDeps, { database, state }: Target, flags: RunFlags): Promise<number> {
  const afterDays = flags.afterDays ?? deps.config.archiveAfterDays;
  if (afterDays === 0) {
    deps.tell('ARCHIVE_AFTER_DAYS is 0: nothing is ever past retention. --after-days names another time.');
    return EXIT.usage;
  }
  const request = { afterMs: daysToMs(afterDays), organizationId: flags.organization };
  const waiting = await countQuiet(database, request);
  if (flags.dryRun) {
    deps.print(
      flags.json
        ? JSON.stringify({ command: 'run', isDryRun: true, afterDays, ...waiting })
        : `${waiting.conversations} conversations with ${waiting.messages} messages are older than ${afterDays} days. Nothing was moved.`,
    );
    return EXIT.ok;
  }
  const { mover } = createArchive({
    database,
    state,
    logger: deps.logger,
    random: Math.random,
    afterDays,
    limits: { pauseMs: 0 },
  });
  const stop = () => void mover.stop();
  deps.signal.addEventListener('abort', stop, { once: true });
  const bar = createBar();
  const report = await mover
    .run({
      ...request,
      onProgress: ({ messages }) => bar.show('messages', messages, Math.max(messages, waiting.messages)),
    })
    .finally(() => bar.stop());
  const exitCode = deps.signal.aborted ? EXIT.failed : report.failed > 0 ? EXIT.incomplete : EXIT.ok;
  deps.print(
    flags.json
      ? JSON.stringify({ command: 'run', exitCode, afterDays, ...report })
      : `${report.conversations} conversations with ${report.messages} messages went into the archive: ` +
          `${report.blocks} blocks, ${report.bytes} bytes. ${report.failed} could not be moved.`,
  );
  return exitCode;
}

async function exportFile(deps: CommandDeps, { database }: Target, flags: ExportFlags): Promise<number> {
  const { organization, out } = flags;
  if (!(await readProfile(database, organization))) {
    throw new JackError('E_NOT_FOUND', `There is no organization ${organization}.`);
  }
  if (!flags.force && existsSync(out)) throw new JackError('E_CONFLICT', `${out} is there already.`);
  const counts = { conversations: 0, messages: 0, damaged: 0 };
  const lines = exportOrganization(database, organization, (error) => {
    counts.damaged += 1;
    deps.tell(error.message);
  });
  const unfinished = `${out}.${process.pid}.part`;
  try {
    await pipeline(
      Readable.from(toText(lines, counts)),
      createWriteStream(unfinished, { mode: 0o600, flags: 'wx' }),
      { signal: deps.signal },
    );
    await rename(unfinished, out);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
  const exitCode = counts.damaged > 0 ? EXIT.incomplete : EXIT.ok;
  deps.print(
    flags.json
      ? JSON.stringify({ command: 'export', exitCode, ...counts })
      : `${counts.conversations} conversations with ${counts.messages} messages are in ${out}.`,
  );
  return exitCode;
}

async function* toText(
  lines: AsyncIterable<ExportLine>,
  counts: { conversations: number; messages: number },
): AsyncGenerator<string> {
  for await (const line of lines) {
    counts['message' in line ? 'messages' : 'conversations'] += 1;
    yield `${JSON.stringify(line)}\n`;
  }
}
