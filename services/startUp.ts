/** What the log says when Jack is up: which mode each part is in, and where to look. */
import type { AppContext } from './context.js';

export function announce(context: AppContext, url: string): void {
  const { config, logger, database, state, assistant, simulator, version } = context;
  const base = config.publicUrl ?? url;
  logger.info('Jack is up', {
    url,
    version,
    record: database.kind === 'postgres' ? 'PostgreSQL' : `embedded in ${config.dataDir}`,
    state: state.mode() === 'redis' ? 'Redis' : 'in memory',
    carrier: simulator ? 'simulated' : 'Twilio',
    assistant: assistant.name,
  });
  if (config.hasModelSettings) {
    logger.info('the OPENAI_ settings have no effect: this version answers with the scripted assistant');
  }
  if (simulator) {
    if (config.twilio.authTokens.length === 0) {
      logger.info('webhook signatures are not checked: no Twilio auth token is set');
    }
    logger.info(`A phone to text with Jack: ${base}/simulator`);
  }
  logger.info(`The API, to read and try: ${base}/api/docs`);
}
