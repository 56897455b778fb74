/** The stage of the promise tests: stageOn.ts on a record of its own. */
import { type JackEnvironment, preparedDataDirectory } from './jackProcess.js';
import { openStageOn, type Stage } from './stageOn.js';
import { createPostgresDatabase, type Engine } from './testDatabase.js';

export type { Dealership, StaffView, Stage } from './stageOn.js';

export async function openStage(engine: Engine, env: JackEnvironment = {}): Promise<Stage> {
  return engine === 'postgres'
    ? await openStageOn({ DATABASE_URL: await createPostgresDatabase() }, env)
    : await openStageOn({ DATA_DIR: preparedDataDirectory() }, env);
}
