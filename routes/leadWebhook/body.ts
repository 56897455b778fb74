/** A lead as JSON, for sources that have no ADF. */
import { z } from 'zod';
import type { JsonLead } from '../../services/leads/desk.js';
import { INTERESTS, type Prospect, type ProspectVehicle } from '../../services/leads/prospect.js';
import { attributesSchema, emailSchema, personNameSchema, sourceSchema } from '../schemas.js';

const short = (most: number) => z.string().trim().min(1).max(most);
const time = z.iso.datetime({ offset: true });

const vehicleSchema = z.strictObject({
  interest: z.enum(INTERESTS).default('buy'),
  condition: z.enum(['new', 'used']).optional(),
  year: z.int().min(1900).max(2100).optional(),
  make: short(60).optional(),
  model: short(60).optional(),
  trim: short(60).optional(),
  vin: short(40).optional(),
  stockNumber: short(40).optional(),
  odometerKm: z.number().min(0).max(10_000_000).optional(),
  comments: short(2_000).optional(),
});

const addressSchema = z.strictObject({
  street: short(200).optional(),
  city: short(100).optional(),
  region: short(60).optional(),
  postalCode: short(20).optional(),
  country: short(60).optional(),
});

const consentSchema = z
  .strictObject({
    basis: z.enum(['web_form', 'paper', 'verbal', 'inbound_text', 'import']),
    disclosure: short(200)
      .optional()
      .meta({ description: 'Which text the person agreed to, with its version.' }),
    at: time.optional(),
    ip: z.union([z.ipv4(), z.ipv6()]).optional(),
    reference: short(500).optional().meta({ description: 'Where it can be looked up.' }),
  })
  .meta({ description: 'Why the person may be texted. Without it nobody is texted first.' });

export const leadBodySchema = z
  .strictObject({
    source: sourceSchema.optional(),
    externalId: short(200).optional().meta({
      description: "The source's id of the inquiry: the same one of the same source is taken once.",
    }),
    requestedAt: time.optional(),
    name: personNameSchema.optional(),
    firstName: short(100).optional(),
    lastName: short(100).optional(),
    phone: short(40).optional().meta({ example: '604-555-0123' }),
    email: emailSchema.optional(),
    address: addressSchema.optional(),
    language: z.enum(['en', 'fr', 'es']).optional(),
    vehicle: z.union([short(120), vehicleSchema]).optional(),
    tradeIn: z.union([short(120), vehicleSchema]).optional(),
    comments: short(4_000).optional(),
    consent: consentSchema.optional(),
    doNotText: z.boolean().optional(),
    attributes: attributesSchema.optional(),
  })
  .refine(({ phone, email }) => phone !== undefined || email !== undefined, {
    message: 'must have a phone or an e-mail address',
  })
  .meta({ id: 'LeadDocument' });

export type LeadBody = z.output<typeof leadBodySchema>;

export function toJsonLead(body: LeadBody): JsonLead {
  const { consent } = body;
  return {
    prospect: toProspect(body),
    guessed: [],
    source: body.source,
    consent: consent && {
      ...defined({ ...consent, reference: undefined, evidence: consent.reference }),
      basis: consent.basis,
    },
    doNotText: body.doNotText ?? false,
    attributes: body.attributes,
  };
}

function toProspect(body: LeadBody): Prospect {
  const { name, firstName, lastName, email, phone, address, language } = body;
  const vehicles = [toVehicle(body.vehicle, 'buy'), toVehicle(body.tradeIn, 'trade-in')].flatMap(
    (vehicle) => vehicle ?? [],
  );
  const names = defined({ full: name, first: firstName, last: lastName });
  const { street, ...place } = address ?? {};
  return {
    ...defined({ requestedAt: body.requestedAt, comments: body.comments }),
    ...(body.externalId === undefined ? {} : { ids: [{ value: body.externalId }] }),
    ...(vehicles.length > 0 ? { vehicles } : {}),
    contact: {
      ...(Object.keys(names).length > 0 ? { name: names } : {}),
      ...(phone === undefined ? {} : { phones: [{ value: phone, type: 'cellphone' as const }] }),
      ...(address
        ? { address: { ...defined(place), ...(street === undefined ? {} : { street: [street] }) } }
        : {}),
      ...defined({ email, language }),
    },
  };
}

function toVehicle(
  said: LeadBody['vehicle'],
  interest: ProspectVehicle['interest'],
): ProspectVehicle | undefined {
  if (said === undefined) return undefined;
  if (typeof said === 'string') {
    const [, year, words = said] = /^((?:19|20)\d\d) +(.+)$/.exec(said) ?? [];
    return { interest, ...(year === undefined ? {} : { year: Number(year) }), model: words };
  }
  const { condition, odometerKm, ...rest } = said;
  return {
    ...defined(rest),
    interest: interest === 'trade-in' ? interest : rest.interest,
    ...defined({ status: condition }),
    ...(odometerKm === undefined ? {} : { odometer: { value: odometerKm, units: 'km' as const } }),
  };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const defined = <T extends object>(values: T): Defined<T> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
