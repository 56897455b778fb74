/** The phone page finds its conversation again: the handset is in a session, which is in the record. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { buildApp, type TestApp } from '../support/buildApp.js';
import { launchBrowser } from '../support/chromium.js';
import { newPhone } from '../support/records.js';
import { type RedisServer, startRedis } from '../support/redisServer.js';
import { describeWithBrowser, describeWithRedis } from '../support/services.js';
import { until } from '../support/until.js';

describeWithBrowser('The session of the phone page', () => {
  describeWithRedis('with a Redis that dies', () => {
    let redis: RedisServer;
    let jack: TestApp;
    let browser: Browser;
    let context: BrowserContext;
    let page: Page;

    beforeAll(async () => {
      redis = await startRedis();
      jack = await buildApp({ demo: true, env: { USE_REDIS: 'true', REDIS_URL: redis.url } });
      browser = await launchBrowser();
    });
    beforeEach(async () => {
      context = await browser.newContext();
      page = await context.newPage();
    });
    afterEach(async () => {
      await context.close();
      if (redis.pid === undefined) await redis.restart();
    });
    afterAll(async () => {
      await browser.close();
      await jack.close();
      await redis.stop();
    });

    const open = async (): Promise<void> => {
      await page.goto(`${jack.url}/simulator`);
      await page.locator('#name').getByText('Motors').waitFor();
    };
    const delivered = (count: number) =>
      until(async () => (await page.locator('.text.theirs[data-ticks="2"]').count()) === count, {
        what: `${count} delivered replies`,
        timeoutMs: 10_000,
      });
    const write = async (text: string): Promise<void> => {
      await page.fill('#body', text);
      await page.press('#body', 'Enter');
    };
    const cookies = async () =>
      (await context.cookies()).map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite }));
    const isKept = () => until(async () => (await cookies()).length > 0, { what: 'the cookie' });
    const modeIs = (mode: string) =>
      until(() => jack.ctx.state.mode() === mode, { timeoutMs: 10_000, what: mode });

    it('When the page is loaded again during and after the outage, then the conversation is there', async () => {
      await open();
      await write('Where are you?');
      await delivered(1);
      await isKept();
      const phone = await page.inputValue('#phone');
      const expectSame = async (replies: number): Promise<void> => {
        await page.reload();
        await delivered(replies);
        expect(await page.inputValue('#phone')).toBe(phone);
      };

      await redis.flushAll();
      await expectSame(1);
      await redis.kill();
      await modeIs('memory');
      await expectSame(1);
      await write('And what are your hours?');
      await delivered(2);
      await redis.restart();
      await modeIs('redis');
      await expectSame(2);
      expect(await page.locator('.text.mine').count()).toBe(2);
    });

    it('keeps nothing in the browser that a script could read', async () => {
      await open();
      await isKept();
      expect(await cookies()).toEqual([{ name: 'jack-guest', httpOnly: true, sameSite: 'Lax' }]);
      expect(await page.evaluate('document.cookie')).toBe('');
      expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0);
    });

    it('When another phone or dealership is chosen, then that is what a reload and a new tab show', async () => {
      const { organization } = await jack.createOrganization({ name: 'Second Motors' });
      await open();
      const chosen = newPhone();
      await page.selectOption('#dealership', organization.id);
      await page.fill('#phone', chosen);
      await page.press('#phone', 'Tab');
      const kept = async () =>
        await page.evaluate('fetch("/api/simulator/session").then((answer) => answer.json())');
      const expected = { organizationId: organization.id, phone: chosen };
      await until(async () => JSON.stringify(await kept()) === JSON.stringify(expected), {
        what: 'the choice to be kept',
      });
      for (const shown of [page, await context.newPage()]) {
        await shown.goto(`${jack.url}/simulator`);
        await shown.locator('#name').getByText('Second Motors').waitFor();
        expect(await shown.inputValue('#phone')).toBe(chosen);
      }
    });

    it('When the cookie is gone, then one is somebody new, and the conversation can still be picked', async () => {
      await open();
      await write('Hello');
      await delivered(1);
      const phone = await page.inputValue('#phone');
      await isKept();
      await context.clearCookies();
      await page.reload();
      await page.locator('.chip').first().waitFor();
      expect(await page.inputValue('#phone')).not.toBe(phone);
      await page.fill('#phone', phone);
      await page.press('#phone', 'Tab');
      await delivered(1);
    });
  });
});
