/**
 * A call of the API as data: express checks requests by it, and the OpenAPI document is made of it, so the two
 * cannot differ.
 */
import type { z } from 'zod';
import type { ErrorCode } from '../../services/errors.js';
import type { AdministratorCaller, OrganizationCaller } from '../middleware/authenticate.js';

export type Access = 'open' | 'administrator' | 'organization';
export type Method = 'get' | 'post' | 'patch' | 'delete';

interface Callers {
  readonly open: undefined;
  readonly administrator: AdministratorCaller;
  readonly organization: OrganizationCaller;
}

export interface AnswerSpec {
  readonly description: string;
  /** Absent: the answer has no body. */
  readonly schema?: z.ZodType;
}

export type Answers = Readonly<Record<number, AnswerSpec>>;

type BodyOf<Spec> = Spec extends { readonly schema: infer Schema extends z.ZodType }
  ? z.input<Schema>
  : undefined;

/** One of the documented answers with a body that fits it. */
export type Reply<A extends Answers> = {
  [Status in keyof A & number]: { readonly status: Status; readonly body: BodyOf<A[Status]> };
}[keyof A & number];

/** Keeps the status a literal, which inference through a promise would widen. */
export const reply = <const Status extends number, Body = undefined>(status: Status, body?: Body) => ({
  status,
  body: body as Body,
});

export interface RouteSpec<
  Who extends Access,
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  A extends Answers,
> {
  readonly method: Method;
  /** With parameters in braces: `/api/leads/{leadId}`. */
  readonly path: `/${string}`;
  readonly access: Who;
  readonly tag: string;
  readonly summary: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  readonly answers: A;
  /** Problems besides those that follow from access and input. */
  readonly problems?: readonly ErrorCode[];
  /** What was asked, checked; `caller` is who asked. */
  handle(request: {
    readonly caller: Callers[Who];
    readonly params: z.output<Params>;
    readonly query: z.output<Query>;
    readonly body: z.output<Body>;
  }): Promise<Reply<A>>;
}

/** A route whose types have been checked and are no longer needed. */
export interface Route extends Omit<RouteSpec<Access, z.ZodType, z.ZodType, z.ZodType, Answers>, 'handle'> {
  handle(request: {
    readonly caller: Callers[Access];
    readonly params: unknown;
    readonly query: unknown;
    readonly body: unknown;
  }): Promise<{ readonly status: number; readonly body: unknown }>;
}

export function defineRoute<
  const Who extends Access,
  const A extends Answers,
  Params extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
>(spec: RouteSpec<Who, Params, Query, Body, A>): Route {
  return spec as unknown as Route;
}
