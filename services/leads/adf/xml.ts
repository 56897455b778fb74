/** XML as nested lists of elements: names in lower case, all values text. No DTD, no entities but the five of XML. */
import { XMLParser } from 'fast-xml-parser';
import { asError, JackError } from '../../errors.js';

/** ADF itself has eight. */
const MAX_DEPTH = 24;
const MAX_ELEMENTS = 5_000;

/** Child elements by name, attributes with `@` before theirs, and `#text`. */
export interface XmlNode {
  readonly [name: string]: readonly XmlNode[] | string | undefined;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  allowBooleanAttributes: true,
  attributeNamePrefix: '@',
  alwaysCreateTextNode: true,
  isArray: (_name, _path, _isLeaf, isAttribute) => !isAttribute,
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: true,
  processEntities: false,
  ignoreDeclaration: true,
  ignorePiTags: true,
  maxNestedTags: MAX_DEPTH,
  transformTagName: (name) => name.toLowerCase(),
  transformAttributeName: (name) => name.toLowerCase(),
});

/** @throws JackError E_INPUT_INVALID, with nothing of the document in it. */
export function parseXml(xml: string): XmlNode {
  if ((xml.match(/<[A-Za-z]/g) ?? []).length > MAX_ELEMENTS) throw unreadable('has too many elements');
  try {
    return parser.parse(withEscapes(xml)) as XmlNode;
  } catch (error) {
    const isDeep = /nested/i.test(asError(error).message);
    throw unreadable(isDeep ? `is nested more than ${MAX_DEPTH} deep` : 'is not XML that can be read');
  }
}

export const unreadable = (how: string): JackError =>
  new JackError('E_INPUT_INVALID', `The ADF document ${how}.`, {
    problems: [{ pointer: '/body', detail: `${how}` }],
  });

/** Whether somebody wrote `&` or `<` where XML has `&amp;` and `&lt;`. */
export const hasBareCharacters = (xml: string): boolean => withEscapes(xml) !== xml;

/** Escapes what cannot be markup; CDATA sections say themselves what they are. */
const withEscapes = (xml: string): string =>
  xml
    .split(/(<!\[CDATA\[[\s\S]*?\]\]>)/)
    .map((piece) =>
      piece.startsWith('<![CDATA[')
        ? piece
        : piece
            .replace(/&(?!(?:amp|lt|gt|quot|apos|nbsp|#\d{1,7}|#x[0-9a-f]{1,6});)/gi, '&amp;')
            .replace(/<(?![A-Za-z/!?_])/g, '&lt;'),
    )
    .join('');

export function childrenOf(node: XmlNode | undefined, name: string): readonly XmlNode[] {
  const found = node?.[name];
  return Array.isArray(found) ? (found as readonly XmlNode[]) : [];
}

export const childOf = (node: XmlNode | undefined, name: string): XmlNode | undefined =>
  childrenOf(node, name)[0];

/** Undefined when there is nothing but blanks. @param most longer texts are cut. */
export function textOf(node: XmlNode | undefined, most = 200): string | undefined {
  const value = node?.['#text'];
  return typeof value === 'string' ? clean(value, most) : undefined;
}

export function attributeOf(node: XmlNode | undefined, name: string): string | undefined {
  const value = node?.[`@${name}`];
  return typeof value === 'string' ? clean(value, 200)?.toLowerCase() : undefined;
}

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

function clean(value: string, most: number): string | undefined {
  const text = value
    .replace(
      /&(?:([a-z]+)|#(\d{1,7})|#x([0-9a-f]{1,6}));/gi,
      (whole, name?: string, ten?: string, hex?: string) => {
        if (name !== undefined) return NAMED[name.toLowerCase()] ?? whole;
        return toCharacter(Number.parseInt(ten ?? hex ?? '', ten === undefined ? 16 : 10));
      },
    )
    // What no text column holds, and what nobody means to write: controls but line ends, halves of surrogate pairs.
    .replace(/(?![\t\n\r])\p{Cc}|\p{Surrogate}/gu, '')
    .replace(/\r\n?/g, '\n')
    .trim();
  return text === '' ? undefined : [...text.slice(0, most * 2)].slice(0, most).join('').trim();
}

const toCharacter = (code: number): string =>
  code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff) ? '' : String.fromCodePoint(code);
