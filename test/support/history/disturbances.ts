/** What goes wrong meanwhile: processes are killed and frozen, Redis goes away, the carrier fails, people take over. */
import { setTimeout as pause } from 'node:timers/promises';
import type { JackProcess } from '../jackProcess.js';
import type { RedisServer } from '../redisServer.js';
import type { Dealership, Stage } from '../stageOn.js';
import type { TwilioFault } from '../twilioDouble.js';

export interface DisturbancesOptions {
  readonly stage: Stage;
  readonly redis: RedisServer;
  readonly dealerships: readonly Dealership[];
  readonly random: () => number;
  jacks(): readonly JackProcess[];
  /** Kills one with SIGKILL and, after the time, starts another in its place. */
  replace(jack: JackProcess, afterMs: number): Promise<void>;
}

export interface Disturbances {
  readonly counts: Readonly<Record<string, number>>;
  /** Ends all of them; everything is up again afterwards. */
  stop(): Promise<void>;
}

const CARRIER_FAULTS: readonly TwilioFault[] = [
  '429',
  '500-before',
  '500-after-accept',
  'hang-before',
  'hang-after-accept',
  'reset-before',
  'reset-after-accept',
];

export function startDisturbances(options: DisturbancesOptions): Disturbances {
  const { stage, redis, dealerships, random, jacks, replace } = options;
  const counts: Record<string, number> = {};
  const between = (least: number, most: number) => least + (most - least) * random();
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(random() * list.length)];
  let isRunning = true;

  const KINDS: Readonly<Record<string, () => Promise<unknown>>> = {
    killJack: async () => {
      const all = jacks();
      const jack = all.length > 1 ? pick(all) : undefined;
      if (jack) await replace(jack, between(0, 1_000));
    },
    freezeJack: async () => {
      const jack = pick(jacks());
      jack?.signal('SIGSTOP');
      await pause(between(500, 6_000));
      jack?.signal('SIGCONT');
    },
    killRedis: async () => {
      await redis.kill();
      await pause(between(200, 1_500));
      await redis.restart();
    },
    freezeRedis: async () => {
      redis.pause();
      await pause(between(100, 1_500));
      redis.resume();
    },
    flushRedis: () => redis.flushAll(),
    carrier: async () => stage.twilio.failNext(pick(CARRIER_FAULTS)!, 1 + Math.floor(random() * 3)),
    takeover: takeOver,
  };
  const WEIGHTS = [
    'killJack',
    'freezeJack',
    'killRedis',
    'freezeRedis',
    'flushRedis',
    'carrier',
    'carrier',
    'carrier',
    'takeover',
    'takeover',
    'takeover',
  ];

  /** A person takes over, writes, and gives the conversation back. */
  async function takeOver(): Promise<void> {
    const jack = pick(jacks());
    const dealership = pick(dealerships);
    if (!jack || !dealership) return;
    const call = async (path: string, body?: object) => {
      const response = await fetch(`${jack.url}/api/${path}`, {
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${dealership.apiKey}`, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
        signal: AbortSignal.timeout(10_000),
      });
      return (await response.json()) as { items?: { id: string }[] };
    };
    const { items = [] } = await call('leads?limit=50');
    const lead = pick(items);
    if (!lead) return;
    await call(`conversations/${lead.id}/takeover`, { name: 'Robin' });
    await call(`conversations/${lead.id}/messages`, {
      body: `This is Robin, one moment (${counts.takeover ?? 0}).`,
    });
    await pause(between(0, 1_500));
    await releaseUntilDone(dealership, lead.id);
  }

  /** A process may be killed under the call; a conversation that stayed with a person would be no test. */
  async function releaseUntilDone(dealership: Dealership, leadId: string): Promise<void> {
    for (let attempt = 0; attempt < 30; attempt += 1) {
      const jack = pick(jacks());
      try {
        const response = await fetch(`${jack?.url}/api/conversations/${leadId}/release`, {
          method: 'POST',
          headers: { authorization: `Bearer ${dealership.apiKey}`, 'content-type': 'application/json' },
          body: '{}',
          signal: AbortSignal.timeout(10_000),
        });
        if (response.ok) return;
      } catch {
        // It was killed or frozen; another one is asked.
      }
      await pause(200);
    }
  }

  async function disturb(): Promise<void> {
    while (isRunning) {
      await pause(between(200, 1_500));
      if (!isRunning) return;
      const kind = pick(WEIGHTS)!;
      try {
        await KINDS[kind]!();
        counts[kind] = (counts[kind] ?? 0) + 1;
      } catch {
        // The process that a person's call went to was killed under it.
        counts[`${kind} cut short`] = (counts[`${kind} cut short`] ?? 0) + 1;
      }
    }
  }

  const running = disturb();
  return {
    counts,
    stop: async () => {
      isRunning = false;
      await running;
      redis.resume();
      if (redis.pid === undefined) await redis.restart();
      for (const jack of jacks()) jack.signal('SIGCONT');
    },
  };
}
