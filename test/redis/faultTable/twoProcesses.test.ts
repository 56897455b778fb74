/**
 * Two processes (two towers, each with its own way to one Redis) that are in an outage at once, and both write and
 * delete the same things. The record decides: what is read afterwards, by either, is what the record holds.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { LeadId, Rev } from '../../../services/types.js';
import { type RedisServer, startRedis } from '../../support/redisServer.js';
import { describeWithRedis } from '../../support/services.js';
import { TcpProxy } from '../../support/tcpProxy.js';
import { type TowerOnServer, towerOnServer } from '../../support/towerOnServer.js';
import { until } from '../../support/until.js';
import { keepRow } from './fault.js';
import { newConversation, newLead, newOrganization, newRev, phoneOf, snapshotOf } from './values.js';

const THINGS = 40;
/** Longer than a message between processes takes when all is well. */
const TOLD_MS = 500;

interface Process {
  readonly tower: TowerOnServer;
  readonly proxy: TcpProxy;
}

/** What the record holds of a conversation and of a lead. */
interface Thing {
  readonly organizationId: ReturnType<typeof newOrganization>;
  readonly conversationId: ReturnType<typeof newConversation>;
  readonly lead: LeadId;
  readonly phone: ReturnType<typeof phoneOf>;
  rev: Rev;
  n: number;
}

describeWithRedis('Two processes in an outage', () => {
  let server: RedisServer;
  let processes: Process[];
  let things: Thing[];
  const errors: unknown[] = [];
  beforeEach(async () => {
    errors.length = 0;
    server = await startRedis();
    const phoneHashKey = randomBytes(32);
    processes = await Promise.all(
      [1, 2].map(async () => {
        const proxy = await TcpProxy.start({ targetPort: server.port });
        const target = { url: `redis://127.0.0.1:${proxy.port}` };
        // As in a deployment: values are kept in the process too, and the processes tell each other.
        const tower = await towerOnServer({ target, hasBus: true, localMaxBytes: 1024 * 1024, phoneHashKey });
        return { tower, proxy };
      }),
    );
    things = Array.from({ length: THINGS }, (_, n) => ({
      organizationId: newOrganization(),
      conversationId: newConversation(),
      lead: newLead(),
      phone: phoneOf(n),
      rev: newRev(),
      n: 0,
    }));
  });
  afterEach(async () => {
    for (const { tower, proxy } of processes) {
      await tower.stop();
      await proxy.stop();
    }
    await server.stop();
  });

  const [A, B] = [0, 1];
  const towerOf = (process: number) => processes[process]!.tower;

  /** A change in the record, and what a process does to the cache after it. */
  async function change(process: number, thing: Thing): Promise<void> {
    const { adapter } = towerOf(process);
    const { organizationId, conversationId, lead, phone } = thing;
    thing.n += 1;
    thing.rev = newRev();
    await adapter.dropLead(organizationId, lead, phone);
    if (thing.n % 5 === 0) await adapter.clearOrganization(organizationId);
    else if (thing.n % 4 === 0) await adapter.dropSnapshot(organizationId, conversationId);
    else await adapter.storeSnapshot(organizationId, snapshotOf(organizationId, conversationId, thing));
  }

  /** @returns what a process reads that the record does not hold; a snapshot may be missing, and is then made anew. */
  async function read(process: number, thing: Thing): Promise<string[]> {
    const { adapter } = towerOf(process);
    const { organizationId, conversationId, phone, rev, n } = thing;
    const found = await adapter.leadIdByPhone(organizationId, phone, async () => `lead-${thing.n}` as LeadId);
    const snapshot = await adapter.getSnapshot(organizationId, conversationId, rev);
    const wrong: string[] = [];
    if (found !== `lead-${n}`) wrong.push(`${process}: ${found} and not lead-${n}`);
    if (snapshot && snapshot.lastSeq !== n)
      wrong.push(`${process}: snapshot ${snapshot.lastSeq} and not ${n}`);
    return wrong;
  }
  const readAll = async (): Promise<string[]> =>
    (await Promise.all([A, B].flatMap((process) => things.map((thing) => read(process, thing))))).flat();

  /** Both work on everything, in an order that chance decides. */
  async function work(rounds: number, who: readonly number[] = [A, B]): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all(
        things.map(async (thing) => {
          const process = who[Math.floor(Math.random() * who.length)]!;
          try {
            await read(process, thing);
            await change(process, thing);
            await read(process, thing);
          } catch (error) {
            errors.push(error);
          }
        }),
      );
      await pause(20);
    }
  }

  const inMode = (process: number, mode: 'redis' | 'memory') =>
    until(() => towerOf(process).cache.mode === mode, { what: `${process} in ${mode}`, everyMs: 2 });
  const handedBack = (process: number) =>
    until(() => towerOf(process).cache.report().handBack.pending === 0, {
      what: `the hand-back of ${process}`,
    });

  async function expectNothingStale(row: string): Promise<void> {
    await Promise.all([A, B].map(handedBack));
    await pause(TOLD_MS);
    const stale = [...(await readAll()), ...(await readAll())];
    keepRow({ row, errors: errors.length, stale: stale.length });
    expect({ errors, stale }).toEqual({ errors: [], stale: [] });
  }

  const cuts = {
    'cut off': (proxy: TcpProxy) => proxy.cutOff(),
    frozen: (proxy: TcpProxy) => proxy.blackHole(),
  };
  for (const [how, cut] of Object.entries(cuts)) {
    for (const order of [[A, B], [B, A], 'both at once'] as const) {
      const first =
        order === 'both at once' ? order : `${order[0] === A ? 'the first' : 'the second'} returns first`;
      it(`Both are ${how}, ${first}: nothing stale is read afterwards`, async () => {
        await work(3);
        await Promise.all(processes.map(({ proxy }) => cut(proxy)));
        await Promise.all([work(8), inMode(A, 'memory'), inMode(B, 'memory')]);
        await work(4);
        if (order === 'both at once') {
          await Promise.all(processes.map(({ proxy }) => proxy.pass()));
          await Promise.all([work(10), inMode(A, 'redis'), inMode(B, 'redis')]);
        } else {
          await processes[order[0]]!.proxy.pass();
          await inMode(order[0], 'redis');
          // One writes to Redis while the other still owes it what the Map took in.
          await work(6);
          await processes[order[1]]!.proxy.pass();
          await inMode(order[1], 'redis');
        }
        await work(3);
        await expectNothingStale(`two processes, both ${how}, ${first}`);
      });
    }
  }

  it('One is cut off while the other goes on: nothing stale is read afterwards', async () => {
    await work(3);
    await processes[A]!.proxy.cutOff();
    await inMode(A, 'memory');
    await work(8);
    expect(towerOf(B).cache.mode).toBe('redis');
    await processes[A]!.proxy.pass();
    await inMode(A, 'redis');
    await expectNothingStale('two processes, one cut off');
  });

  it('The server is killed and comes back empty while both work: nothing stale is read afterwards', async () => {
    await work(3);
    await server.kill();
    await work(6);
    await server.restart();
    await Promise.all([work(20), inMode(A, 'redis'), inMode(B, 'redis')]);
    await expectNothingStale('two processes, server killed');
  });
});
