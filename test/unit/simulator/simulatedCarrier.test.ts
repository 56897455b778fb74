import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { sql } from 'drizzle-orm';
import { SimulatedCarrier } from '../../../services/outbound/transports/simulatedCarrier.js';
import type { DeliveryStatus } from '../../../services/outbound/transports/simulatedDeliveries.js';
import type { OutboundText } from '../../../services/outbound/transports/types.js';
import { newMessageId, type OrganizationId } from '../../../services/types.js';
import { newOrganization, newPhone, type TestOrganization } from '../../support/records.js';
import {
  describeEachEngine,
  openTestDatabase,
  silentLogger,
  type TestDatabase,
} from '../../support/testDatabase.js';
import { until } from '../../support/until.js';

const NEVER_MS = 3_600_000;

describeEachEngine('The simulated carrier', (engine) => {
  let opened: TestDatabase;
  let organization: TestOrganization;
  const carriers: SimulatedCarrier[] = [];
  beforeAll(async () => {
    opened = await openTestDatabase(engine);
    organization = await newOrganization(opened.database);
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all(carriers.splice(0).map((carrier) => carrier.stop()));
    await opened.database.query(
      sql`update simulated_texts set delivered_at = now() where delivered_at is null`,
    );
  });
  afterAll(() => opened.close());

  interface Settings {
    deliveryDelayMs?: readonly [number, number];
    sweepMs?: number;
    onStatus?: (status: DeliveryStatus) => Promise<void>;
  }

  function newCarrier({ deliveryDelayMs = [2, 4], sweepMs = NEVER_MS, onStatus }: Settings = {}) {
    const reports: DeliveryStatus[] = [];
    const carrier = SimulatedCarrier.create({
      database: opened.database,
      logger: silentLogger,
      random: () => 0.5,
      baseUrl: () => 'http://127.0.0.1:9',
      deliveryDelayMs,
      sweepMs,
      onStatus: async (status) => {
        reports.push(status);
        await onStatus?.(status);
      },
    });
    carriers.push(carrier);
    return { carrier, reports, statuses: () => reports.map(({ status }) => status) };
  }

  const newText = (change: Partial<OutboundText> = {}): OutboundText => ({
    id: newMessageId(),
    organizationId: organization.id,
    account: 'default',
    from: organization.number,
    to: newPhone(),
    body: 'Yes, it is here.',
    mediaUrls: [],
    createdAt: new Date(),
    ...change,
  });

  const handset = (text: OutboundText) =>
    opened.database.query<{ body: string; isDelivered: boolean }>(
      sql`select body, delivered_at is not null as "isDelivered" from simulated_texts
        where organization_id = ${text.organizationId} and to_number = ${text.to}`,
    );

  it('When a text is handed in, then it is accepted, and sent and delivered are reported in that order', async () => {
    const { carrier, reports, statuses } = newCarrier();
    const text = newText();

    const result = await carrier.send(text);

    expect(result).toEqual({
      outcome: 'accepted',
      providerSid: expect.stringMatching(/^SM[0-9a-f]{32}$/),
      status: 'queued',
      segments: null,
    });
    await until(async () => (await handset(text))[0]?.isDelivered, { what: 'the delivery' });
    expect(statuses()).toEqual(['sent', 'delivered']);
    expect(reports[1]).toEqual({
      organizationId: organization.id,
      messageId: text.id,
      status: 'delivered',
      errorCode: null,
    });
  });

  it('When the same text is handed in again, and twice at once, then the handset shows it once', async () => {
    const { carrier } = newCarrier({ deliveryDelayMs: [NEVER_MS, NEVER_MS] });
    const text = newText();

    const first = await carrier.send(text);
    const again = await Promise.all([carrier.send(text), carrier.send(text)]);

    expect(again).toEqual([first, first]);
    expect(await handset(text)).toHaveLength(1);
  });

  it('When a send is looked up, then it is found by its message alone, and only by its own organization', async () => {
    const { carrier } = newCarrier({ deliveryDelayMs: [NEVER_MS, NEVER_MS] });
    const text = newText();
    const sent = await carrier.send(text);

    expect(await carrier.find(text)).toMatchObject({
      status: 'queued',
      errorCode: null,
      providerSid: sent.outcome === 'accepted' && sent.providerSid,
    });
    expect(await carrier.find(newText())).toBeUndefined();
    expect(await carrier.find({ ...text, organizationId: 'another' as OrganizationId })).toBeUndefined();
  });

  it('When many texts come at once, then they are written together', async () => {
    const { carrier } = newCarrier({ deliveryDelayMs: [NEVER_MS, NEVER_MS] });
    const query = jest.spyOn(opened.database, 'query');

    const results = await Promise.all(Array.from({ length: 40 }, () => carrier.send(newText())));

    expect(results.every(({ outcome }) => outcome === 'accepted')).toBe(true);
    expect(query.mock.calls.length).toBeLessThanOrEqual(2);
  });

  it('When one text of many cannot be stored, then only that one is unknown', async () => {
    const { carrier } = newCarrier({ deliveryDelayMs: [NEVER_MS, NEVER_MS] });
    const erased = newText({ organizationId: `gone-${randomUUID()}` as OrganizationId });

    const results = await Promise.all([newText(), erased, newText()].map((text) => carrier.send(text)));

    expect(results.map(({ outcome }) => outcome)).toEqual(['accepted', 'unknown', 'accepted']);
  });

  it('When the record does not answer, then the outcome is unknown and nothing is thrown', async () => {
    const { carrier } = newCarrier();
    jest.spyOn(opened.database, 'query').mockRejectedValueOnce(new Error('Connection terminated'));

    expect(await carrier.send(newText())).toEqual({
      outcome: 'unknown',
      reason: 'the record did not answer',
    });
  });

  it('When the process ends before the delivery, then the next one delivers', async () => {
    const ended = newCarrier({ deliveryDelayMs: [NEVER_MS, NEVER_MS] });
    const text = newText();
    await ended.carrier.send(text);
    await ended.carrier.stop();
    await ended.carrier.stop();
    expect(await handset(text)).toEqual([{ body: text.body, isDelivered: false }]);

    const next = newCarrier();
    await next.carrier.start();

    await until(async () => (await handset(text))[0]?.isDelivered, { what: 'the delivery' });
    expect(next.reports).toContainEqual(expect.objectContaining({ messageId: text.id, status: 'delivered' }));
    expect(ended.reports).toEqual([]);
  });

  it('When a report fails, then the text is not marked delivered and a sweep reports it again', async () => {
    let failures = 0;
    const { carrier, statuses } = newCarrier({
      deliveryDelayMs: [1, 2],
      sweepMs: 25,
      onStatus: async ({ status }) => {
        if (status !== 'delivered' || failures >= 2) return;
        failures += 1;
        throw new Error('the record is away');
      },
    });
    const text = newText();
    await carrier.start();
    await carrier.send(text);

    await until(async () => (await handset(text))[0]?.isDelivered, { what: 'the delivery' });
    expect(statuses().filter((status) => status === 'delivered')).toHaveLength(3);
  });

  it('When more texts are left over than one batch holds, then a start delivers them all', async () => {
    const ended = newCarrier({ deliveryDelayMs: [NEVER_MS, NEVER_MS] });
    const texts = Array.from({ length: 250 }, () => newText());
    await Promise.all(texts.map((text) => ended.carrier.send(text)));
    await ended.carrier.stop();

    const next = newCarrier();
    await next.carrier.start();

    const left = () =>
      opened.database.query(sql`select 1 from simulated_texts where delivered_at is null limit 1`);
    await until(async () => (await left()).length === 0, { what: 'all deliveries' });
    expect(new Set(next.reports.map(({ messageId }) => messageId))).toEqual(
      new Set(texts.map(({ id }) => id)),
    );
  });

  describe('textJack', () => {
    it('When the dealership is unknown or has no number, then it is refused', async () => {
      const { carrier } = newCarrier();
      const text = { organizationId: 'nobody' as OrganizationId, from: newPhone(), body: 'Hi' };
      await expect(carrier.textJack(text)).rejects.toMatchObject({ code: 'E_NOT_FOUND' });
    });
  });
});
