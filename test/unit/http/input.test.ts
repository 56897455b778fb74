import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { parseInput } from '../../../routes/openapi/input.js';
import { JackError } from '../../../services/errors.js';

const anything = z.unknown();
const problemOf = (schema: z.ZodType, value: unknown): JackError | undefined => {
  try {
    parseInput(schema, value, 'body');
    return undefined;
  } catch (error) {
    if (error instanceof JackError) return error;
    throw error;
  }
};

describe('Input', () => {
  it('When it fits, then it comes back as the schema says', () => {
    expect(parseInput(z.object({ a: z.coerce.number() }), { a: '5', b: 1 }, 'query')).toEqual({ a: 5 });
  });

  it('When it is any JSON, then it passes, or is refused with a problem: nothing else is thrown', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const problem = problemOf(anything, value);
        if (problem) expect(problem.code).toBe('E_INPUT_INVALID');
      }),
    );
  });

  it('When a text holds NUL or half of a pair anywhere, then it is refused; whole pairs pass', () => {
    for (const bad of ['\0', 'a\ud83d', '\udc4d!']) {
      expect(problemOf(anything, { list: [1, { text: bad }] })?.problems).toEqual([
        { pointer: '/body/list/1/text', detail: expect.any(String) },
      ]);
    }
    expect(problemOf(anything, { text: '👍 \ud83d\udc4d' })).toBeUndefined();
  });

  it('When it is nested deeper than the bound, then it is refused without running out of stack', () => {
    let value: unknown = 1;
    for (let depth = 0; depth < 100_000; depth += 1) value = [value];
    expect(problemOf(anything, value)?.problems).toHaveLength(1);
  });

  it('When thousands of values are wrong, then some problems are named and not all', () => {
    const problem = problemOf(
      z.array(z.string()),
      Array.from({ length: 5_000 }, () => 1),
    );
    expect(problem?.problems).toHaveLength(50);
    expect(problem?.message.length).toBeLessThan(1_000);
  });
});
