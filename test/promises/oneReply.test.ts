/** P2 to P5 with two processes on one PostgreSQL and one Redis. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { JackProcess } from '../support/jackProcess.js';
import { describeWithPostgres, sharedRedisUrl } from '../support/services.js';
import { newSid } from '../support/signTwilio.js';
import { openStage, type Stage } from '../support/stage.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

describeWithPostgres('With two processes on one record', () => {
  let stage: Stage;
  let jacks: [JackProcess, JackProcess];
  beforeAll(async () => {
    stage = await openStage('postgres', { USE_REDIS: 'true', REDIS_URL: sharedRedisUrl() });
    jacks = [await stage.start(), await stage.start()];
  });
  afterAll(() => stage.close());

  /** Long enough for a doubled reply to show: sweeps of both processes have passed. */
  const quiet = async (shopper: { received(): readonly unknown[] }, replies: number) => {
    await until(() => shopper.received().length >= replies, {
      timeoutMs: 10_000,
      what: `${replies} replies`,
    });
    const endAt = Date.now() + 2_500;
    await until(() => shopper.received().length > replies || Date.now() > endAt, {
      timeoutMs: 5_000,
      what: 'quiet',
    });
    expect(shopper.received()).toHaveLength(replies);
  };

  it('When fifty copies of one webhook come to both at once, then all get a 200 and the shopper gets one reply', async () => {
    const dealership = await stage.newDealership(jacks[0]);
    const shopper = stage.newShopper(dealership);
    const messageSid = newSid('SM');
    const statuses = await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        shopper.text(jacks[n % 2]!.url, 'Is the Civic there?', { messageSid }),
      ),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
    await quiet(shopper, 1);
    const view = await stage.conversation(jacks[1], dealership, shopper.phone);
    expect(view?.messages.map(({ direction }) => direction)).toEqual(['inbound', 'outbound']);
  });

  it('When a burst of texts comes to both, then it is answered once, and the order is the same everywhere', async () => {
    const dealership = await stage.newDealership(jacks[0]);
    const shopper = stage.newShopper(dealership);
    for (const [n, body] of ['Hi', 'my name is Dana', 'do you have a Civic'].entries()) {
      expect(await shopper.text(jacks[n % 2]!.url, body)).toBe(200);
    }
    await quiet(shopper, 1);
    const views = await Promise.all(jacks.map((jack) => stage.conversation(jack, dealership, shopper.phone)));
    expect(views[0]?.messages.map(({ body }) => body).slice(0, 3)).toEqual([
      'Hi',
      'my name is Dana',
      'do you have a Civic',
    ]);
    expect(views[0]).toEqual(views[1]);
  });

  it('When one phone texts two dealerships, then there are two conversations and nothing is shared', async () => {
    const [a, b] = [
      await stage.newDealership(jacks[0], 'Alpha Motors'),
      await stage.newDealership(jacks[0], 'Beta Motors'),
    ];
    const shopper = stage.newShopper(a!);
    await Promise.all([
      shopper.text(jacks[0].url, 'My name is Dana'),
      shopper.text(jacks[1].url, 'What is your name?', { to: b!.number }),
    ]);
    await until(() => shopper.received(a!.number).length === 1 && shopper.received(b!.number).length === 1, {
      what: 'a reply of each',
    });
    expect(shopper.received(a!.number)[0]?.body).toContain('Alpha Motors');
    expect(shopper.received(b!.number)[0]?.body).toContain('Beta Motors');
    expect(shopper.received(b!.number)[0]?.body).not.toContain('Dana');
    const [inA, inB] = [
      await stage.conversation(jacks[0], a!, shopper.phone),
      await stage.conversation(jacks[0], b!, shopper.phone),
    ];
    expect(inA?.slots).toMatchObject({ name: 'Dana' });
    expect(inB?.slots).not.toHaveProperty('name');
    const foreign = await fetch(`${jacks[0].url}/api/conversations/${inA?.lead.id}`, {
      headers: { authorization: `Bearer ${b!.apiKey}` },
    });
    expect(foreign.status).toBe(404);
  });

  it('When a shopper says STOP while a reply is due, then nothing leaves, and staff are refused', async () => {
    const dealership = await stage.newDealership(jacks[0]);
    const shopper = stage.newShopper(dealership);
    await Promise.all([shopper.text(jacks[0].url, 'Hello'), shopper.text(jacks[1].url, 'STOP')]);
    const view = await stage.conversation(jacks[0], dealership, shopper.phone);
    expect(view?.optedOut).toBe(true);
    const staff = await fetch(`${jacks[1].url}/api/conversations/${view?.lead.id}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${dealership.apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ body: 'Are you sure?' }),
    });
    expect([staff.status, ((await staff.json()) as { code: string }).code]).toEqual([409, 'E_OPTED_OUT']);
    await quiet(shopper, 0);
  });

  it('When one process is killed in the middle of its turns, then the other one answers', async () => {
    const doomed = await stage.start();
    const dealership = await stage.newDealership(jacks[0]);
    const shoppers = Array.from({ length: 10 }, () => stage.newShopper(dealership));
    await Promise.all(shoppers.map((shopper) => shopper.text(doomed.url, 'Hello')));
    await doomed.kill();
    await Promise.all(shoppers.map((shopper) => quiet(shopper, 1)));
  });
});
