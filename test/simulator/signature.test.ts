import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import twilio from 'twilio';
import { bodySha256, formBody, type Params, signTwilio } from '../../simulator/signature.js';

describe('Signatures', () => {
  it('When the vectors that Twilio publishes are signed, then the published signatures come out', () => {
    const params = {
      CallSid: 'CA1234567890ABCDE',
      Caller: '+14158675309',
      Digits: '1234',
      From: '+14158675309',
      To: '+18005551212',
    };
    const url = 'https://mycompany.com/myapp.php?foo=1&bar=2';
    expect(signTwilio({ authToken: '12345', url, params })).toBe('RSOYDt4T1cUTdK1PDd93/VVr8B8=');
  });

  it('When a JSON body is covered by its hash in the URL, then the URL alone is signed', () => {
    const hash = bodySha256('{"CallSid":"CA1234567890ABCDE","Caller":"+12349013030"}');
    expect(hash).toBe('5ccde7145dfb8f56479710896586cb9d5911809d83afbe34627818790db0aec9');
    const url = `https://example.com/myapp?bodySHA256=${hash}`;
    expect(signTwilio({ authToken: '12345', url })).toBe('hPXmLwIy3Fgqv1i9KPmH/HhQ6zo=');
  });

  it('When a text with accents and an emoji is signed, then the vector of an independent implementation comes out', () => {
    const params = {
      MessageSid: `SM${'0'.repeat(31)}1`,
      AccountSid: `AC${'0'.repeat(31)}1`,
      From: '+16045550123',
      To: '+17785550100',
      Body: 'Hi, is the 2021 Civic still there? café ☕',
      NumMedia: '0',
      NumSegments: '1',
    };
    const url = 'https://jack.example.test/api/webhooks/twilio/sms/incoming';
    const signed = { authToken: 'test-auth-token', params };
    expect(signTwilio({ ...signed, url })).toBe('ElaNvwUsCG3lFU2LeqgN3v6/hL4=');
    // Connection overrides never reach the server and are not signed.
    expect(signTwilio({ ...signed, url: `${url}#rc=2&rp=all` })).toBe('ElaNvwUsCG3lFU2LeqgN3v6/hL4=');
  });

  it("For any parameters, Twilio's own library agrees", () => {
    const value = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.array(fc.string(), { minLength: 1, maxLength: 4 }),
    );
    const names = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_[\]]{0,12}$/);
    fc.assert(
      fc.property(fc.dictionary(names, value), fc.webUrl({ withQueryParameters: true }), (params, url) => {
        const signature = signTwilio({ authToken: 'token', url, params });
        expect(twilio.validateRequest('token', signature, url, params)).toBe(true);
        expect(twilio.validateRequest('token', signature, url, { ...params, Another: 'x' })).toBe(false);
      }),
    );
  });

  it('When a form is written, then empty values and repeated names stay', () => {
    const params: Params = { Empty: '', Repeated: ['b', 'a'], Body: 'a+b & c' };
    expect(formBody(params)).toBe('Empty=&Repeated=b&Repeated=a&Body=a%2Bb+%26+c');
  });
});
