/**
 * What bytes are, by their first ones (https://mimesniff.spec.whatwg.org and the formats' own specifications), whatever
 * the sender says. Only kinds that phones send and that browsers show without running anything are known; HTML and SVG
 * are not among them.
 */

export interface Sniffed {
  /** What the bytes are served as. */
  readonly contentType: string;
  /** What they may have been announced as. */
  readonly kinds: readonly Kind[];
}

type Kind = 'image' | 'audio' | 'video' | 'pdf' | 'vcard';

interface Signature {
  readonly contentType: string;
  readonly kind: Kind;
  matches(bytes: Buffer): boolean;
}

const startsWith =
  (hex: string, at = 0) =>
  (bytes: Buffer): boolean =>
    bytes.subarray(at, at + hex.length / 2).equals(Buffer.from(hex, 'hex'));

const ascii = (bytes: Buffer, from: number, to: number): string => bytes.toString('latin1', from, to);

const riff = (form: string) => (bytes: Buffer) =>
  ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === form;

/** An MPEG audio frame: eleven set bits, a version that exists, layer II or III (layer I begins like a byte order mark). */
const isMpegFrame = (bytes: Buffer): boolean => {
  const [first = 0, second = 0] = bytes;
  return (
    first === 0xff &&
    (second & 0xe0) === 0xe0 &&
    (second & 0x18) !== 0x08 &&
    [0x02, 0x04].includes(second & 0x06)
  );
};

const isVcard = (bytes: Buffer): boolean =>
  /^(?:\xef\xbb\xbf)?\s{0,8}BEGIN:VCARD\r?\n/i.test(ascii(bytes, 0, 64));

const SIGNATURES: readonly Signature[] = [
  { contentType: 'image/jpeg', kind: 'image', matches: startsWith('ffd8ff') },
  { contentType: 'image/png', kind: 'image', matches: startsWith('89504e470d0a1a0a') },
  { contentType: 'image/gif', kind: 'image', matches: (bytes) => /^GIF8[79]a/.test(ascii(bytes, 0, 6)) },
  { contentType: 'image/webp', kind: 'image', matches: riff('WEBP') },
  { contentType: 'image/bmp', kind: 'image', matches: (bytes) => startsWith('424d')(bytes) && isBmp(bytes) },
  { contentType: 'image/tiff', kind: 'image', matches: startsWith('49492a00') },
  { contentType: 'image/tiff', kind: 'image', matches: startsWith('4d4d002a') },
  { contentType: 'application/pdf', kind: 'pdf', matches: (bytes) => ascii(bytes, 0, 5) === '%PDF-' },
  { contentType: 'text/vcard', kind: 'vcard', matches: isVcard },
  { contentType: 'audio/amr', kind: 'audio', matches: (bytes) => ascii(bytes, 0, 5) === '#!AMR' },
  { contentType: 'audio/mpeg', kind: 'audio', matches: (bytes) => ascii(bytes, 0, 3) === 'ID3' },
  { contentType: 'audio/mpeg', kind: 'audio', matches: isMpegFrame },
  { contentType: 'audio/ogg', kind: 'audio', matches: (bytes) => ascii(bytes, 0, 4) === 'OggS' },
  { contentType: 'audio/wav', kind: 'audio', matches: riff('WAVE') },
  { contentType: 'video/webm', kind: 'video', matches: startsWith('1a45dfa3') },
];

/** Twelve bytes that only look like a BMP would be a text that begins with "BM". */
const isBmp = (bytes: Buffer): boolean => bytes.length >= 26 && bytes.readUInt32LE(6) === 0;

/** Brands of the container that MPEG-4, 3GPP, QuickTime and HEIF share (https://mp4ra.org/registered-types/brands). */
const BRANDS: ReadonlyArray<readonly [brand: RegExp, contentType: string, kinds: readonly Kind[]]> = [
  [/^(?:heic|heix|heim|heis)/, 'image/heic', ['image']],
  [/^(?:mif1|msf1|hevc)/, 'image/heif', ['image']],
  [/^(?:avif|avis)/, 'image/avif', ['image']],
  [/^(?:M4A |M4B )/, 'audio/mp4', ['audio']],
  [/^qt {2}/, 'video/quicktime', ['video']],
  // Voice memos and clips alike come in these two.
  [/^(?:3g2)/, 'video/3gpp2', ['video', 'audio']],
  [/^(?:3g[a-z])/, 'video/3gpp', ['video', 'audio']],
  [/^(?:isom|iso[2-9]|mp4[12]|avc1|M4V|MSNV|dash)/, 'video/mp4', ['video', 'audio']],
];

/** @returns undefined for bytes of no kind that is taken in. */
export function sniff(bytes: Buffer): Sniffed | undefined {
  if (ascii(bytes, 4, 8) === 'ftyp') {
    const brand = ascii(bytes, 8, 12);
    const [, contentType, kinds] = BRANDS.find(([pattern]) => pattern.test(brand)) ?? [];
    return contentType && kinds ? { contentType, kinds } : undefined;
  }
  const found = SIGNATURES.find((signature) => signature.matches(bytes));
  return found && { contentType: found.contentType, kinds: [found.kind] };
}

/**
 * Whether the bytes are of the kind that was announced. An image that says it is another image is still an image; a
 * program or page that says so is neither. A type that says nothing is no contradiction.
 */
export function isAsDeclared({ kinds }: Sniffed, declaredType: string): boolean {
  const type = declaredType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type === '' || type === 'application/octet-stream' || type === 'binary/octet-stream') return true;
  return kinds.some((kind) => {
    if (kind === 'pdf') return type === 'application/pdf' || type === 'application/x-pdf';
    if (kind === 'vcard') return /^text\/(?:x-)?vcard$|^text\/directory$|^text\/plain$/.test(type);
    // `application/ogg` and the like name a container.
    return type.startsWith(`${kind}/`) || /^application\/(?:ogg|mp4)$/.test(type);
  });
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/jpeg': 'jpg',
  'image/tiff': 'tif',
  'audio/mpeg': 'mp3',
  'audio/mp4': 'm4a',
  'video/quicktime': 'mov',
  'video/3gpp': '3gp',
  'video/3gpp2': '3g2',
  'text/vcard': 'vcf',
};

/** For file names: `jpg`. */
export const extensionOf = (contentType: string): string =>
  EXTENSIONS[contentType] ?? contentType.split('/')[1] ?? 'bin';

/** Types that are served: each is one that `sniff` can say. */
export const SERVED_TYPES: readonly string[] = [
  ...new Set([
    ...SIGNATURES.map(({ contentType }) => contentType),
    ...BRANDS.map(([, contentType]) => contentType),
  ]),
].sort();
