/** Organizations and what their assistants work with. */
import { z } from 'zod';
import type { E164, OpeningHours, OrganizationSettings, Vehicle } from '../../types.js';
import { phoneOf } from '../entryKey.js';
import type { ImportedAgent, ImportedOrganization } from '../types.js';
import { invalid, type Shaped, valid } from './shape.js';
import { type Fields, fieldsOf, pick, unreadNotes, wordsOf } from './values.js';

const NUMBERS = [
  'phoneNumbers',
  'phoneNumber',
  'phone_number',
  'twilioPhoneNumber',
  'twilioNumber',
  'numbers',
];
const ZONES = ['timezone', 'timeZone', 'time_zone', 'tz'];
const SETTINGS = ['address', 'publicPhone', 'website', 'hours', 'assistantName', 'agentName', 'settings'];
const ORGANIZATION_READ = new Set([
  'id',
  'name',
  'createdAt',
  'updatedAt',
  ...NUMBERS,
  ...ZONES,
  ...SETTINGS,
]);
const AGENT_READ = new Set([
  'id',
  'organizationId',
  'createdAt',
  'updatedAt',
  'inventory',
  'vehicles',
  ...SETTINGS,
]);
const MAX_VEHICLES = 10_000;

/** @param timezone for an organization that names none. */
export function shapeOrganization(
  id: string,
  given: unknown,
  timezone: string | undefined,
): Shaped<ImportedOrganization> {
  const fields = fieldsOf(given);
  if (!fields) return invalid('organization_is_not_an_object');
  if (fields.id !== undefined && fields.id !== id) return invalid('organization_has_another_id');
  const zone = wordsOf(pick(fields, ZONES), 64) ?? timezone;
  if (zone === undefined) return invalid('organization_has_no_timezone');
  if (!isTimezone(zone)) return invalid('organization_has_an_unknown_timezone');
  const name = wordsOf(fields.name, 100);
  if (name === undefined) return invalid('organization_has_no_name');
  const { phoneNumbers, notes } = numbersOf(pick(fields, NUMBERS));
  return valid({ name, timezone: zone, phoneNumbers, settings: settingsOf(fields) }, [
    ...notes,
    ...unreadNotes(fields, ORGANIZATION_READ),
  ]);
}

export function shapeAgent(given: unknown): Shaped<ImportedAgent> {
  const fields = fieldsOf(given);
  if (!fields) return invalid('agent_is_not_an_object');
  const list = pick(fields, ['inventory', 'vehicles']) ?? [];
  if (!Array.isArray(list)) return invalid('inventory_is_not_a_list');
  if (list.length > MAX_VEHICLES) return invalid('inventory_is_too_long');
  const parsed = list.map((vehicle) => vehicleSchema.safeParse(vehicle));
  const inventory = parsed.flatMap((result) => (result.success ? [result.data satisfies Vehicle] : []));
  const leftOut = parsed.filter(({ success }) => !success).map(() => 'vehicle_left_out');
  return valid({ settings: settingsOf(fields), inventory }, [...leftOut, ...unreadNotes(fields, AGENT_READ)]);
}

function numbersOf(given: unknown): { phoneNumbers: E164[]; notes: string[] } {
  const list: unknown[] = Array.isArray(given) ? given : given === undefined ? [] : [given];
  const phones = list.map((item) => {
    const text =
      typeof item === 'string' ? item : pick(fieldsOf(item) ?? {}, ['phoneNumber', 'number', 'phone']);
    return typeof text === 'string' ? phoneOf(text) : undefined;
  });
  const phoneNumbers = [...new Set(phones.filter((phone) => phone !== undefined))];
  return { phoneNumbers, notes: phones.filter((phone) => !phone).map(() => 'number_left_out:not_e164') };
}

function settingsOf(outer: Fields): OrganizationSettings {
  const fields = { ...outer, ...fieldsOf(outer.settings) };
  const address = wordsOf(fields.address, 300);
  const publicPhone = wordsOf(fields.publicPhone, 40);
  const website = wordsOf(fields.website, 300);
  const assistantName = wordsOf(pick(fields, ['assistantName', 'agentName']), 40);
  const hours = hoursSchema.safeParse(fields.hours);
  return {
    ...(address ? { address } : {}),
    ...(publicPhone ? { publicPhone } : {}),
    ...(website && /^https?:\/\/[^\s/]+/.test(website) ? { website } : {}),
    ...(hours.success ? { hours: hours.data as OpeningHours } : {}),
    ...(assistantName ? { assistantName } : {}),
  };
}

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/);
const span = z.tuple([clockTime, clockTime]).refine(([from, to]) => from < to);
const hoursSchema = z.partialRecord(z.enum(['0', '1', '2', '3', '4', '5', '6']), z.array(span).max(6));

const words = (most: number) => z.coerce.string().trim().max(most);
const count = z.coerce.number().int().min(0).max(2_000_000_000);
const vehicleSchema = z.object({
  stockNumber: words(60).min(1),
  condition: z.enum(['new', 'used']).catch('used'),
  year: z.coerce.number().int().min(1900).max(2100),
  make: words(60).min(1),
  model: words(60).min(1),
  trim: words(60).catch(''),
  bodyStyle: words(60).catch(''),
  color: words(60).catch(''),
  odometerKm: count.catch(0),
  price: count.nullable().catch(null),
  currency: words(3).min(3).catch('CAD'),
});

/** Intl also knows offsets such as +05:00, which have no daylight saving. */
export function isTimezone(value: string): boolean {
  if (!/^[A-Za-z]/.test(value)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: value });
    return true;
  } catch {
    // Not a zone: that is the answer.
    return false;
  }
}
