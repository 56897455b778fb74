/** One Jack of the arena: a process of its own with its own way to the one Redis. */
import { type JackWorker, startJackWorker } from '../jackWorker/jackWorker.js';
import { TcpProxy } from '../tcpProxy.js';

export interface ArenaProcess {
  readonly name: string;
  readonly jack: JackWorker;
  readonly proxy: TcpProxy;
  close(): Promise<void>;
}

export interface ArenaProcessOptions {
  readonly name: string;
  readonly databaseUrl: string;
  readonly redisPort: number;
  /** As in ContextOptions; absent: the default. */
  readonly localCacheBytes?: number;
}

export async function startArenaProcess(options: ArenaProcessOptions): Promise<ArenaProcess> {
  const { name, localCacheBytes } = options;
  const proxy = await TcpProxy.start({ targetPort: options.redisPort });
  const jack = await startJackWorker({
    name,
    env: {
      NODE_ENV: 'test',
      DATABASE_URL: options.databaseUrl,
      REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
      REPLY_WINDOW_MS: '0',
      WARM_HOURS: '0',
    },
    assistant: 'learning',
    ...(localCacheBytes === undefined ? {} : { localCacheBytes }),
  });
  return {
    name,
    jack,
    proxy,
    close: async () => {
      // The connections must not wait for a fault of the network.
      await proxy.pass();
      await jack.stop();
      await proxy.stop();
    },
  };
}
