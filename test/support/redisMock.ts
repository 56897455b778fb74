/**
 * ioredis-mock under ioredis 6. Version 6 hands its reply transformers the state of the connection, which the mock does
 * not have; without the substitute every ZRANGE fails. The mock has no `status` and shares data between equal hosts.
 */
import { randomUUID } from 'node:crypto';
import { Command, type Redis } from 'ioredis';
import RedisMock from 'ioredis-mock';

type Transformer = (reply: unknown, connection?: unknown) => unknown;

const AS_VERSION_5 = { protocol: 2, replyMapping: 'legacy' };
let isHealed = false;

function healTransformers(): void {
  if (isHealed) return;
  isHealed = true;
  const { reply } = (Command as unknown as { _transformer: { reply: Record<string, Transformer> } })
    ._transformer;
  for (const [name, transform] of Object.entries(reply)) {
    if (transform.length < 2) continue;
    reply[name] = (result, connection) => transform(result, connection ?? AS_VERSION_5);
  }
}

/** @returns a client on an empty store of its own. */
export function createRedisMock(): Redis {
  healTransformers();
  const client = new RedisMock({ host: `mock-${randomUUID()}` });
  healScripts(client);
  return client;
}

/** The mock takes every argument for a key when a script does not say how many it has; ioredis then reads the first. */
function healScripts(client: Redis): void {
  const define = client.defineCommand.bind(client);
  client.defineCommand = (name, definition) => {
    const { numberOfKeys, lua } = definition;
    if (numberOfKeys !== undefined) return define(name, definition);
    const run = (count: number, ...args: (string | Buffer | number)[]) => client.eval(lua, count, ...args);
    Object.assign(client, { [name]: run });
  };
}
