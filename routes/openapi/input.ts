/** Checks what came in against its schema, and says where it is wrong. */
import type { z } from 'zod';
import { type FieldProblem, JackError } from '../../services/errors.js';

/** Deeper than any answer of ours, far from where parsers and databases run out of stack. */
const MAX_DEPTH = 32;
const MAX_PROBLEMS = 50;

/**
 * @param place where the value was in the request: `body`, `query` or `path`.
 * @throws JackError E_INPUT_INVALID with one pointer a problem; no value is repeated in it.
 */
export function parseInput(schema: z.ZodType, value: unknown, place: string): unknown {
  refuseUnstorable(value, place);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.flatMap((issue) => toProblems(issue, place)));
}

/** Nothing may be in the value that no text column or JSON column could hold, and nothing too deep to look at. */
function refuseUnstorable(value: unknown, place: string): void {
  const problems: FieldProblem[] = [];
  const rest: { readonly value: unknown; readonly path: readonly string[] }[] = [{ value, path: [place] }];
  for (let next = rest.pop(); next && problems.length < MAX_PROBLEMS; next = rest.pop()) {
    const { value: item, path } = next;
    if (typeof item === 'string' && !isStorable(item)) {
      problems.push({ pointer: toPointer(path), detail: 'must not hold NUL or half of a surrogate pair' });
    } else if (typeof item === 'object' && item !== null) {
      if (path.length > MAX_DEPTH) {
        throw invalid([{ pointer: `/${place}`, detail: `must not be nested more than ${MAX_DEPTH} deep` }]);
      }
      for (const [name, child] of Object.entries(item)) {
        if (isStorable(name)) rest.push({ value: child, path: [...path, name] });
        else problems.push({ pointer: toPointer(path), detail: 'has a name with NUL or half of a pair' });
      }
    }
  }
  if (problems.length > 0) throw invalid(problems);
}

/** PostgreSQL refuses NUL in text, and lone surrogates in JSON. */
const isStorable = (text: string): boolean => !/\p{Surrogate}|\0/u.test(text);

function toProblems(issue: z.core.$ZodIssue, place: string): FieldProblem[] {
  const path = [place, ...issue.path.map(String)];
  if (issue.code !== 'unrecognized_keys') return [{ pointer: toPointer(path), detail: issue.message }];
  return issue.keys.map((name) => ({ pointer: toPointer([...path, name]), detail: 'is not known here' }));
}

/** RFC 6901. */
const toPointer = (path: readonly string[]): string =>
  path.map((part) => `/${part.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

function invalid(problems: readonly FieldProblem[]): JackError {
  const detail = problems
    .slice(0, 3)
    .map((problem) => `${problem.pointer}: ${problem.detail}`)
    .join('; ');
  return new JackError('E_INPUT_INVALID', detail, { problems: problems.slice(0, MAX_PROBLEMS) });
}
