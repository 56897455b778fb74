/**
 * ADF 1.0 (Auto-lead Data Format) into prospects. Strict about what could do harm (a DTD, entities, depth, size) and
 * lenient about everything else: what is not as the format has it is guessed, and the guess is said.
 */
import { JackError } from '../../errors.js';
import type { Prospect, ReadProspect } from '../prospect.js';
import { readContact } from './contact.js';
import { findAdf } from './find.js';
import { type Guess, given, readIds } from './ids.js';
import { readTime } from './values.js';
import { readVehicle } from './vehicle.js';
import {
  attributeOf,
  childOf,
  childrenOf,
  hasBareCharacters,
  parseXml,
  textOf,
  unreadable,
  type XmlNode,
} from './xml.js';

export const MAX_ADF_BYTES = 256 * 1024;
const MAX_PROSPECTS = 50;
const MAX_COMMENTS = 4_000;

/**
 * @param contentType of the request, as far as it is known.
 * @throws JackError E_INPUT_INVALID, E_BODY_TOO_LARGE
 */
export function readAdf(contentType: string | undefined, bytes: Buffer): readonly ReadProspect[] {
  if (bytes.length > MAX_ADF_BYTES) {
    throw new JackError('E_BODY_TOO_LARGE', `A lead document has at most ${MAX_ADF_BYTES} bytes.`);
  }
  const found = findAdf(contentType, bytes);
  if (!found) throw unreadable('has no adf element');
  if (found.hasDtd || /<!(?:DOCTYPE|ENTITY)/i.test(found.xml)) {
    throw unreadable('has a document type or entities, which are not accepted');
  }
  const shared: string[] = [];
  if (found.inside !== undefined) shared.push(`the document was inside ${found.inside}`);
  if (hasBareCharacters(found.xml)) shared.push('an unescaped & or < is taken as itself');
  const prospects = childrenOf(childOf(parseXml(found.xml), 'adf'), 'prospect');
  if (prospects.length === 0) throw unreadable('has no prospect');
  if (prospects.length > MAX_PROSPECTS) throw unreadable(`has more than ${MAX_PROSPECTS} prospects`);
  return prospects.map((node) => readProspect(node, shared));
}

function readProspect(node: XmlNode, shared: readonly string[]): ReadProspect {
  const guessed = [...shared];
  const guess: Guess = (what) => guessed.push(what);
  const customer = childOf(node, 'customer') ?? node;
  const timeframe = childOf(customer, 'timeframe');
  const requested = readRequestDate(textOf(childOf(node, 'requestdate')), guess);
  const status = attributeOf(node, 'status');
  if (status !== undefined && status !== 'new' && status !== 'resend') {
    guess('the status of the prospect is not one of ADF and is left out');
  }
  const ids = readIds(node);
  const vehicles = childrenOf(node, 'vehicle').map((vehicle) => readVehicle(vehicle, guess));
  const comments =
    textOf(childOf(customer, 'comments'), MAX_COMMENTS) ?? textOf(childOf(node, 'comments'), MAX_COMMENTS);
  const prospect: Prospect = {
    ...(ids.length > 0 ? { ids } : {}),
    ...(status === 'new' || status === 'resend' ? { status } : {}),
    ...(requested ? { requestedAt: requested } : {}),
    ...(vehicles.length > 0 ? { vehicles } : {}),
    contact: readContact(customer, guess),
    ...given({
      timeframe: given({
        description: textOf(childOf(timeframe, 'description')),
        earliest: textOf(childOf(timeframe, 'earliestdate'), 40),
        latest: textOf(childOf(timeframe, 'latestdate'), 40),
      }),
      comments,
      vendor: readVendor(childOf(node, 'vendor'), guess),
      provider: readProvider(childOf(node, 'provider')),
    }),
  };
  return { prospect, guessed: [...new Set(guessed)] };
}

function readRequestDate(text: string | undefined, guess: Guess): string | undefined {
  if (text === undefined) return undefined;
  const time = readTime(text);
  if (!time) guess('the request date cannot be read and is left out');
  if (time?.guess !== undefined) guess(time.guess);
  return time?.value;
}

function readVendor(node: XmlNode | undefined, guess: Guess): Prospect['vendor'] {
  if (!node) {
    guess('no vendor is named: the lead is for whose key it came with');
    return undefined;
  }
  const ids = readIds(node);
  return given({ ids: ids.length > 0 ? ids : undefined, name: textOf(childOf(node, 'vendorname')) });
}

function readProvider(node: XmlNode | undefined): Prospect['provider'] {
  const ids = readIds(node);
  return given({
    ids: ids.length > 0 ? ids : undefined,
    name: textOf(childOf(node, 'name'), 100),
    service: textOf(childOf(node, 'service'), 100),
    url: textOf(childOf(node, 'url'), 300),
  });
}
