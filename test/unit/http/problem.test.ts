import { describe, expect, it } from '@jest/globals';
import { toJackError, toProblem } from '../../../routes/problem.js';
import { JackError } from '../../../services/errors.js';

const place = { publicUrl: 'https://jack.example.test', requestId: 'request-1', instance: '/api/leads' };
const withFields = (error: Error, fields: object) => Object.assign(error, fields);

describe('A thrown thing', () => {
  it.each([
    ['an error of the table', new JackError('E_CONFLICT', 'Taken.'), 'E_CONFLICT'],
    ['a connection that broke', withFields(new Error('x'), { code: 'ECONNREFUSED' }), 'E_DB_UNAVAILABLE'],
    [
      'a statement that took too long',
      new Error('q', { cause: withFields(new Error('x'), { code: '57014' }) }),
      'E_DB_UNAVAILABLE',
    ],
    ['a closed record', new Error('PGlite is closed'), 'E_DB_UNAVAILABLE'],
    [
      'a body above the limit',
      withFields(new Error('x'), { type: 'entity.too.large', status: 413 }),
      'E_BODY_TOO_LARGE',
    ],
    [
      'JSON that is none',
      withFields(new Error('x'), { type: 'entity.parse.failed', status: 400 }),
      'E_INPUT_INVALID',
    ],
    ['a path that is not encoded', new URIError('x'), 'E_INPUT_INVALID'],
    ['a wrong statement', withFields(new Error('x'), { code: '42703' }), 'E_INTERNAL'],
    ['a bug', new TypeError('x is not a function'), 'E_INTERNAL'],
    ['a text', 'thrown as a text', 'E_INTERNAL'],
    ['nothing', undefined, 'E_INTERNAL'],
  ])('When it is %s, then it has its code', (_what, thrown, code) => {
    expect(toJackError(thrown).code).toBe(code);
  });

  it('When a parser repeats the body in its message, then neither answer nor log does', () => {
    const error = toJackError(
      withFields(new SyntaxError('Unexpected token in "private words"'), {
        type: 'entity.parse.failed',
        body: 'private words',
      }),
    );
    expect(JSON.stringify([error.message, error.cause, error.stack])).not.toContain('private');
  });
});

describe('A problem', () => {
  it('When it is below 500, then it has detail and pointers', () => {
    const problems = [{ pointer: '/body/phone', detail: 'is missing' }];
    expect(toProblem(new JackError('E_INPUT_INVALID', 'Bad.', { problems }), place)).toEqual({
      type: 'https://jack.example.test/errors/E_INPUT_INVALID',
      title: 'The request is not valid',
      status: 400,
      detail: 'Bad.',
      code: 'E_INPUT_INVALID',
      requestId: 'request-1',
      instance: '/api/leads',
      errors: problems,
    });
  });

  it('When it is 500 or above, then nothing of the inside is in it', () => {
    const error = new JackError('E_INTERNAL', 'secret detail', { cause: new Error('secret cause') });
    expect(JSON.stringify(toProblem(error, place))).not.toContain('secret');
  });
});
