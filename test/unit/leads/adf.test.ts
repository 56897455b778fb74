/** Every mistake that producers of ADF are known to make, and everything that must be refused. */
import { describe, expect, it } from '@jest/globals';
import { readAdf } from '../../../services/leads/adf/read.js';
import { writeAdf } from '../../../services/leads/adf/write.js';
import { ADF_SAMPLE, adfOf } from './_adf.js';

const read = (text: string, contentType?: string) => readAdf(contentType, Buffer.from(text, 'utf8'));
const one = (text: string, contentType?: string) => {
  const [first, ...more] = read(text, contentType);
  expect(more).toEqual([]);
  if (!first) throw new Error('no prospect');
  return first;
};

describe('A document as the format has it', () => {
  it('is read whole, with nothing guessed', () => {
    const { prospect, guessed } = one(ADF_SAMPLE);
    expect(guessed).toEqual([]);
    expect(prospect).toEqual({
      ids: [{ value: 'LST-204417', source: 'examplelistings' }],
      status: 'new',
      requestedAt: '2026-11-18T19:42:07-08:00',
      vehicles: [
        {
          interest: 'buy',
          status: 'used',
          ids: [{ value: 'VDP-99120', source: 'examplelistings' }],
          year: 2021,
          make: 'Honda',
          model: 'Civic',
          vin: '2HGFE1F51MH000001',
          stockNumber: 'P4471',
          trim: 'Sport',
          odometer: { value: 61200, units: 'km' },
          colors: [{ exterior: 'Blue' }],
          prices: [{ value: 22995, type: 'asking', currency: 'CAD' }],
          finance: {
            method: 'finance',
            amounts: [
              { value: 400, type: 'monthly', limit: 'maximum', currency: 'CAD' },
              { value: 2500, type: 'downpayment', limit: 'exact', currency: 'CAD' },
            ],
          },
        },
        {
          interest: 'trade-in',
          status: 'used',
          year: 2018,
          make: 'Ford',
          model: 'F-150',
          vin: '1FTFW1E82JF000042',
          odometer: { value: 142000, units: 'km' },
          condition: 'good',
          finance: { method: 'finance', balance: { value: 9100, type: 'finance', currency: 'CAD' } },
        },
      ],
      contact: {
        name: { first: 'Dana', last: 'Okafor-Reyes' },
        email: 'dana@example.com',
        phones: [{ value: '604-555-0142', type: 'cellphone', time: 'evening', isPreferred: true }],
        address: { city: 'Burnaby', region: 'BC', postalCode: 'V5H 0A1', country: 'CA' },
      },
      timeframe: { description: 'within 2 weeks', latest: '2026-12-02' },
      comments: 'Is it still available & can I see it Saturday? Text is best.',
      vendor: {
        ids: [{ value: 'DLR-0881', source: 'examplelistings' }],
        name: 'Northshore Example Motors',
      },
      provider: {
        name: 'Example Listings',
        service: 'Classified lead',
        url: 'https://listings.example',
      },
    });
  });

  it('is the same after it was written and read again', () => {
    const { prospect } = one(ADF_SAMPLE);
    const written = writeAdf(prospect);
    expect(written).toMatch(/^<\?xml version="1\.0" encoding="UTF-8"\?>\n<\?adf version="1\.0"\?>\n<adf>/);
    expect(one(written)).toEqual({ prospect, guessed: [] });
  });

  it('keeps markup that people write, on the way out and in', () => {
    const prospect = {
      vehicles: [{ interest: 'buy' as const, make: 'R&D <Motors>', comments: 'price < 20k & "as is"' }],
      contact: { name: { full: "Zoë O'Łuk <b>" } },
      vendor: { name: 'A & B' },
    };
    expect(one(writeAdf(prospect)).prospect).toEqual(prospect);
  });
});

describe('What producers do wrong', () => {
  it.each([
    ['the instruction in capitals', '<?xml version="1.0"?>\n<?ADF VERSION="1.0"?>\n'],
    ['the instruction before the declaration', '<?adf version="1.0"?>\n<?xml version="1.0"?>\n'],
    ['blanks before the declaration', '  \n\n<?xml version="1.0"?><?adf version="1.0"?>'],
    ['no declaration at all', ''],
    ['a byte order mark', '\ufeff<?xml version="1.0" encoding="UTF-8"?>'],
  ])('%s: read as ever', (_what, head) => {
    expect(one(`${head}${adfOf()}`).prospect.contact.name).toEqual({ full: 'Dana Okafor' });
  });

  it('element names in capitals', () => {
    const text = adfOf().replace(
      /<(\/?)(\w+)/g,
      (_tag, slash: string, name: string) => `<${slash}${name.toUpperCase()}`,
    );
    expect(one(text).prospect).toEqual(one(adfOf()).prospect);
  });

  it('an unescaped & in a name, and < in comments', () => {
    const { prospect, guessed } = one(adfOf({ name: 'Dana & Lee', comments: 'below <20k & soon' }));
    expect(prospect.contact.name).toEqual({ full: 'Dana & Lee' });
    expect(prospect.comments).toBe('below <20k & soon');
    expect(guessed).toContain('an unescaped & or < is taken as itself');
  });

  it('CDATA', () => {
    const { prospect, guessed } = one(adfOf({ comments: '<![CDATA[R&D <now> &amp;]]>' }));
    expect(prospect.comments).toBe('R&D <now> &');
    expect(guessed).toEqual([]);
  });

  it('an empty year', () => {
    const { prospect, guessed } = one(adfOf({ vehicle: '<vehicle><year/><make>Honda</make></vehicle>' }));
    expect(prospect.vehicles).toEqual([{ interest: 'buy', make: 'Honda' }]);
    expect(guessed).toEqual(['a year that is empty or cannot be read is left out']);
  });

  it('region instead of regioncode', () => {
    const { prospect, guessed } = one(adfOf({ contact: '<address><region>BC</region></address>' }));
    expect(prospect.contact.address).toEqual({ region: 'BC' });
    expect(guessed).toEqual(['the region is taken as the regioncode']);
  });

  it.each([
    ['mobile', 'cellphone'],
    ['cell', 'cellphone'],
    ['CellPhone', 'cellphone'],
    ['work', 'voice'],
    ['satellite', 'voice'],
    ['fax', 'fax'],
  ])('a phone of type %s is taken as %s', (type, taken) => {
    const { prospect } = one(adfOf({ phone: `<phone type="${type}">6045550142</phone>` }));
    expect(prospect.contact.phones).toEqual([{ value: '6045550142', type: taken }]);
  });

  it('status sold, of a vehicle and of a prospect', () => {
    const vehicle = '<vehicle status="sold"><make>Honda</make></vehicle>';
    const { prospect, guessed } = one(adfOf({ vehicle }).replace('<prospect>', '<prospect status="sold">'));
    expect(prospect.vehicles).toEqual([{ interest: 'buy', make: 'Honda' }]);
    expect(prospect.status).toBeUndefined();
    expect(guessed).toHaveLength(2);
  });

  it('a name without a part', () => {
    const text = adfOf().replace('<name part="full">', '<name>');
    expect(one(text)).toMatchObject({
      prospect: { contact: { name: { full: 'Dana Okafor' } } },
      guessed: ['a name without a part is taken as the full name'],
    });
  });

  it('no vendor, and a vendor without a contact', () => {
    const text = adfOf();
    expect(one(text).prospect.vendor).toEqual({ name: 'Example Motors' });
    const { prospect, guessed } = one(text.replace(/<vendor>.*<\/vendor>/, ''));
    expect(prospect.vendor).toBeUndefined();
    expect(guessed).toEqual(['no vendor is named: the lead is for whose key it came with']);
  });

  it.each([
    ['2026-11-18T19:42:07-08:0', '2026-11-18T19:42:07-08:00', 1],
    ['2026-11-18T19:42:07-8:00', '2026-11-18T19:42:07-08:00', 1],
    ['2026-11-18T19:42:07-0800', '2026-11-18T19:42:07-08:00', 1],
    ['1795030927000', '2026-11-18T19:42:07.000Z', 1],
    ['1795030927', '2026-11-18T19:42:07.000Z', 1],
    ['2026-11-18 19:42', '2026-11-18T19:42:00Z', 1],
    ['2026-11-18T19:42:07.123Z', '2026-11-18T19:42:07Z', 0],
    ['Wed, 18 Nov 2026 19:42:07 GMT', '2026-11-18T19:42:07.000Z', 1],
    ['yesterday', undefined, 1],
  ])('the request date %s is %s', (said, taken, guesses) => {
    const { prospect, guessed } = one(
      adfOf().replace('<customer>', `<requestdate>${said}</requestdate><customer>`),
    );
    expect([prospect.requestedAt, guessed.length]).toEqual([taken, guesses]);
  });

  it('several prospects in one document', () => {
    const two = adfOf().replace(
      '</adf>',
      `${/<prospect>.*<\/prospect>/s.exec(adfOf({ name: 'Lee' }))?.[0]}</adf>`,
    );
    expect(read(two).map(({ prospect }) => prospect.contact.name?.full)).toEqual(['Dana Okafor', 'Lee']);
  });

  it('phone and e-mail outside of a contact', () => {
    const text = adfOf().replace('<contact>', '').replace('</contact>', '');
    expect(one(text).prospect.contact).toEqual(one(adfOf()).prospect.contact);
  });

  it('windows-1252 that says so', () => {
    const text = `<?xml version="1.0" encoding="windows-1252"?>${adfOf({ name: 'Zoë' })}`;
    const [found] = readAdf('text/xml', Buffer.from(text, 'latin1'));
    expect(found?.prospect.contact.name).toEqual({ full: 'Zoë' });
  });

  it('a character set that nobody has heard of', () => {
    const text = `<?xml version="1.0" encoding="x-nope"?>${adfOf()}`;
    expect(one(text).prospect.contact.name).toEqual({ full: 'Dana Okafor' });
  });
});

describe('Where it is found', () => {
  const xml = `<?xml version="1.0"?>\r\n<?adf version="1.0"?>\r\n${adfOf()}`;
  const headers =
    'From: leads@listings.example\r\nTo: sales@motors.example\r\nSubject: New lead\r\nMIME-Version: 1.0\r\n';
  const quoted = (text: string) =>
    [...Buffer.from(text, 'utf8')]
      .map((byte) =>
        byte === 61 || byte > 126
          ? `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
          : String.fromCharCode(byte),
      )
      .join('')
      .replace(/(.{70})/g, '$1=\r\n');
  const html = `<!DOCTYPE html><html><body><p>Hello</p><pre>${xml.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r\n', '<br>')}</pre></body></html>`;
  const multipart = (parts: readonly string[]) =>
    `${headers}Content-Type: multipart/mixed; boundary="b1"\r\n\r\npreamble\r\n${parts.map((part) => `--b1\r\n${part}\r\n`).join('')}--b1--\r\nepilogue`;

  it.each<readonly [string, string, string | undefined]>([
    [
      'in a mail with a plain body',
      `${headers}Content-Type: text/plain\r\n\r\n${xml}\r\n-- \r\nbye`,
      'message/rfc822',
    ],
    ['in a mail that is not said to be one', `${headers}\r\n${xml}`, 'text/plain'],
    [
      'in a quoted-printable mail',
      `${headers}Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${quoted(xml)}`,
      'message/rfc822',
    ],
    ['quoted-printable that nobody decoded', quoted(xml), 'text/plain'],
    ['in an HTML page', html, 'text/html'],
    ['in an HTML mail', multipart([`Content-Type: text/html\r\n\r\n${html}`]), 'message/rfc822'],
    [
      'in a base64 attachment',
      multipart([
        'Content-Type: text/plain\r\n\r\nA new lead, see the attachment.',
        `Content-Type: application/octet-stream; name="lead.xml"\r\nContent-Disposition: attachment; filename="lead.xml"\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(
          xml,
        )
          .toString('base64')
          .replace(/(.{76})/g, '$1\r\n')}`,
      ]),
      'message/rfc822',
    ],
    [
      'in a forwarded mail',
      multipart([`Content-Type: message/rfc822\r\n\r\n${headers}Content-Type: text/plain\r\n\r\n${xml}`]),
      'message/rfc822',
    ],
    [
      'in a field of a form',
      new URLSearchParams({ subject: 'New lead', adf: xml }).toString(),
      'application/x-www-form-urlencoded',
    ],
    [
      'in a field of a multipart form, as mail services post them',
      `--x\r\nContent-Disposition: form-data; name="from"\r\n\r\nleads@listings.example\r\n--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n${xml}\r\n--x--\r\n`,
      'multipart/form-data; boundary=x',
    ],
  ])('%s', (_what, text, contentType) => {
    const { prospect, guessed } = one(text, contentType);
    expect(prospect).toEqual(one(xml).prospect);
    expect(guessed.join()).toContain('the document was inside');
  });

  it('is not found where there is none', () => {
    expect(() => read('<html><body>Buy adf now</body></html>')).toThrow(/no adf element/);
  });
});

describe('What is refused', () => {
  it.each<readonly [string, string, RegExp]>([
    ['a document type', `<!DOCTYPE adf SYSTEM "http://169.254.169.254/x.dtd">${adfOf()}`, /document type/],
    [
      'an external entity',
      `<?xml version="1.0"?><!DOCTYPE adf [<!ENTITY x SYSTEM "file:///etc/passwd">]>${adfOf({ comments: '&x;' })}`,
      /document type/,
    ],
    ['an entity inside the element', adfOf({ comments: '<!ENTITY x "y">' }), /document type/],
    ['two hundred levels', adfOf({ comments: `${'<a>'.repeat(200)}${'</a>'.repeat(200)}` }), /deep/],
    ['ten thousand elements', adfOf({ comments: '<a/>'.repeat(10_000) }), /too many elements/],
    ['no prospect', '<adf></adf>', /no prospect/],
    ['fifty-one prospects', `<adf>${'<prospect/>'.repeat(51)}</adf>`, /more than 50/],
  ])('%s', (_what, text, message) => {
    expect(() => read(text)).toThrow(message);
  });

  it('more than 256 kB', () => {
    expect(() => read(adfOf({ comments: 'x'.repeat(300_000) }))).toThrow(/at most 262144 bytes/);
  });

  it('entities are not expanded, and what no column holds is left out', () => {
    const { prospect } = one(adfOf({ comments: '&lol; &#0;&#xd800;ok' }));
    expect(prospect.comments).toBe('&lol; ok');
  });

  it.each(['__proto__', 'constructor', 'toString'])('an element named %s changes nothing', (name) => {
    const text = adfOf({ vehicle: `<${name}><make>x</make></${name}>` });
    let read: unknown;
    try {
      read = one(text).prospect.vehicles;
    } catch (error) {
      expect((error as { code?: string }).code).toBe('E_INPUT_INVALID');
    }
    expect(read).toBeUndefined();
    expect(({} as { make?: unknown }).make).toBeUndefined();
  });

  it.each([
    ['many bare angles', '<'.repeat(200_000)],
    ['many ampersands', adfOf({ comments: '&'.repeat(100_000) })],
    ['many openings that never close', `<adf>${'<adf'.repeat(50_000)}`],
    ['many quotes', adfOf({ comments: '=3D"'.repeat(50_000) })],
    ['a header without an end', `${'X-A: b\r\n'.repeat(20_000)}`],
    ['HTML that never closes its tags', `<p ${'<p '.repeat(60_000)}&lt;adf`],
  ])('takes no long time over %s', (_what, text) => {
    const startedAt = performance.now();
    try {
      read(text.slice(0, 262_000));
    } catch {
      // Refused or read: only the time counts.
    }
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
