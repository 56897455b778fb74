/**
 * Jest loads this file as CommonJS and without the mapping of `./x.js` to `./x.ts`, so the work is in
 * suiteServices.ts, which tsx loads as it loads the rest of the program.
 */
import path from 'node:path';
import { require as tsxRequire } from 'tsx/cjs/api';

type SuiteServices = typeof import('./suiteServices.js');

interface GlobalConfig {
  readonly rootDir: string;
  readonly testPathPatterns: { readonly patterns: readonly string[] };
}

export default async function globalSetup(config: GlobalConfig): Promise<void> {
  const folder = path.join(config.rootDir, 'test', 'support');
  const loaded: unknown = tsxRequire('./suiteServices.ts', path.join(folder, 'globalSetup.ts'));
  const stop = await (loaded as SuiteServices).startSuiteServices(config.testPathPatterns.patterns);
  (globalThis as { stopSuiteServices?: () => Promise<void> }).stopSuiteServices = stop;
}
