import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createKeys, type Keys } from '../../../services/cacheAdapter/keys.js';
import { TTLS_MS } from '../../../services/cacheAdapter/ttls.js';
import type { ConversationId, E164, LeadId, OrganizationId, Rev } from '../../../services/types.js';

const options = { prefix: 'jack:test:', phoneHashKey: Buffer.from('a key of the test') };
const keys = createKeys(options);
const phone = '+16045550123' as E164;
const rev = 'rev-1' as Rev;

/** All names that the same id could get. */
const namesFor = (own: Keys, id: string): string[] => [
  own.snapshot('org' as OrganizationId, id as ConversationId).name,
  own.history('org' as OrganizationId, id as LeadId).name,
  own.phoneToLead(id as OrganizationId, phone).name,
  own.leadToPhone(id as OrganizationId, id as LeadId).name,
  own.organization(id as OrganizationId, rev).name,
  own.agent(id as OrganizationId, rev).name,
  own.index(own.tags.organization(id as OrganizationId)),
];

describe('Key names', () => {
  it('Begin with the prefix and the kind, and keep what belongs together in one hash slot', () => {
    expect(keys.snapshot('org' as OrganizationId, 'c1' as ConversationId).name).toBe(
      'jack:test:snapshot:{c1}',
    );
    expect(keys.agent('org' as OrganizationId, rev).name).toBe('jack:test:agent:{org}:rev-1');
  });

  it('Ids that look alike stay apart, and so do kinds', () => {
    const ids = ['a.b', 'ab', 'a-b', 'a_b', 'A.b', 'a.b.'];
    const names = ids.flatMap((id) => namesFor(keys, id));
    expect(new Set(names).size).toBe(names.length);
  });

  it('Two different pairs of organization and id never share a name', () => {
    const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,8}$/);
    fc.assert(
      fc.property(id, id, id, id, (orgA, leadA, orgB, leadB) => {
        const name = (org: string, lead: string) =>
          keys.leadToPhone(org as OrganizationId, lead as LeadId).name;
        fc.pre(orgA !== orgB || leadA !== leadB);
        expect(name(orgA, leadA)).not.toBe(name(orgB, leadB));
      }),
    );
  });

  it.each(['a*', 'a?', '[a]', '{a}', 'a}:{b', 'a:b', 'a b', 'a\n', 'a\u0000', '', 'a'.repeat(201)])(
    'An id such as %j is refused, not cleaned',
    (id) => {
      const makers = [
        () => keys.snapshot('org' as OrganizationId, id as ConversationId),
        () => keys.leadToPhone(id as OrganizationId, 'lead' as LeadId),
        () => keys.leadToPhone('org' as OrganizationId, id as LeadId),
        () => keys.agent('org' as OrganizationId, id as Rev),
        () => keys.tags.organization(id as OrganizationId),
      ];
      for (const make of makers) expect(make).toThrow(expect.objectContaining({ code: 'E_INPUT_INVALID' }));
    },
  );

  it('A phone is a hash that only the key holder can make', () => {
    const { name } = keys.phoneToLead('org' as OrganizationId, phone);
    const byNumber = keys.organizationByNumber('default', phone).name;
    for (const each of [name, byNumber]) {
      expect(each).not.toContain('6045550123');
      expect(each).toMatch(/[0-9a-f]{32}/);
    }
    const others = createKeys({ ...options, phoneHashKey: Buffer.from('another key') });
    expect(others.phoneToLead('org' as OrganizationId, phone).name).not.toBe(name);
    expect(keys.organizationByNumber(`AC${'1'.repeat(32)}`, phone).name).not.toBe(byNumber);
  });

  it('A prefix that would shift the hash tag is refused', () => {
    for (const prefix of ['jack{1}:', 'jack*:', 'ja ck:']) {
      expect(() => createKeys({ ...options, prefix })).toThrow(
        expect.objectContaining({ code: 'E_CONFIG_INVALID' }),
      );
    }
  });

  it('Each kind has its lifetime, which can be overridden', () => {
    expect(keys.snapshot('org' as OrganizationId, 'c' as ConversationId).ttlMs).toBe(7_200_000);
    expect(TTLS_MS).toMatchObject({
      history: 120_000,
      phoneToLead: 300_000,
      organization: 120_000,
      agent: 3_600_000,
    });
    const brief = createKeys({ ...options, ttls: { agent: 5_000 } });
    expect(brief.agent('org' as OrganizationId, rev).ttlMs).toBe(5_000);
    expect(brief.leadToPhone('org' as OrganizationId, 'l' as LeadId).ttlMs).toBe(300_000);
  });
});
