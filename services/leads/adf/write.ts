/** A prospect as an ADF 1.0 document, for a CRM. What `readAdf` makes of it is the prospect again. */
import { XMLBuilder } from 'fast-xml-parser';
import type { Amount, ExternalId, Price, Prospect, ProspectContact, ProspectVehicle } from '../prospect.js';

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  format: true,
  processEntities: true,
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
});

export const ADF_TYPE = 'application/x-adf+xml';

export function writeAdf(prospect: Prospect): string {
  const body = builder.build({ adf: { prospect: prospectNode(prospect) } });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<?adf version="1.0"?>\n${body}`;
}

/** In the order of the format. */
function prospectNode(prospect: Prospect): object {
  const { contact, timeframe, vendor, provider } = prospect;
  return without({
    '@status': prospect.status,
    id: prospect.ids?.map(idNode),
    requestdate: prospect.requestedAt,
    vehicle: prospect.vehicles?.map(vehicleNode),
    customer: without({
      contact: contactNode(contact),
      timeframe:
        timeframe &&
        without({
          description: timeframe.description,
          earliestdate: timeframe.earliest,
          latestdate: timeframe.latest,
        }),
      comments: prospect.comments,
    }),
    vendor: vendor && without({ id: vendor.ids?.map(idNode), vendorname: vendor.name }),
    provider:
      provider &&
      without({
        id: provider.ids?.map(idNode),
        name: provider.name === undefined ? undefined : { '@part': 'full', '#text': provider.name },
        service: provider.service,
        url: provider.url,
      }),
  });
}

const idNode = ({ value, source }: ExternalId, index: number): object =>
  without({ '@sequence': index + 1, '@source': source, '#text': value });

function vehicleNode(vehicle: ProspectVehicle): object {
  const { odometer, finance } = vehicle;
  return without({
    '@interest': vehicle.interest,
    '@status': vehicle.status,
    id: vehicle.ids?.map(idNode),
    year: vehicle.year,
    make: vehicle.make,
    model: vehicle.model,
    vin: vehicle.vin,
    stock: vehicle.stockNumber,
    trim: vehicle.trim,
    doors: vehicle.doors,
    bodystyle: vehicle.bodyStyle,
    transmission: vehicle.transmission,
    odometer: odometer && without({ '@units': odometer.units, '#text': odometer.value }),
    condition: vehicle.condition,
    colorcombination: vehicle.colors?.map((color) =>
      without({ interiorcolor: color.interior, exteriorcolor: color.exterior }),
    ),
    price: vehicle.prices?.map(priceNode),
    option: vehicle.options?.map((name) => ({ optionname: name })),
    finance:
      finance &&
      without({
        method: finance.method,
        amount: finance.amounts?.map(amountNode),
        balance: finance.balance && amountNode(finance.balance),
      }),
    comments: vehicle.comments,
  });
}

const priceNode = ({ value, type, currency }: Price): object =>
  without({ '@type': type, '@currency': currency, '#text': value });

const amountNode = ({ value, type, limit, currency }: Amount): object =>
  without({ '@type': type, '@limit': limit, '@currency': currency, '#text': value });

const NAME_PARTS = ['first', 'middle', 'last', 'suffix', 'full'] as const;

function contactNode({ name, email, phones, address, language }: ProspectContact): object {
  return without({
    name: NAME_PARTS.flatMap((part) =>
      name?.[part] === undefined ? [] : [{ '@part': part, '#text': name[part] }],
    ),
    email,
    phone: phones?.map((phone) =>
      without({
        '@type': phone.type,
        '@time': phone.time,
        '@preferredcontact': phone.isPreferred ? 1 : undefined,
        '#text': phone.value,
      }),
    ),
    address:
      address &&
      without({
        street: address.street?.map((line, index) => ({ '@line': index + 1, '#text': line })),
        apartment: address.apartment,
        city: address.city,
        regioncode: address.region,
        postalcode: address.postalCode,
        country: address.country,
      }),
    language,
  });
}

const without = (node: Readonly<Record<string, unknown>>): object =>
  Object.fromEntries(
    Object.entries(node).filter(
      ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  );
