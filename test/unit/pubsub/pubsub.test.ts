/** What does not need a Redis: names, in-process delivery, buffering, doubles and gaps. */
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { systemClock } from '../../../services/clock.js';
import { redisChannel } from '../../../services/pubsub/channels.js';
import { decodeEnvelope, encodeEnvelope } from '../../../services/pubsub/envelope.js';
import { SeenNumbers } from '../../../services/pubsub/seenNumbers.js';
import { type Delivery, PubSub, type PubSubConnections } from '../../../services/pubsub.js';
import type { OrganizationId } from '../../../services/types.js';
import { silentLogger } from '../../support/testDatabase.js';
import { until } from '../../support/until.js';

const north = 'north' as OrganizationId;
const south = 'south' as OrganizationId;
const parts = { keyPrefix: 'jack:test:', logger: silentLogger, clock: systemClock, random: () => 0 };
const alone = () => PubSub.create(parts);

describe('Without Redis', () => {
  it('When something is published, then listeners of this process hear it at once', () => {
    const pubsub = alone();
    const heard: Delivery[] = [];
    const end = pubsub.subscribe(north, 'live', (delivery) => heard.push(delivery));
    pubsub.publish(north, 'live', 'one');
    pubsub.publish(north, 'other', 'two');
    expect(heard).toEqual([{ organizationId: north, channel: 'live', message: 'one', isOwn: true }]);
    end();
    end();
    pubsub.publish(north, 'live', 'three');
    expect(heard).toHaveLength(1);
    expect(pubsub.report()).toMatchObject({
      state: 'local',
      reason: 'there is no Redis: events reach this process only',
      subscriptions: 0,
      buffered: 0,
    });
  });

  it('When it cannot subscribe, then the report says why', () => {
    const pubsub = PubSub.create({ ...parts, unavailableReason: 'Redis is reached over REST' });
    expect(pubsub.report()).toMatchObject({ state: 'local', reason: 'Redis is reached over REST' });
  });

  it('Patterns match words of their own organization only (P3)', () => {
    const pubsub = alone();
    const heard: string[] = [];
    pubsub.subscribePattern(north, 'presence:*', ({ channel }) => heard.push(channel));
    pubsub.subscribePattern(north, '*', ({ channel }) => heard.push(`any ${channel}`));
    for (const channel of ['presence:a', 'presence:a:b', 'live']) {
      pubsub.publish(north, channel, 'x');
      pubsub.publish(south, channel, 'x');
    }
    expect(heard).toEqual(['presence:a', 'any live']);
  });

  it.each(['', 'a b', 'a:', ':a', 'a::b', 'a*', '{b}', 'a?', '[a]', 'a\n', 'x'.repeat(201)])(
    'A channel %j is refused, and so is a pattern that is not one',
    (channel) => {
      const pubsub = alone();
      expect(() => pubsub.publish(north, channel, 'x')).toThrow(
        expect.objectContaining({ code: 'E_INPUT_INVALID' }),
      );
      expect(() => pubsub.subscribe(north, channel, () => undefined)).toThrow('A channel is');
      if (channel === 'a*') return;
      expect(() => pubsub.subscribePattern(north, channel, () => undefined)).toThrow('A pattern is');
    },
  );

  it.each(['*', 'a}:b', 'a b', '', '-', '../x'])(
    'An organization %j that would reach others is refused',
    (id) => {
      const pubsub = alone();
      const bad = id as OrganizationId;
      if (id !== '-') {
        expect(() => pubsub.publish(bad, 'live', 'x')).toThrow('An organization id');
        expect(() => pubsub.subscribePattern(bad, '*', () => undefined)).toThrow('An organization id');
      }
      expect(redisChannel('p:', north)).toBe('p:pubsub:{north}');
    },
  );

  it('A message that is too long is refused, and a listener that fails does not keep others from hearing', () => {
    const pubsub = PubSub.create({ ...parts, limits: { maxMessageLength: 10 } });
    const heard: string[] = [];
    pubsub.subscribe(north, 'live', () => {
      throw new Error('not mine');
    });
    pubsub.subscribe(north, 'live', ({ message }) => heard.push(message));
    expect(() => pubsub.publish(north, 'live', 'x'.repeat(11))).toThrow('10 characters');
    pubsub.publish(north, 'live', 'fits');
    expect(heard).toEqual(['fits']);
  });
});

describe('Envelopes', () => {
  const envelope = {
    origin: 'abcdefgh',
    number: 7,
    previous: 3,
    channel: 'a:b',
    message: ' two\nlines "x" é ',
  };

  it('come back as they were, and nothing else is one', () => {
    expect(decodeEnvelope(encodeEnvelope(envelope))).toEqual(envelope);
    for (const text of ['', 'x', 'abcdefgh 1 a b c', '{"json":true}', 'abcdefgh -1 0 a b']) {
      expect(decodeEnvelope(text)).toBeUndefined();
    }
  });

  it('tell doubles and gaps of each sender', () => {
    const seen = new SeenNumbers();
    const note = (number: number, previous: number, origin = 'abcdefgh') =>
      seen.note({ ...envelope, number, previous, origin });
    expect([note(5, 2), note(5, 2), note(9, 5), note(9, 5), note(4, 2)]).toEqual([
      'next',
      'double',
      'next',
      'double',
      'double',
    ]);
    expect(note(20, 15)).toBe('gap');
    expect(note(1, 0, 'ijklmnop')).toBe('next');
  });
});

/** Connections of which the test says whether they answer. */
function connectionsDouble() {
  const sent: string[] = [];
  let isUp = false;
  let change: (isReady: boolean) => void = () => undefined;
  const client = { publish: async (_channel: string, text: string) => sent.push(text) } as unknown as Redis;
  const connections: PubSubConnections = {
    subscriber: () => new Redis({ lazyConnect: true }),
    groupOf: () => 0,
    clientOf: () => client,
    exchange: async (work) => {
      if (!isUp) throw new Error('away');
      return await work();
    },
    isReady: () => isUp,
    onChange: (listener) => {
      change = listener;
    },
  };
  const messages = () => sent.map((text) => decodeEnvelope(text)?.message);
  return {
    connections,
    messages,
    up: () => {
      isUp = true;
      change(true);
    },
  };
}

describe('While Redis is away', () => {
  it('What is published waits, and goes out in order when it is back', async () => {
    const { connections, messages, up } = connectionsDouble();
    const pubsub = PubSub.create({ ...parts, connections });
    for (let n = 0; n < 500; n += 1) pubsub.publish(n % 2 ? north : south, 'live', String(n));
    expect(pubsub.report()).toMatchObject({ buffered: 500, dropped: 0, sent: 0 });
    up();
    await until(() => pubsub.report().sent === 500, { what: 'the messages' });
    expect(messages()).toEqual(Array.from({ length: 500 }, (_, n) => String(n)));
    expect(pubsub.report()).toMatchObject({ buffered: 0, bufferedBytes: 0 });
    await pubsub.stop();
  });

  it('When too many wait, then the oldest are dropped and counted, by number and by bytes', async () => {
    const { connections, messages, up } = connectionsDouble();
    const pubsub = PubSub.create({ ...parts, connections, limits: { maxBufferedMessages: 10 } });
    for (let n = 0; n < 25; n += 1) pubsub.publish(north, 'live', String(n));
    await until(() => pubsub.report().buffered === 10, { what: 'the bound' });
    expect(pubsub.report()).toMatchObject({ dropped: 15 });
    up();
    await until(() => pubsub.report().buffered === 0, { what: 'an empty buffer' });
    // The one that was under way when the bound was reached may have arrived, so it is kept.
    expect(messages().slice(-9)).toEqual(['16', '17', '18', '19', '20', '21', '22', '23', '24']);
    await pubsub.stop();

    const small = PubSub.create({ ...parts, ...connectionsDouble(), limits: { maxBufferedBytes: 5_000 } });
    for (let n = 0; n < 100; n += 1) small.publish(north, 'live', 'x'.repeat(500));
    expect(small.report().bufferedBytes).toBeLessThanOrEqual(5_600);
    expect(small.report().dropped).toBeGreaterThan(85);
    await small.stop();
  });
});
