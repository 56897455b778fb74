import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LeadId, OrganizationId } from '../../services/types.js';
import { buildApp, type TestApp } from '../support/buildApp.js';
import { legacyHistory } from '../support/migrationStage.js';
import { conversationOf, inboundText, newPhone, textsOf } from '../support/records.js';
import { until } from '../support/until.js';

const HOUR_MS = 3_600_000;

/** A Map that counts how often its values are read. */
class CountedMap extends Map<string, unknown> {
  reads = 0;
  override get(key: string): unknown {
    this.reads += 1;
    return super.get(key);
  }
}

describe('Reading through to the Map of the old server', () => {
  let jack: TestApp;
  let id: OrganizationId;
  let number: string;
  beforeAll(async () => {
    jack = await buildApp();
  });
  afterAll(() => jack.close());
  beforeEach(async () => {
    const { organization } = await jack.createOrganization();
    id = organization.id;
    number = organization.phoneNumbers[0]!;
  });

  it('A shopper who texts Jack for the first time is answered with what was said before', async () => {
    const phone = newPhone();
    const history = new CountedMap([[`${id}:${phone}`, legacyHistory(4, Date.now() - HOUR_MS)]]);
    const context = new CountedMap([[phone, { vehicle: 'Honda Civic', name: 'Sam' }]]);
    const attached = [
      jack.ctx.state.createLegacyReadThrough({ map: history, kind: 'conversationHistory' }),
      jack.ctx.state.createLegacyReadThrough({
        map: context,
        kind: 'conversationContexts',
        organizationOf: () => id,
      }),
    ];
    await jack.ctx.receiver.receive(inboundText(number as never, phone, { body: 'Is it still there?' }));
    const texts = await until(
      async () => {
        const found = await textsOf(jack.ctx.database, id, phone);
        return found.length === 6 && found;
      },
      { what: 'the reply after the moved texts' },
    );
    expect(texts.map(({ seq, body }) => [seq, body]).slice(0, 5)).toEqual([
      [1, 'text 1'],
      [2, 'text 2'],
      [3, 'text 3'],
      [4, 'text 4'],
      [5, 'Is it still there?'],
    ]);
    expect(texts[5]).toMatchObject({ direction: 'outbound', sender: 'assistant' });
    const conversation = await conversationOf(jack.ctx.database, id, phone);
    const at = { conversationId: conversation.id, baseRev: conversation.baseRev as never };
    expect(await jack.ctx.state.getConversationContext(id, at)).toMatchObject({ name: 'Sam' });
    expect([history.reads, context.reads]).toEqual([1, 1]);
    expect(jack.ctx.state.migrationReport()?.readThrough).toMatchObject({ moved: 2, failed: 0 });
    for (const readThrough of attached) readThrough.stop();
  });

  it('Many readers at once move an entry once, and nobody asks the Map again', async () => {
    const phone = newPhone();
    const map = new CountedMap([[`${id}:${phone}`, { id: 'lead-9', name: 'Kim' }]]);
    const readThrough = jack.ctx.state.createLegacyReadThrough({ map, kind: 'phoneToLead' });
    expect(await jack.ctx.state.getLeadIdByPhone(id, newPhone())).toBeUndefined();
    expect(map.reads).toBe(0);
    const found = await Promise.all(Array.from({ length: 20 }, () => readThrough.pull(id, { phone })));
    expect(found.every(Boolean)).toBe(true);
    const leadId = await jack.ctx.state.getLeadIdByPhone(id, phone);
    expect(leadId).toBeDefined();
    const history = await jack.ctx.state.getConversationHistory(id, leadId!);
    expect(history).toEqual([]);
    expect(map.reads).toBe(1);
    expect(readThrough.report()).toMatchObject({ moved: 1, failed: 0 });
    readThrough.stop();
  });

  it('A lead that only the old server knows is found by its id', async () => {
    const leadId = 'f3c1a2b4-0d1e-4f5a-8b6c-7d8e9f0a1b2c' as LeadId;
    const phone = newPhone();
    const readThrough = jack.ctx.state.createLegacyReadThrough({
      map: new Map([[`${id}:${leadId}`, phone]]),
      kind: 'leadToPhone',
    });
    expect(await jack.ctx.state.getPhoneByLeadId(id, leadId)).toBe(phone);
    readThrough.stop();
    expect(await jack.ctx.state.getLeadIdByPhone(id, phone)).toBe(leadId);
  });

  it("Another organization's entry is neither moved nor seen", async () => {
    const { organization: other } = await jack.createOrganization();
    const phone = newPhone();
    const map = new CountedMap([
      [`${other.id}:${phone}`, 'lead-1'],
      [phone, 'lead-2'],
    ]);
    const readThrough = jack.ctx.state.createLegacyReadThrough({
      map,
      kind: 'phoneToLead',
      organizationOf: () => other.id,
    });
    expect(await jack.ctx.state.getLeadIdByPhone(id, phone)).toBeUndefined();
    expect(map.reads).toBe(0);
    readThrough.stop();
  });

  it('A value that makes no sense is counted once and the read is answered from the record', async () => {
    const phone = newPhone();
    await jack.ctx.receiver.receive(inboundText(number as never, phone, { body: 'STOP' }));
    const leadId = (await jack.ctx.state.getLeadIdByPhone(id, phone))!;
    const map = new CountedMap([[`${id}:${phone}`, 'nonsense']]);
    const readThrough = jack.ctx.state.createLegacyReadThrough({ map, kind: 'conversationHistory' });
    for (let n = 0; n < 3; n += 1) {
      expect(await jack.ctx.state.getConversationHistory(id, leadId)).toHaveLength(1);
    }
    expect(map.reads).toBe(1);
    expect(jack.ctx.state.migrationReport()?.reasons.history_is_not_a_list).toBe(1);
    readThrough.stop();
  });
});
