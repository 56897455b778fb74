/** Delivery reports: kept as they come, and a status that only moves up. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { newPhone } from '../support/records.js';
import { describeEachEngine, openTestDatabase, type TestDatabase } from '../support/testDatabase.js';
import { deliveryStage } from './_deliveryStage.js';

describeEachEngine('Delivery reports', (engine) => {
  let test: TestDatabase;
  beforeAll(async () => {
    test = await openTestDatabase(engine);
  });
  afterAll(() => test.close());

  const stage = () => deliveryStage(test.database);

  it('are all kept, in the carrier’s words and in the order of their coming', async () => {
    const { sent, told, events, texts } = await stage();
    const text = await sent();
    await told('sent', text);
    await told('partially_delivered', text);
    await told('delivered', text, { rawDoneDate: '2611211530' });
    await told('delivered', text);
    const event = { id: text.id, sid: text.sid, code: null, doneDate: null, source: 'callback' };
    expect(await events()).toEqual([
      { ...event, status: 'sent' },
      { ...event, status: 'partially_delivered' },
      { ...event, status: 'delivered', doneDate: '2611211530' },
      { ...event, status: 'delivered' },
    ]);
    expect(await texts()).toMatchObject([{ status: 'delivered', sid: text.sid }]);
  });

  it.each([
    ['in order', ['queued', 'sending', 'sent', 'delivered'], 'delivered'],
    ['reversed', ['delivered', 'sent', 'sending', 'queued'], 'delivered'],
    ['doubled', ['sent', 'sent', 'delivered', 'delivered'], 'delivered'],
    ['with a word that is new', ['sent', 'teleported'], 'sent'],
    ['with a reader', ['delivered', 'read', 'delivered'], 'read'],
    ['from a service', ['accepted', 'scheduled', 'queued', 'sent'], 'sent'],
    ['canceled', ['canceled', 'sent'], 'canceled'],
  ])('lift the status and never lower it (%s)', async (_name, words, status) => {
    const { sent, told, texts, events } = await stage();
    const text = await sent();
    for (const word of words) await told(word, text);
    expect(await texts()).toMatchObject([{ status }]);
    expect(await events()).toHaveLength(words.length);
  });

  it('that come at the same time count as if they came one after the other', async () => {
    const { sent, told, texts, events } = await stage();
    const text = await sent();
    await Promise.all(
      ['sent', 'delivered', 'queued', 'sending', 'delivered'].map((word) => told(word, text)),
    );
    expect(await texts()).toMatchObject([{ status: 'delivered' }]);
    expect(await events()).toHaveLength(5);
  });

  it('keep the code of a failure, whatever comes later without one', async () => {
    const { sent, told, texts } = await stage();
    const text = await sent();
    await told('undelivered', text, { code: 30004 });
    await told('undelivered', text);
    await told('sent', text);
    expect(await texts()).toMatchObject([{ status: 'undelivered', code: 30004 }]);
  });

  it('may tell the code of a failure later, and do not give one to a text that was delivered', async () => {
    const { sent, told, texts } = await stage();
    const [late, delivered] = [await sent(), await sent('Two.')];
    await told('undelivered', late);
    await told('undelivered', late, { code: 30004 });
    await told('delivered', delivered);
    await told('failed', delivered, { code: 30008 });
    expect(await texts()).toMatchObject([
      { status: 'undelivered', code: 30004 },
      { status: 'delivered', code: null },
    ]);
  });

  it('teach the carrier’s id when they come before our own commit of it', async () => {
    const { say, claim, told, texts, accept } = await stage();
    await say();
    const [claimed] = await claim();
    const text = { id: claimed!.text.id, sid: `SM${'a'.repeat(31)}1` };
    expect(await told('delivered', text)).toBe('changed');
    expect(await texts()).toMatchObject([{ state: 'accepted', status: 'delivered', sid: text.sid }]);
    await accept(claimed!, text.sid);
    expect(await texts()).toMatchObject([{ state: 'accepted', status: 'delivered', sid: text.sid }]);
  });

  it('settle a send whose answer was lost, so that it is neither looked up nor sent again', async () => {
    const { say, claim, told, texts, store } = await stage();
    await say();
    const [claimed] = await claim();
    await told('sent', { id: claimed!.text.id, sid: `SM${'a'.repeat(31)}2` });
    await store(claimed!, { state: 'unknown', reason: 'timeout' });
    expect(await texts()).toMatchObject([{ state: 'accepted', status: 'sent' }]);
    expect(await claim()).toEqual([]);
  });

  it('find their text by the carrier’s id when the URL has none of ours', async () => {
    const { sent, told, texts } = await stage();
    const text = await sent();
    expect(await told('delivered', text, { messageId: undefined })).toBe('changed');
    expect(await texts()).toMatchObject([{ status: 'delivered' }]);
  });

  it('of another attempt than the one that is known are kept and change nothing', async () => {
    const { sent, told, texts, events } = await stage();
    const text = await sent();
    expect(await told('delivered', text, { sid: `SM${'b'.repeat(32)}` })).toBe('kept');
    expect(await texts()).toMatchObject([{ status: 'queued', sid: text.sid }]);
    expect(await events()).toHaveLength(1);
  });

  it('of a text that is not known change nothing', async () => {
    const { told, texts, events } = await stage();
    const text = { id: '00000000-0000-0000-0000-000000000000' as never, sid: `SM${'c'.repeat(32)}` };
    expect(await told('delivered', text)).toBe('unknown');
    expect(await told('delivered', text, { messageId: undefined })).toBe('unknown');
    expect([await texts(), await events()]).toEqual([[], []]);
  });

  it.each([
    ['another account', { accounts: [`AC${'9'.repeat(32)}`] }],
    ['another number of the dealership', { from: newPhone() }],
    ['another person', { to: newPhone() }],
  ])('of %s change nothing of a text that they name (P3)', async (_name, change) => {
    const { sent, told, texts, events } = await stage();
    const text = await sent();
    expect(await told('failed', text, { ...change, code: 21610 })).toBe('unknown');
    expect(await texts()).toMatchObject([{ status: 'queued', code: null }]);
    expect(await events()).toEqual([]);
  });
});
