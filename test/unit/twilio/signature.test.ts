import { describe, expect, it } from '@jest/globals';
import { parseForm } from '../../../services/twilio/form.js';
import { isValidTwilioSignature } from '../../../services/twilio/signature.js';
import { bodySha256, formBody, type Params, signTwilio } from '../../support/signTwilio.js';

const FORM = 'application/x-www-form-urlencoded';
const URL_GIVEN = 'https://jack.example.test/api/webhooks/twilio/sms/incoming';
const TOKEN = 'test-auth-token';

interface Check {
  readonly authTokens?: readonly string[];
  readonly signature?: string | undefined;
  readonly url?: string;
  readonly body?: string;
  readonly contentType?: string | undefined;
}

function check({ authTokens = [TOKEN], signature, url = URL_GIVEN, body = '', ...rest }: Check): boolean {
  const rawBody = Buffer.from(body);
  const contentType = 'contentType' in rest ? rest.contentType : FORM;
  return isValidTwilioSignature({
    authTokens,
    signature,
    url,
    rawBody,
    contentType,
    params: parseForm(rawBody),
  });
}

const signed = (params: Params, url = URL_GIVEN): Check => ({
  url,
  body: formBody(params),
  signature: signTwilio({ authToken: TOKEN, url, params }),
});

describe("Twilio's published vectors", () => {
  const classic: Check = {
    authTokens: ['12345'],
    url: 'https://mycompany.com/myapp.php?foo=1&bar=2',
    body: formBody({
      CallSid: 'CA1234567890ABCDE',
      Caller: '+14158675309',
      Digits: '1234',
      From: '+14158675309',
      To: '+18005551212',
    }),
    signature: 'RSOYDt4T1cUTdK1PDd93/VVr8B8=',
  };
  const json: Check = {
    authTokens: ['12345'],
    url: 'https://example.com/myapp?bodySHA256=5ccde7145dfb8f56479710896586cb9d5911809d83afbe34627818790db0aec9',
    body: '{"CallSid":"CA1234567890ABCDE","Caller":"+12349013030"}',
    contentType: 'application/json',
    signature: 'hPXmLwIy3Fgqv1i9KPmH/HhQ6zo=',
  };
  const text: Check = {
    body: formBody({
      MessageSid: `SM${'0'.repeat(31)}1`,
      AccountSid: `AC${'0'.repeat(31)}1`,
      From: '+16045550123',
      To: '+17785550100',
      Body: 'Hi, is the 2021 Civic still there? café ☕',
      NumMedia: '0',
      NumSegments: '1',
    }),
    signature: 'ElaNvwUsCG3lFU2LeqgN3v6/hL4=',
  };
  const vectors: [string, Check, string][] = [
    ['a form with a query', classic, '12345'],
    ['a JSON body with its hash', json, '12345'],
    ['a text with accents and an emoji', text, TOKEN],
  ];

  it.each(vectors)(
    'When %s is signed, then it is valid with the primary and with the secondary token',
    (_what, vector, token) => {
      expect(check(vector)).toBe(true);
      expect(check({ ...vector, authTokens: ['another-token', token] })).toBe(true);
      expect(check({ ...vector, authTokens: [token, 'another-token'] })).toBe(true);
    },
  );

  it.each(vectors)('When %s was signed with another token, then it is not valid', (_what, vector) => {
    expect(check({ ...vector, authTokens: ['another-token'] })).toBe(false);
    expect(check({ ...vector, authTokens: [] })).toBe(false);
    expect(check({ ...vector, authTokens: [''] })).toBe(false);
  });

  it.each(vectors)('When one byte of %s changes, then it is not valid', (_what, vector) => {
    expect(check({ ...vector, body: vector.body?.replace('1', '2') ?? '' })).toBe(false);
  });
});

describe('Forms as they really come', () => {
  const awkward: Params = {
    'Name[with][brackets]': 'a',
    Empty: '',
    Repeated: ['b', 'a', 'b'],
    Body: 'plus + percent % ampersand & = é \n',
    __proto__X: 'x',
    constructor: 'y',
  };

  it('When names have brackets, values are empty or names are repeated, then the signature holds', () => {
    expect(check(signed(awkward))).toBe(true);
  });

  it.each(['Empty', 'Repeated', 'Name[with][brackets]'])(
    'When the parameter %s is lost, then it does not',
    (name) => {
      const { [name]: _lost, ...rest } = awkward;
      expect(check({ ...signed(awkward), body: formBody(rest) })).toBe(false);
    },
  );

  it('When a parameter is added, then the signature does not hold', () => {
    const request = signed({ Body: 'Hi' });
    expect(check({ ...request, body: `${request.body}&Extra=1` })).toBe(false);
  });

  it('When the content type carries a charset, then the body is a form still', () => {
    expect(check({ ...signed({ Body: 'Hi' }), contentType: `${FORM.toUpperCase()}; charset=UTF-8` })).toBe(
      true,
    );
  });
});

describe('The header', () => {
  it.each([
    ['absent', undefined],
    ['empty', ''],
    ['too short', 'abc='],
    ['too long', 'A'.repeat(500)],
    ['of the right length and wrong', 'AAAAAAAAAAAAAAAAAAAAAAAAAAA='],
    ['not ASCII', 'é'.repeat(14)],
  ])('When it is %s, then the request is not valid', (_what, signature) => {
    expect(check({ ...signed({ Body: 'Hi' }), signature })).toBe(false);
  });
});

describe('The URL', () => {
  const params = { Body: 'Hi' };
  it.each([
    [
      'without the port that was signed',
      'https://jack.example.test:443/sms',
      'https://jack.example.test/sms',
    ],
    [
      'with the port that was not signed',
      'https://jack.example.test/sms',
      'https://jack.example.test:443/sms',
    ],
    ['with a port of plain http', 'http://jack.example.test:80/sms?a=1', 'http://jack.example.test/sms?a=1'],
    [
      'with an escaped quote where the plain one was signed',
      "https://jack.example.test/sms?a=it's",
      "https://jack.example.test/sms?a=it's",
    ],
    [
      'plain where the legacy escape was signed',
      'https://jack.example.test/sms?a=it%27s',
      "https://jack.example.test/sms?a=it's",
    ],
    [
      'with credentials in it',
      'https://user:pass@jack.example.test/sms',
      'https://user:pass@jack.example.test/sms',
    ],
  ])('When it is seen %s, then the signature holds', (_what, asSigned, asSeen) => {
    expect(check({ ...signed(params, asSigned), url: asSeen })).toBe(true);
  });

  it.each([
    'https://jack.example.test/other',
    'https://evil.example.test/sms',
    'http://jack.example.test/sms',
    'not a url',
  ])('When it is another one (%s), then the signature does not hold', (url) => {
    expect(check({ ...signed(params, 'https://jack.example.test/sms'), url })).toBe(false);
  });
});

describe('Bodies that are not forms', () => {
  const body = '{"a":"\ufffd é"}';
  const url = `${URL_GIVEN}?bodySHA256=${bodySha256(body)}`;
  const json = {
    url,
    body,
    contentType: 'application/json',
    signature: signTwilio({ authToken: TOKEN, url }),
  };

  it('When the hash of the body is in the signed URL, then it is valid', () => {
    expect(check(json)).toBe(true);
  });

  it('When the body differs from its hash, then it is not', () => {
    expect(check({ ...json, body: `${body} ` })).toBe(false);
  });

  it('When there is a body and no hash, then the signature of the URL alone does not cover it', () => {
    const signature = signTwilio({ authToken: TOKEN, url: URL_GIVEN });
    expect(check({ signature, body, contentType: 'application/json' })).toBe(false);
    expect(check({ signature, body, contentType: undefined })).toBe(false);
    expect(check({ signature, body: '', contentType: undefined })).toBe(true);
  });

  it('When a JSON body is passed off as a form, then it is not valid', () => {
    expect(check({ ...json, contentType: FORM })).toBe(false);
  });

  it.each(['', 'zz', 'ab'])('When the hash in the URL is %j, then it is not valid', (hash) => {
    const wrong = `${URL_GIVEN}?bodySHA256=${hash}`;
    expect(check({ ...json, url: wrong, signature: signTwilio({ authToken: TOKEN, url: wrong }) })).toBe(
      false,
    );
  });
});
