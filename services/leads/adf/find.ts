/**
 * Finds the ADF in whatever a lead source sends: bare, in a mail, in its HTML or quoted-printable part, as an attachment,
 * in a field of a form. What is before and after the `adf` element (declarations in any order, blanks, signatures) is left
 * out, so that none of it can make the document unreadable.
 */
import {
  decodeText,
  decodeTransfer,
  htmlToText,
  looksLikeMail,
  type Part,
  splitForm,
  splitMail,
} from './mail.js';

/** Parts within parts: a forwarded mail with an attachment has four. */
const MAX_NESTING = 6;
const MAX_PARTS = 50;

export interface FoundAdf {
  /** From `<adf` to `</adf>`. */
  readonly xml: string;
  /** What it was inside of, in words for people; undefined when it was the body itself. */
  readonly inside: string | undefined;
  /** It came with a document type of its own or with entities, which no lead needs. */
  readonly hasDtd: boolean;
}

/** @returns undefined when there is none. */
export function findAdf(contentType: string | undefined, bytes: Buffer): FoundAdf | undefined {
  const rest: (Part & { readonly depth: number })[] = [
    { contentType: contentType ?? '', bytes, inside: undefined, depth: 0 },
  ];
  for (let seen = 0; rest.length > 0 && seen < MAX_PARTS; seen += 1) {
    const part = rest.shift();
    if (!part) break;
    const found = findIn(part);
    if (found) return found;
    if (part.depth < MAX_NESTING) {
      rest.push(...partsOf(part).map((inner) => ({ ...inner, depth: part.depth + 1 })));
    }
  }
  return undefined;
}

function findIn(part: Part): FoundAdf | undefined {
  const { contentType, bytes, inside } = part;
  // Parts, fields and bodies are looked at one by one, each in its own encoding.
  if (/^(?:multipart\/|application\/x-www-form-urlencoded)/i.test(contentType)) return undefined;
  if (looksLikeMail(part)) return undefined;
  const text = decodeText(contentType, bytes);
  const plain = cutAdf(text);
  if (plain !== undefined) {
    const isQuoted = isQuotedPrintable(plain);
    return {
      xml: isQuoted ? unquote(plain) : plain,
      inside: inside ?? (isQuoted ? 'quoted-printable text' : undefined),
      hasDtd: hasDtd(text),
    };
  }
  if (!/&lt;adf/i.test(text)) return undefined;
  const shown = htmlToText(text);
  const xml = cutAdf(shown);
  return xml === undefined ? undefined : { xml, inside: inside ?? 'an HTML page', hasDtd: hasDtd(shown) };
}

/** Quoted-printable without the header that says so: attributes then read `version=3D"1.0"`. */
const isQuotedPrintable = (xml: string): boolean => /=3D["']/.test(xml) || /=\r?\n/.test(xml);

const unquote = (xml: string): string =>
  decodeTransfer('quoted-printable', Buffer.from(xml, 'utf8')).toString('utf8');

/** That of an HTML mail around the document is no harm. */
const hasDtd = (text: string): boolean => /<!DOCTYPE(?!\s+html)|<!ENTITY/i.test(text);

function cutAdf(text: string): string | undefined {
  const start = /<adf(?=[\s>])/i.exec(text)?.index;
  if (start === undefined) return undefined;
  const end = text.toLowerCase().lastIndexOf('</adf');
  if (end < start) return undefined;
  const close = text.indexOf('>', end);
  return text.slice(start, close < 0 ? text.length : close + 1);
}

function partsOf(part: Part): Part[] {
  return /^application\/x-www-form-urlencoded/i.test(part.contentType) ? splitForm(part) : splitMail(part);
}
