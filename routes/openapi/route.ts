/**
 * A call of the API as data: express checks requests by it, and the OpenAPI document is made of it, so the two
 * cannot differ.
 */
import type { Request, Response } from 'express';
import type { z } from 'zod';
import type { ErrorCode } from '../../services/errors.js';
import type {
  AdministratorCaller,
  OrganizationCaller,
  SessionCaller,
  VisitorCaller,
} from '../middleware/authenticate.js';
import type { FileBody } from './file.js';

/** `organization`: a key or a session. `session`: a session alone. `visitor`: anybody, but from pages of this server. */
export type Access = 'open' | 'visitor' | 'administrator' | 'organization' | 'session';
export type Method = 'get' | 'post' | 'patch' | 'delete';

interface Callers {
  readonly open: undefined;
  readonly administrator: AdministratorCaller;
  readonly organization: OrganizationCaller;
  readonly session: SessionCaller;
  readonly visitor: VisitorCaller;
}

export interface AnswerSpec {
  readonly description: string;
  /** Absent: the answer has no body. */
  readonly schema?: z.ZodType;
  /** Instead of `schema`, for answers of any length: the shape of each value of one line. */
  readonly lines?: z.ZodType;
  /** Instead of `schema`, for streams of server-sent events: the shape of their data. */
  readonly events?: z.ZodType;
  /** Instead of `schema`, for files: their content types. */
  readonly files?: readonly string[];
}

/** Writes events until the stream is over; what it throws before the first can still be answered. */
export type EventsBody = (req: Request, res: Response) => Promise<void>;

export type Answers = Readonly<Record<number, AnswerSpec>>;

type BodyOf<Spec> = Spec extends { readonly lines: infer Line extends z.ZodType }
  ? AsyncIterable<z.input<Line>>
  : Spec extends { readonly events: z.ZodType }
    ? EventsBody
    : Spec extends { readonly files: readonly string[] }
      ? FileBody
      : SchemaBodyOf<Spec>;

type SchemaBodyOf<Spec> = Spec extends { readonly schema: infer Schema extends z.ZodType }
  ? z.input<Schema>
  : undefined;

/** One of the documented answers with a body that fits it. */
export type Reply<A extends Answers> = {
  [Status in keyof A & number]: {
    readonly status: Status;
    readonly body: BodyOf<A[Status]>;
    readonly headers?: ReplyHeaders | undefined;
  };
}[keyof A & number];

export type ReplyHeaders = Readonly<Record<string, string>>;

/** Keeps the status a literal, which inference through a promise would widen. */
export const reply = <const Status extends number, Body = undefined>(
  status: Status,
  body?: Body,
  headers?: ReplyHeaders,
) => ({
  status,
  body: body as Body,
  headers,
});

export interface RouteSpec<
  Who extends Access,
  Params extends z.ZodType,
  Query extends z.ZodType,
  Body extends z.ZodType,
  A extends Answers,
  Headers extends z.ZodType = z.ZodType,
> {
  readonly method: Method;
  /** With parameters in braces: `/api/leads/{leadId}`. */
  readonly path: `/${string}`;
  readonly access: Who;
  readonly tag: string;
  readonly summary: string;
  readonly params?: Params;
  readonly query?: Query;
  /** Names in lower case; any others may come too. */
  readonly headers?: Headers;
  readonly body?: Body;
  /** Instead of `body`: what may be posted as it is, by content type. The handler gets the bytes. */
  readonly documents?: Readonly<Record<string, z.ZodType>>;
  /** Most bytes of one, as express writes it; `256kb` when absent. */
  readonly documentLimit?: string;
  readonly answers: A;
  /** Problems besides those that follow from access and input. */
  readonly problems?: readonly ErrorCode[];
  /** What was asked, checked; `caller` is who asked. */
  handle(request: {
    readonly caller: Callers[Who];
    readonly params: z.output<Params>;
    readonly query: z.output<Query>;
    readonly headers: z.output<Headers>;
    readonly body: z.output<Body>;
    readonly document: PostedDocument;
  }): Promise<Reply<A>>;
}

/** What was posted to a route with `documents`; empty for the others. */
export interface PostedDocument {
  /** As the caller wrote it. */
  readonly contentType: string | undefined;
  readonly bytes: Buffer;
}

/** A route whose types have been checked and are no longer needed. */
export interface Route extends Omit<RouteSpec<Access, z.ZodType, z.ZodType, z.ZodType, Answers>, 'handle'> {
  handle(request: {
    readonly caller: Callers[Access];
    readonly params: unknown;
    readonly query: unknown;
    readonly headers?: unknown;
    readonly body: unknown;
    readonly document: PostedDocument;
  }): Promise<{
    readonly status: number;
    readonly body: unknown;
    readonly headers?: ReplyHeaders | undefined;
  }>;
}

export function defineRoute<
  const Who extends Access,
  const A extends Answers,
  Params extends z.ZodType = z.ZodUndefined,
  Query extends z.ZodType = z.ZodUndefined,
  Body extends z.ZodType = z.ZodUndefined,
  Headers extends z.ZodType = z.ZodUndefined,
>(spec: RouteSpec<Who, Params, Query, Body, A, Headers>): Route {
  return spec as unknown as Route;
}
