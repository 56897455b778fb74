/** Reads what a webhook answered (twilio.com/docs/messaging/twiml), and says what Twilio's debugger would say of it. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';

export interface TwimlMessage {
  readonly body: string;
  readonly mediaUrls: readonly string[];
  readonly to: string | undefined;
  readonly from: string | undefined;
  readonly statusCallback: string | undefined;
}

export interface TwimlResult {
  readonly messages: readonly TwimlMessage[];
  /** 12300: a content type that is no TwiML. 12100: it cannot be parsed. The fallback URL is asked then. */
  readonly errorCode?: 12100 | 12300;
  /** Elements that are no verb of messaging: noted as 12200 and passed over. `Redirect` is not followed. */
  readonly unknownVerbs: readonly string[];
}

interface Element {
  readonly [name: string]: unknown;
}

const XML_TYPES = new Set(['text/xml', 'application/xml']);
const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  trimValues: false,
});
const BARE_AMPERSAND = /&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[0-9a-f]+);)/i;

export function readTwiml(contentType: string | undefined, body: string): TwimlResult {
  if (body.trim() === '') return nothing();
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  // Plain text goes to the shopper as it is: the reason why an error page must never be a 200 of this type.
  if (type === 'text/plain') return { messages: [message({ body })], unknownVerbs: [] };
  if (!XML_TYPES.has(type)) return { ...nothing(), errorCode: 12300 };
  if (XMLValidator.validate(body) !== true || BARE_AMPERSAND.test(body)) {
    return { ...nothing(), errorCode: 12100 };
  }
  const root = (parser.parse(body) as Element[]).find((element) => nameOf(element) !== '?xml');
  if (!root || nameOf(root) !== 'Response') return { ...nothing(), errorCode: 12100 };
  return readVerbs(childrenOf(root));
}

const nothing = (): TwimlResult => ({ messages: [], unknownVerbs: [] });

function readVerbs(verbs: readonly Element[]): TwimlResult {
  const elements = verbs.filter((each) => !['#text', '#comment'].includes(nameOf(each)));
  return {
    messages: elements.filter((each) => nameOf(each) === 'Message').map(readMessage),
    unknownVerbs: elements.map(nameOf).filter((name) => name !== 'Message'),
  };
}

function readMessage(element: Element): TwimlMessage {
  const children = childrenOf(element);
  const nouns = (name: string) => children.filter((each) => nameOf(each) === name).map(textOf);
  const attributes = (element[':@'] ?? {}) as Readonly<Record<string, string>>;
  const bodies = nouns('Body');
  return message({
    // The text may stand in a Body or in the Message itself.
    body: bodies.length > 0 ? bodies.join('') : textOf(element).trim(),
    mediaUrls: nouns('Media').map((url) => url.trim()),
    to: attributes.to,
    from: attributes.from,
    statusCallback: attributes.statusCallback,
  });
}

const message = (given: Partial<TwimlMessage>): TwimlMessage => ({
  body: '',
  mediaUrls: [],
  to: undefined,
  from: undefined,
  statusCallback: undefined,
  ...given,
});

const nameOf = (element: Element): string => Object.keys(element).find((key) => key !== ':@') ?? '';

function childrenOf(element: Element): readonly Element[] {
  const children = element[nameOf(element)];
  return Array.isArray(children) ? (children as Element[]) : [];
}

const textOf = (element: Element): string =>
  childrenOf(element)
    .map((child) => child['#text'])
    .filter((text) => typeof text === 'string')
    .join('');
