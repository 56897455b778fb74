import { mkdirSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { freePort } from '../../scripts/lib/freePort.js';
import { buildApp, type TestApp } from '../support/buildApp.js';
import { launchBrowser } from '../support/chromium.js';
import { describeWithBrowser, describeWithRedis, sharedRedisUrl } from '../support/services.js';
import { until } from '../support/until.js';

const OUTPUT = 'test/output';

describeWithBrowser('The phone page in a browser', () => {
  let jack: TestApp;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let complaints: string[];
  let hosts: Set<string>;

  beforeAll(async () => {
    mkdirSync(OUTPUT, { recursive: true });
    jack = await buildApp({
      demo: true,
      env: process.env.TEST_REDIS_URL
        ? { USE_REDIS: 'true', REDIS_URL: sharedRedisUrl(), REDIS_KEY_PREFIX: `phone-page-${process.pid}:` }
        : {},
    });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser.close();
    await jack.close();
  });
  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
    page = await context.newPage();
    complaints = [];
    hosts = new Set();
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => hosts.add(new URL(request.url()).host));
  });
  afterEach(() => context.close());

  const mine = () => page.locator('.text.mine');
  const theirs = () => page.locator('.text.theirs');
  const ticks = (count: number) => page.locator(`.text.theirs[data-ticks="${count}"]`);
  const openPage = async (url = jack.url): Promise<void> => {
    await page.goto(`${url}/simulator`);
    await page.locator('.chip').first().waitFor();
  };
  const write = async (text: string): Promise<void> => {
    await page.fill('#body', text);
    await page.press('#body', 'Enter');
  };
  const delivered = (count: number) =>
    until(async () => (await ticks(2).count()) === count && (await theirs().count()) === count, {
      what: `${count} delivered replies`,
      timeoutMs: 8000,
    });
  const expectNoComplaints = (): void => {
    expect(complaints).toEqual([]);
    expect([...hosts]).toEqual([new URL(jack.url).host]);
  };

  it('When one texts, then the reply arrives and its ticks reach two, and it looks as it should', async () => {
    await openPage();
    await page.locator('.chip').first().click();
    await delivered(1);
    expect(await mine().count()).toBe(1);
    expect(await page.locator('#waiting').isHidden()).toBe(true);
    expect(await page.locator('#name').textContent()).toBe('Harbor Example Motors');
    await write('I have a 2018 Ford F-150 to trade in 😀');
    await delivered(2);
    expect(await page.locator('#summary').textContent()).not.toContain('No summary yet');
    await page.screenshot({ path: `${OUTPUT}/simulator.png` });
    await page.setViewportSize({ width: 390, height: 800 });
    const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    expect(overflow).toBe(0);
    await page.screenshot({ path: `${OUTPUT}/simulator-narrow.png` });
    expect(await page.locator('#facts').textContent()).toContain('F-150');
    expectNoComplaints();
  });

  it('When one writes, then characters and segments are counted as they will be stored', async () => {
    await openPage();
    await page.fill('#body', 'x'.repeat(161));
    expect(await page.locator('#count').textContent()).toBe('161 characters · 2 segments');
    await page.fill('#body', 'é 😀');
    expect(await page.locator('#count').textContent()).toBe('4 characters · 1 segment (UCS-2)');
    await page.press('#body', 'Enter');
    await delivered(1);
    expect(await mine().locator('.size').textContent()).toBe('1 segment');
    expect(await page.locator('#count').textContent()).toBe('');
    expectNoComplaints();
  });

  it('When a text is sent twice, then one bubble and one reply are on the phone', async () => {
    await openPage();
    await page.fill('#body', 'What are your hours?');
    await page.click('#twice');
    await delivered(1);
    expect(await mine().count()).toBe(1);
    await until(
      async () =>
        (await page.locator('#twice-result').textContent()) ===
        'Copies answered 200 and 200; in the record: 1; 1 answer.',
    );
    expectNoComplaints();
  });

  it('When the page is loaded again, then the conversation is still there', async () => {
    await openPage();
    await write('Where are you?');
    await delivered(1);
    const phone = await page.inputValue('#phone');
    const reply = await theirs().locator('.body').textContent();
    await page.reload();
    await delivered(1);
    expect(await page.inputValue('#phone')).toBe(phone);
    expect(await theirs().locator('.body').textContent()).toBe(reply);
    await page.click('#new-shopper');
    await page.locator('.chip').first().waitFor();
    expect(await page.inputValue('#phone')).not.toBe(phone);
    expect(await mine().count()).toBe(0);
    expectNoComplaints();
  });

  it('When one texts STOP, then nothing is answered until START', async () => {
    await openPage();
    await write('Hello');
    await delivered(1);
    await page.click('#consent');
    await page.locator('#note').getByText('opted out').waitFor();
    await write('Are you there?');
    await until(async () => (await page.locator('.text.mine[data-ticks="2"]').count()) === 3);
    await page.click('#consent');
    await page.locator('#note').waitFor({ state: 'hidden' });
    // An answer to the silenced text would stand before this one.
    await write('Are you open on Saturday?');
    await delivered(2);
    expect(await page.locator('.text').evaluateAll((nodes) => nodes.map((node) => node.className))).toEqual([
      'text mine',
      'text theirs',
      'text mine',
      'text mine',
      'text mine',
      'text mine',
      'text theirs',
    ]);
    expectNoComplaints();
  });

  it('When a text holds HTML, then it is shown as written and becomes no element', async () => {
    await openPage();
    const nasty = '<img src=x onerror="document.title=1"><b id="injected">bold</b><script>alert(1)</script>';
    await write(nasty);
    await delivered(1);
    expect(await mine().locator('.body').textContent()).toBe(nasty);
    expect(await page.locator('.phone img, .phone b, .phone script, #injected').count()).toBe(0);
    expect(await page.title()).toBe('Text with Jack');
    expectNoComplaints();
  });

  it('When Jack goes away, then the page says so, and after his return nothing is lost', async () => {
    const cable = await layCable(Number(new URL(jack.url).port));
    try {
      await openPage(cable.url);
      await write('Hello');
      await delivered(1);
      await cable.cut();
      await page.locator('#away').getByText('Trying again').waitFor();
      await write('Is the Civic still there?');
      await page.locator('.text.failed').getByText('Not sent').waitFor();
      await cable.mend();
      await page.locator('#away').getByText('Jack is back').waitFor();
      await page.getByRole('button', { name: 'Try again' }).click();
      await delivered(2);
      expect(await mine().count()).toBe(2);
      expect(await page.locator('.text.failed').count()).toBe(0);
    } finally {
      await cable.cut();
    }
  });

  it('When Redis does not answer, then the page says so, and the switch does not offer what it cannot do', async () => {
    const lonely = await buildApp({
      demo: true,
      env: { USE_REDIS: 'true', REDIS_URL: `redis://127.0.0.1:${await freePort()}` },
    });
    try {
      await openPage(lonely.url);
      await page.locator('#redis-mode').getByText('Redis does not answer. Now: the Map').waitFor();
      expect(await page.locator('#redis').textContent()).toBe('Redis off');
    } finally {
      await lonely.close();
    }
  });

  describeWithRedis('with Redis', () => {
    it('When Redis is put off and on in a conversation, then the mode is shown and texts are answered', async () => {
      await openPage();
      await write('Hi, do you have a Civic?');
      await delivered(1);
      await page.click('#redis');
      await page.locator('#redis-mode').getByText('Map').waitFor();
      await write('What does it cost?');
      await delivered(2);
      await page.getByRole('button', { name: 'Redis on' }).click();
      await page.locator('#redis-mode').getByText('Now: Redis').waitFor();
      await write('And your hours?');
      await delivered(3);
      expectNoComplaints();
    });
  });
});

/** A way to the server that can be cut and mended: the page sees a server that is gone, on the same address. */
async function layCable(
  target: number,
): Promise<{ url: string; cut(): Promise<void>; mend(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = 0;
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  };
  const mend = async (): Promise<void> => {
    server = createServer((near) => {
      const far = keep(connect(target, '127.0.0.1'));
      keep(near).pipe(far).pipe(near);
    });
    await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', resolve));
    const address = server.address();
    if (address && typeof address === 'object') port = address.port;
  };
  const cut = async (): Promise<void> => {
    const closing = server;
    server = undefined;
    if (!closing) return;
    const closed = new Promise((resolve) => closing.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  await mend();
  return { url: `http://127.0.0.1:${port}`, cut, mend };
}
