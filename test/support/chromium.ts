/** A headless Chromium for the browser tests: the machine's own, else Debian's package. */
import { type Browser, chromium } from 'playwright-core';
import { type Program, provide } from '../../scripts/lib/apt.js';
import { onPath, quiet, type Say } from '../../scripts/lib/programs.js';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

export const chromiumProgram: Program = {
  name: 'chromium',
  packages: ['chromium'],
  find: () => process.env.TEST_CHROMIUM_BIN || process.env.CHROMIUM_BIN || onPath(...NAMES),
};

/** @returns undefined when there is none and none could be installed. */
export const findChromium = (say: Say = quiet): string | undefined =>
  provide([chromiumProgram], say).get(chromiumProgram.name);

// Without the last five, Chromium looks for its maker's servers at every start, for minutes on a closed network.
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A new, empty profile each time; the caller closes it. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = chromiumProgram.find();
  if (!executablePath) throw new Error('no Chromium: install chromium, or set CHROMIUM_BIN');
  return await chromium.launch({ executablePath, args: FLAGS });
}
