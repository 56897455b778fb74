import { describe, expect, it } from '@jest/globals';
import { maskKey } from '../../../services/migration/entryKey.js';
import { type ShapedEntry, shapeEntry } from '../../../services/migration/shapeEntry.js';
import type { MigrationKind } from '../../../services/migration/types.js';
import type { OrganizationId } from '../../../services/types.js';

const NORTH = 'north-shore' as OrganizationId;
const KEY = 'north-shore:+16045550123';

const shape = (kind: MigrationKind, key: string, value: unknown): ShapedEntry =>
  shapeEntry({ kind, key, value }, { organizationOf: () => undefined });
const shapedValue = (kind: MigrationKind, value: unknown, key = KEY): unknown => {
  const shaped = shape(kind, key, value);
  if ('reason' in shaped) throw new Error(shaped.reason);
  return shaped.item.value;
};
const reasonOf = (kind: MigrationKind, value: unknown, key = KEY): string => {
  const shaped = shape(kind, key, value);
  return 'reason' in shaped ? shaped.reason : 'none';
};

describe('A history in any of its forms', () => {
  const at = '2026-03-01T18:00:00.000Z';
  const atMs = Date.parse(at);

  it.each<[string, unknown[], object[]]>([
    [
      'roles of a model',
      [
        { role: 'system', content: 'You are a helpful assistant.' },
        { role: 'user', content: 'Hi', timestamp: at },
        { role: 'assistant', content: [{ type: 'text', text: 'Hello!' }], timestamp: atMs },
      ],
      [
        { direction: 'inbound', sender: 'lead', body: 'Hi', status: 'received', atMs },
        { direction: 'outbound', sender: 'assistant', body: 'Hello!', status: 'sent', atMs },
      ],
    ],
    [
      'directions',
      [
        { direction: 'inbound', body: 'Hi', createdAt: atMs / 1000 },
        { direction: 'outbound-api', body: 'Hello!', status: 'delivered', createdAt: new Date(atMs) },
      ],
      [
        { direction: 'inbound', atMs },
        { direction: 'outbound', sender: 'assistant', status: 'delivered', atMs },
      ],
    ],
    [
      'a person of the staff',
      [{ sender: 'human', role: 'assistant', text: 'This is Ana.' }],
      [{ direction: 'outbound', sender: 'staff', body: 'This is Ana.' }],
    ],
    [
      'LangChain',
      [
        { type: 'human', content: 'Hi' },
        { type: 'ai', content: 'Hello!' },
      ],
      [{ sender: 'lead' }, { sender: 'assistant' }],
    ],
    [
      'lines',
      ['Customer: Hi: there', 'Bot: Hello!'],
      [
        { direction: 'inbound', body: 'Hi: there', atMs: undefined },
        { direction: 'outbound', body: 'Hello!' },
      ],
    ],
    [
      'pictures',
      [{ role: 'user', content: '', mediaUrls: ['https://example.com/a.jpg', 'file:///etc/passwd'] }],
      [{ body: '', media: [{ url: 'https://example.com/a.jpg', contentType: 'application/octet-stream' }] }],
    ],
    [
      'characters that no database stores',
      [{ role: 'user', content: 'a\0b\ud800c' }],
      [{ body: 'ab\ufffdc' }],
    ],
  ])('%s', (_name, history, messages) => {
    expect(shapedValue('conversationHistory', history)).toMatchObject(messages);
    expect(shapedValue('conversationHistory', { messages: history })).toMatchObject(messages);
  });

  it('may be kept as JSON text, and with the newest first', () => {
    const history = [
      { role: 'assistant', content: 'Hello!', timestamp: atMs + 1000 },
      { role: 'user', content: 'Hi', timestamp: atMs },
    ];
    expect(shapedValue('conversationHistory', JSON.stringify(history))).toMatchObject([
      { body: 'Hi' },
      { body: 'Hello!' },
    ]);
  });

  it('Who spoke is never guessed: such messages are left out and counted', () => {
    const shaped = shape('conversationHistory', KEY, ['Hi', { content: 'Hello' }, 'User: yes']);
    expect(shaped).toMatchObject({
      item: { value: [{ body: 'yes' }] },
      notes: ['message_left_out:no_speaker', 'message_left_out:no_speaker'],
    });
    expect(reasonOf('conversationHistory', ['Hi'])).toBe('message_left_out:no_speaker');
  });

  it.each([['text'], [42], [null], [{ nothing: [] }]])('%p is no history', (value) => {
    expect(reasonOf('conversationHistory', value)).toBe('history_is_not_a_list');
  });
});

describe('A context', () => {
  it('becomes slots, owner and opt-out, and names what has no place', () => {
    const shaped = shape('conversationContexts', KEY, {
      customerName: ' Sam ',
      vehicleInterest: { year: 2021, make: 'Honda', model: 'Civic' },
      appointment: '2026-03-02T14:30:00',
      appointmentStatus: 'confirmed',
      unsubscribed: 'true',
      humanTakeover: true,
      agentName: 'Ana',
      mood: 'happy',
      'weird key +1 604 555 0123': 1,
    });
    expect(shaped).toMatchObject({
      item: {
        value: {
          slots: {
            name: 'Sam',
            vehicle: '2021 Honda Civic',
            visitAt: '2026-03-02T14:30',
            visitStatus: 'agreed',
          },
          isOptedOut: true,
          owner: 'human',
          ownerName: 'Ana',
        },
      },
      notes: ['field_without_a_place:mood', 'field_without_a_place:other'],
    });
  });

  it('is never an opt-in', () => {
    expect(shapedValue('conversationContexts', { optedOut: false })).toMatchObject({
      isOptedOut: false,
      slots: {},
    });
  });
});

describe('Keys', () => {
  it.each<[MigrationKind, string, unknown, string]>([
    ['conversationHistory', '+16045550123', [], 'needs_organization'],
    ['conversationHistory', 'north-shore:6045550123', [], 'phone_is_not_e164'],
    ['conversationHistory', 'north shore:+16045550123', [], 'organization_id_is_not_valid'],
    ['phoneToLead', KEY, '', 'lead_id_is_missing'],
    ['leadToPhone', 'lead-1', '+16045550123', 'needs_organization'],
    ['leadToPhone', 'north-shore:lead-1', '12', 'phone_is_not_e164'],
    ['organizations', 'a b', {}, 'organization_id_is_not_valid'],
    ['organizations', 'north-shore', { name: 'North Shore' }, 'organization_has_no_timezone'],
    [
      'organizations',
      'north-shore',
      { name: 'N', timezone: 'Mars/Base' },
      'organization_has_an_unknown_timezone',
    ],
    ['organizations', 'north-shore', { id: 'other', name: 'N' }, 'organization_has_another_id'],
    ['conversations', '0', { id: 'a', messages: [] }, 'needs_organization'],
  ])('of %s: %s %p is rejected as %s', (kind, key, value, reason) => {
    expect(reasonOf(kind, value, key)).toBe(reason);
  });

  it('A bare key belongs to whom organizationOf says', () => {
    const entry = { kind: 'phoneToLead', key: '+1 (604) 555-0123', value: 'lead-1' } as const;
    expect(shapeEntry(entry, { organizationOf: () => NORTH })).toMatchObject({
      item: { organizationId: NORTH, phone: '+16045550123', value: { sourceId: 'lead-1' } },
    });
  });

  it.each([
    [KEY, 'north-shore:***0123'],
    ['+16045550123', '***0123'],
    ['16045550123:+16045550123', '***0123'],
    ['north-shore:ab', 'north-shore:***b'],
    ['x', '***'],
  ])('%s is shown as %s', (key, masked) => {
    expect(maskKey(key)).toBe(masked);
  });
});

describe('A chat library', () => {
  const organizationId = NORTH;
  const list = (kind: 'conversations' | 'keys', value: unknown) =>
    shapeEntry({ kind, key: '0', value }, { organizationOf: () => undefined, organizationId });

  it('keeps its messages as they are', () => {
    const messages = [{ id: 1, content: 'Hi', type: 1, date: 1_772_388_000_000, extra: { a: [1] } }];
    expect(list('conversations', { id: 7, userName: 'Sam', messages })).toMatchObject({
      item: { value: { id: '7', userName: 'Sam', messages, lastMessageAtMs: 1_772_388_000_000 } },
    });
  });

  it.each<['conversations' | 'keys', unknown, string]>([
    ['conversations', { id: 'a' }, 'chat_has_a_bad_messages'],
    ['conversations', { id: {}, messages: [] }, 'chat_has_a_bad_id'],
    ['conversations', 'a', 'chat_is_not_an_object'],
    ['keys', { key: ' ' }, 'key_is_empty'],
    ['keys', { queries: 1 }, 'key_has_a_bad_key'],
  ])('%s %p is rejected as %s', (kind, value, reason) => {
    expect(list(kind, value)).toMatchObject({ reason });
  });
});
