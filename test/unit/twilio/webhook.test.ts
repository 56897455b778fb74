import { describe, expect, it } from '@jest/globals';
import { JackError } from '../../../services/errors.js';
import { parseForm } from '../../../services/twilio/form.js';
import { parseInboundSms } from '../../../services/twilio/webhook.js';
import { formBody, inboundForm } from '../../support/signTwilio.js';

const accountSid = `AC${'0'.repeat(31)}1`;
const messageSid = `SM${'a'.repeat(32)}`;
const form = (extra: Record<string, string> = {}) =>
  inboundForm({ from: '+16045550123', to: '+17785550100', body: 'Hi', accountSid, messageSid, extra });
const parse = (params: Record<string, string | string[]>) =>
  parseInboundSms(parseForm(Buffer.from(formBody(params))));

function problemsOf(params: Record<string, string | string[]>): string[] {
  try {
    parse(params);
  } catch (error) {
    if (!(error instanceof JackError)) throw error;
    expect(error.code).toBe('E_INPUT_INVALID');
    return error.problems.map(({ pointer }) => pointer);
  }
  return [];
}

describe('The form parser', () => {
  it('When a body has brackets, empty values and repeated names, then all are kept as they came', () => {
    const params = parseForm(Buffer.from('a%5Bb%5D=1&Empty=&R=2&R=1&R=2&Plus=a+b&Bare&__proto__=p'));
    expect(Object.entries(params)).toEqual([
      ['a[b]', '1'],
      ['Empty', ''],
      ['R', ['2', '1', '2']],
      ['Plus', 'a b'],
      ['Bare', ''],
      ['__proto__', 'p'],
    ]);
  });

  it('When a body begins with a question mark, then it belongs to the name', () => {
    expect({ ...parseForm(Buffer.from('?a=1')) }).toEqual({ '?a': '1' });
  });

  it('When there are 200 parameters, then they are taken; one more is refused', () => {
    const body = (n: number) => Buffer.from(Array.from({ length: n }, (_, i) => `p${i}=1`).join('&'));
    expect(Object.keys(parseForm(body(200)))).toHaveLength(200);
    expect(() => parseForm(body(201))).toThrow(JackError);
  });
});

describe('An inbound text', () => {
  it('When Twilio posts the full set, then it is understood', () => {
    expect(parse(form({ SomethingNew: 'x', MessagingServiceSid: `MG${'1'.repeat(32)}` }))).toEqual({
      accountSid,
      messageSid,
      from: '+16045550123',
      fromPhone: '+16045550123',
      to: '+17785550100',
      body: 'Hi',
      numMedia: 0,
      media: [],
      geography: { city: 'BURNABY', state: 'BC', country: 'CA' },
      messagingServiceSid: `MG${'1'.repeat(32)}`,
      optOutType: undefined,
      numSegments: 1,
    });
  });

  it('When only the older name of the SID is there, then it is used', () => {
    const { MessageSid: _gone, ...older } = form();
    expect(parse(older).messageSid).toBe(messageSid);
    expect(parse({ ...form(), MessageSid: '', SmsSid: '' }).messageSid).toBe(messageSid);
  });

  it.each(['12345', '123456', 'NORTHSHORE', 'whatsapp:+16045550123'])(
    'When it is from %s, then there is a sender but no phone',
    (from) => {
      expect(parse({ ...form(), From: from })).toMatchObject({ from, fromPhone: null });
    },
  );

  it('When an MMS has no text, then it is accepted with its media', () => {
    const media = [
      {
        url: 'https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME1',
        contentType: 'image/jpeg',
      },
      {
        url: 'https://api.twilio.com/2010-04-01/Accounts/AC1/Messages/MM1/Media/ME2',
        contentType: 'image/png',
      },
    ];
    const params = inboundForm({ from: '+16045550123', to: '+17785550100', accountSid, media });
    const { Body: _absent, ...withoutBody } = params;
    expect(parse(params)).toMatchObject({ body: '', numMedia: 2, media });
    expect(parse(withoutBody)).toMatchObject({ body: '', media });
  });

  it('When a media URL is not http, missing or repeated, then it is left out and the text kept', () => {
    const params = {
      ...form({ NumMedia: '4', MediaUrl0: 'javascript:alert(1)', MediaUrl1: 'https://api.twilio.com/x' }),
      MediaUrl2: ['https://a.test/', 'https://b.test/'],
    };
    const media = [{ url: 'https://api.twilio.com/x', contentType: 'application/octet-stream' }];
    expect(parse(params)).toMatchObject({ body: 'Hi', numMedia: 4, media });
  });

  it('When it holds what the record refuses, then that is replaced and the rest kept', () => {
    expect(parse({ ...form(), Body: 'a\0b', FromCity: 'X\0Y' })).toMatchObject({
      body: 'a\uFFFDb',
      geography: { city: 'X\uFFFDY' },
    });
    const direct = parseInboundSms({ ...form(), Body: 'half \uD83D emoji 👍' });
    expect(direct.body).toBe('half \uFFFD emoji 👍');
  });

  it.each(['STOP', 'START', 'HELP'] as const)('When OptOutType is %s, then it is kept', (type) => {
    expect(parse(form({ OptOutType: type })).optOutType).toBe(type);
  });

  it('When OptOutType is a word that Twilio added later, then the text is kept without it', () => {
    expect(parse(form({ OptOutType: 'PAUSE' })).optOutType).toBeUndefined();
  });

  it('When a body is 4000 characters long, then it is taken; one more is refused', () => {
    expect(parse({ ...form(), Body: 'x'.repeat(4000) }).body).toHaveLength(4000);
    expect(problemsOf({ ...form(), Body: 'x'.repeat(4001) })).toEqual(['/Body']);
  });
});

describe('What is not an inbound text', () => {
  it.each([
    ['nothing at all', {}, ['/AccountSid', '/MessageSid', '/From', '/To']],
    ['an account SID of another shape', { ...form(), AccountSid: 'AC123' }, ['/AccountSid']],
    ['a SID of another thing', { ...form(), MessageSid: `CA${'a'.repeat(32)}` }, ['/MessageSid']],
    ['an empty sender', { ...form(), From: '  ' }, ['/From']],
    ['two receivers', { ...form(), To: ['+17785550100', '+17785550101'] }, ['/To']],
    ['too many media', { ...form(), NumMedia: '999' }, ['/NumMedia']],
    ['a count in words', { ...form(), NumMedia: 'two' }, ['/NumMedia']],
  ])('When the form has %s, then each bad field is named', (_what, params, pointers) => {
    expect(problemsOf(params as Record<string, string>)).toEqual(pointers);
  });

  it('When a form is refused, then no value is repeated in the problem', () => {
    expect.assertions(1);
    try {
      parse({ ...form(), AccountSid: 'secret-value', Body: 'y'.repeat(5000) });
    } catch (error) {
      const { message, problems } = error as JackError;
      expect(JSON.stringify({ message, problems })).not.toMatch(/secret-value|yyy/);
    }
  });
});
