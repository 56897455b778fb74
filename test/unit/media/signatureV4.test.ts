/** The examples of AWS's own description, with its published keys. */
import { describe, expect, it } from '@jest/globals';
import { signV4 } from '../../../services/media/signatureV4.js';

const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  region: 'us-east-1',
};
const NOTHING = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const at = new Date('2013-05-24T00:00:00Z');

const signatureOf = (request: Parameters<typeof signV4>[1]) =>
  /Signature=([0-9a-f]{64})$/.exec(signV4(credentials, request).authorization ?? '')?.[1];

describe('Signature Version 4', () => {
  it('signs the reading of a part of an object', () => {
    const signed = signV4(credentials, {
      method: 'GET',
      url: new URL('https://examplebucket.s3.amazonaws.com/test.txt'),
      headers: { range: 'bytes=0-9' },
      bodyDigest: NOTHING,
      at,
    });
    expect(signed).toEqual({
      range: 'bytes=0-9',
      'x-amz-content-sha256': NOTHING,
      'x-amz-date': '20130524T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,' +
        'SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,' +
        'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    });
  });

  it('signs the storing of an object', () => {
    const signature = signatureOf({
      method: 'PUT',
      url: new URL('https://examplebucket.s3.amazonaws.com/test%24file.text'),
      headers: { date: 'Fri, 24 May 2013 00:00:00 GMT', 'x-amz-storage-class': 'REDUCED_REDUNDANCY' },
      bodyDigest: '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
      at,
    });
    expect(signature).toBe('98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd');
  });

  it.each([
    ['lifecycle', 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    ['max-keys=2&prefix=J', '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
  ])('signs the query %s', (query, expected) => {
    const url = new URL(`https://examplebucket.s3.amazonaws.com/?${query}`);
    expect(signatureOf({ method: 'GET', url, bodyDigest: NOTHING, at })).toBe(expected);
  });
});
