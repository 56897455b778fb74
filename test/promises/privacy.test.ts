/** P10: nothing personal and nothing secret in what Jack prints, whatever goes wrong on the way. */
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import type { JackProcess } from '../support/jackProcess.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithRedis } from '../support/services.js';
import { postWebhook } from '../support/shopper.js';
import { inboundForm } from '../support/signTwilio.js';
import { type Dealership, openStage, type Stage } from '../support/stage.js';
import { until } from '../support/until.js';

jest.setTimeout(60_000);

describeWithRedis('What Jack prints', () => {
  let stage: Stage;
  let redis: RedisServer;
  let jack: JackProcess;
  let dealership: Dealership;
  beforeAll(async () => {
    redis = await startRedis();
    stage = await openStage('pglite', { USE_REDIS: 'true', REDIS_URL: redis.url, LOG_LEVEL: 'debug' });
    jack = await stage.start();
    dealership = await stage.newDealership(jack, 'Canary Motors');
  });
  afterAll(async () => {
    await stage.close();
    await redis.stop();
  });

  it('holds no phone, no body and no secret, also when Redis and the carrier fail and requests are bad', async () => {
    const shopper = stage.newShopper(dealership);
    const canary = 'xylophone-canary-4711';
    await shopper.text(jack.url, `Do you have a ${canary}?`);
    await until(() => shopper.received().length === 1, { what: 'a reply' });
    await redis.kill();
    stage.twilio.failNext('500-after-accept');
    await shopper.text(jack.url, `And another ${canary}?`);
    await until(() => stage.twilio.texts.length === 2, { what: 'the second send' });
    await postWebhook(
      jack.url,
      'wrong-token',
      inboundForm({
        from: shopper.phone,
        to: dealership.number,
        body: canary,
        accountSid: stage.twilio.accountSid,
      }),
    );
    await postWebhook(
      jack.url,
      stage.twilio.authToken,
      inboundForm({
        from: shopper.phone,
        to: '+16045550999',
        body: canary,
        accountSid: stage.twilio.accountSid,
      }),
    );
    for (const body of [
      '{"phone":',
      JSON.stringify({ phone: shopper.phone, name: canary, attributes: canary }),
    ]) {
      const response = await fetch(`${jack.url}/api/leads`, {
        method: 'POST',
        headers: { authorization: `Bearer ${dealership.apiKey}`, 'content-type': 'application/json' },
        body,
      });
      expect(response.status).toBe(400);
    }
    await until(() => jack.output().includes('quarantine'), { what: 'the log of the quarantine' });

    const printed = jack.output();
    const secrets = {
      phone: shopper.phone.slice(1),
      'phone without country': shopper.phone.slice(2),
      number: dealership.number.slice(1),
      body: canary,
      'auth token': stage.twilio.authToken,
      'api key': dealership.apiKey,
      'administrator key': 'test-administrator-key',
    };
    const leaks = Object.entries(secrets).filter(([, secret]) => printed.includes(secret));
    expect(leaks).toEqual([]);
    expect(jack.logs().length).toBeGreaterThan(5);
  });
});
