/** How often a warm text waits for Redis, found by making each wait long: a proxy holds every request back. */
import { startRedis } from '../../scripts/lib/redisServer.js';
import type { E164, OrganizationId } from '../../services/types.js';
import { TcpProxy } from '../../test/support/tcpProxy.js';
import { createConversationMaker, phoneOf } from '../conversations.js';
import { median } from '../statistics.js';
import { figure, printTable, say } from '../table.js';
import { openTowerStage } from '../towerStage.js';

const DELAY_MS = 30;
const TURNS = 20;
const ORGANIZATION = 'bench' as OrganizationId;
const NUMBER = '+16045550100' as E164;

export async function roundTrips(): Promise<void> {
  say('round trips of a text');
  printTable(
    `Round trips of a warm text; the server ${DELAY_MS} ms away`,
    ['', 'exchanges with the server', 'waits one after the other', 'ms'],
    [
      ['a process that has the state decoded', ...(await measure(undefined))],
      ['a process that keeps nothing', ...(await measure(0))],
    ],
  );
}

async function measure(localMaxBytes: number | undefined): Promise<[string, string, string]> {
  const server = await startRedis();
  const proxy = await TcpProxy.start({ targetPort: server.port });
  const stage = await openTowerStage({ url: `redis://127.0.0.1:${proxy.port}`, localMaxBytes });
  const { adapter, connections, limits } = stage;
  const maker = createConversationMaker();
  let snapshot = maker.snapshot(ORGANIZATION, 20);
  const phone = phoneOf(1);
  const times: number[] = [];
  async function turn(): Promise<void> {
    const startedAtMs = performance.now();
    const [, , found] = await Promise.all([
      adapter.organizationIdByNumber('default', NUMBER, async () => ORGANIZATION),
      adapter.leadIdByPhone(ORGANIZATION, phone, async () => snapshot.leadId),
      adapter.getSnapshot(ORGANIZATION, snapshot.conversationId, snapshot.rev),
      limits.inboundText({ account: 'default', to: NUMBER, from: phone }),
    ]);
    if (!found) throw new Error('a warm snapshot was a miss');
    snapshot = maker.next(found);
    await adapter.storeSnapshot(ORGANIZATION, snapshot);
    times.push(performance.now() - startedAtMs);
  }
  try {
    await adapter.storeSnapshot(ORGANIZATION, snapshot);
    for (let n = 0; n < 5; n += 1) await turn();
    await proxy.latency(DELAY_MS, 'toServer');
    const before = connections.roundTrips();
    times.length = 0;
    for (let n = 0; n < TURNS; n += 1) await turn();
    const exchanges = (connections.roundTrips() - before) / TURNS;
    const waitedMs = median(times);
    return [figure(exchanges, 1), figure(Math.floor(waitedMs / DELAY_MS)), figure(waitedMs, 1)];
  } finally {
    await proxy.pass();
    await stage.close();
    await proxy.stop();
    await server.stop();
  }
}
