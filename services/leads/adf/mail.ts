/** As much of MIME and of forms as lead sources use: parts, transfer encodings, character sets. Pure and bounded. */

export interface Part {
  /** May be empty: not known. */
  readonly contentType: string;
  readonly bytes: Buffer;
  /** What it was inside of, for people. */
  readonly inside: string | undefined;
}

/** Header lines that are looked at before the first empty line. */
const MAX_HEADER_BYTES = 64 * 1024;

/** The parts of a multipart body, or the one body of a mail; empty when it is neither. */
export function splitMail(part: Part): Part[] {
  const boundary = parameter(part.contentType, 'boundary');
  if (/^multipart\//i.test(part.contentType) && boundary !== undefined) {
    const inside = part.inside ?? (/form-data/i.test(part.contentType) ? 'a form' : 'a mail');
    return splitParts(part.bytes, boundary).map((bytes) => toPart(bytes, inside));
  }
  if (!looksLikeMail(part)) return [];
  return [toPart(part.bytes, part.inside ?? 'a mail')];
}

/** Each field of a form may hold a document. */
export function splitForm({ bytes, inside }: Part): Part[] {
  const fields = new URLSearchParams(bytes.toString('utf8'));
  return [...fields.values()].map((value) => ({
    contentType: '',
    bytes: Buffer.from(value, 'utf8'),
    inside: inside ?? 'a form',
  }));
}

/** Said to be one, or beginning with two header lines. */
export const looksLikeMail = ({ contentType, bytes }: Part): boolean =>
  /^message\/rfc822/i.test(contentType) ||
  /^(?:[A-Za-z0-9-]{1,60}:[^\n]*\r?\n(?:[ \t][^\n]*\r?\n)*){2,}/.test(
    bytes.subarray(0, 4_096).toString('latin1'),
  );

function splitParts(bytes: Buffer, boundary: string): Buffer[] {
  const text = bytes.toString('latin1');
  const pieces = text.split(`--${boundary}`);
  // Before the first boundary is a preamble, after the last (which ends in --) an epilogue.
  return pieces
    .slice(1)
    .filter((piece) => !piece.startsWith('--'))
    .map((piece) => Buffer.from(piece.replace(/^[ \t]*\r?\n/, '').replace(/\r?\n$/, ''), 'latin1'));
}

/** Headers, an empty line, a body. */
function toPart(bytes: Buffer, inside: string): Part {
  const text = bytes.subarray(0, MAX_HEADER_BYTES).toString('latin1');
  const end = /\r?\n\r?\n/.exec(text);
  if (text.startsWith('\n') || text.startsWith('\r\n') || !end) {
    return { contentType: '', bytes, inside };
  }
  const headers = text.slice(0, end.index).replace(/\r?\n[ \t]+/g, ' ');
  const header = (name: string): string =>
    new RegExp(`^${name}:[ \\t]*([^\\r\\n]*)`, 'im').exec(headers)?.[1]?.trim() ?? '';
  return {
    contentType: header('content-type'),
    bytes: decodeTransfer(header('content-transfer-encoding'), bytes.subarray(end.index + end[0].length)),
    inside,
  };
}

export function decodeTransfer(encoding: string, bytes: Buffer): Buffer {
  if (/^base64$/i.test(encoding)) return Buffer.from(bytes.toString('latin1'), 'base64');
  if (!/^quoted-printable$/i.test(encoding)) return bytes;
  const text = bytes
    .toString('latin1')
    .replace(/[ \t]+(?=\r?\n|$)/g, '')
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9A-Fa-f]{2})/g, (_escape, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(text, 'latin1');
}

/** In the character set of the byte order mark, the content type or the XML declaration; UTF-8 otherwise. */
export function decodeText(contentType: string, bytes: Buffer): string {
  const declared =
    byteOrderMark(bytes) ??
    parameter(contentType, 'charset') ??
    /^\s*<\?xml[^>]*encoding=["']([\w-]{1,40})["']/i.exec(bytes.subarray(0, 200).toString('latin1'))?.[1];
  try {
    return new TextDecoder(declared ?? 'utf-8').decode(bytes);
  } catch {
    // A character set that nobody knows: read as UTF-8, which shows what it cannot read as such.
    return new TextDecoder('utf-8').decode(bytes);
  }
}

function byteOrderMark(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return 'utf-16le';
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be';
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 'utf-8' : undefined;
}

/** XML that was pasted into HTML: tags of the page go, its escapes become characters. */
export function htmlToText(html: string): string {
  return html
    .replace(/<br\s*\/?>/gi, '\n')
    .replace(/<[^<>]{0,2000}>/g, '')
    .replace(/&nbsp;/gi, ' ')
    .replace(/&quot;/gi, '"')
    .replace(/&#39;|&apos;/gi, "'")
    .replace(/&lt;/gi, '<')
    .replace(/&gt;/gi, '>')
    .replace(/&amp;/gi, '&');
}

/** Of a header: `multipart/mixed; boundary="x"`. */
function parameter(header: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}=(?:"([^"]{1,200})"|([^\\s;"]{1,200}))`, 'i').exec(header);
  return found?.[1] ?? found?.[2];
}
