/**
 * One winston logger, one child per subsystem. Every line passes the redaction: phone-shaped runs are masked to
 * their last four digits, values under secret-like names are blanked, message bodies are never handed in.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import winston from 'winston';

export type Logger = winston.Logger;

/** Ids that every line of one request or turn carries. */
export const logContext = new AsyncLocalStorage<Readonly<Record<string, string>>>();

const SECRET_NAME = /authorization|cookie|token|secret|password|apikey|api_key|body/i;
// A phone is `+` and digits, or ten and more digits in the usual groups; ids such as SM… and uuids and ISO times
// must stay readable, so a run inside a longer word does not count.
const PHONE = /(?<![\w-])\+?\d[\d ().-]{8,}\d(?![\w-])/g;
const ISO_TIME = /^\d{4}-\d{2}-\d{2}/;

export function maskPhones(text: string): string {
  return text.replace(PHONE, (run) => {
    const digits = run.replace(/\D/g, '');
    if (ISO_TIME.test(run) || digits.length < 10 || digits.length > 15) return run;
    return `***${digits.slice(-4)}`;
  });
}

/** @returns a copy with phones masked and secrets blanked; Errors become name, code and message (never their other fields: those of ioredis hold command arguments). */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return maskPhones(value);
  if (value === null || typeof value !== 'object') return value;
  if (depth > 6) return '[deep]';
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => redact(item, depth + 1));
  const copy: Record<string, unknown> = {};
  for (const [name, item] of Object.entries(value)) {
    copy[name] = SECRET_NAME.test(name) ? '[redacted]' : redact(item, depth + 1);
  }
  return copy;
}

function redactError(error: Error, depth: number): unknown {
  const { code } = error as { code?: unknown };
  return {
    name: error.name,
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    message: maskPhones(databaseMessage(error)),
    ...(error.stack ? { stack: maskPhones(stackFrames(error.stack)) } : {}),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
  };
}

/** drizzle puts the query and its parameters (message bodies, phones) into the message; only the first line stays. */
function databaseMessage(error: Error): string {
  return error.message.startsWith('Failed query:') ? 'Failed query' : error.message;
}

const stackFrames = (stack: string): string =>
  stack
    .split('\n')
    .filter((line) => line.trimStart().startsWith('at '))
    .slice(0, 8)
    .join('\n');

const redaction = winston.format((info) => {
  const context = logContext.getStore();
  if (context) for (const [name, value] of Object.entries(context)) info[name] ??= value;
  for (const [name, value] of Object.entries(info)) {
    if (name === 'level' || name === 'timestamp') continue;
    info[name] = SECRET_NAME.test(name) ? '[redacted]' : redact(value);
  }
  return info;
});

const pretty = winston.format.printf(({ level, message, timestamp, subsystem, ...rest }) => {
  const { stack: _stack, ...fields } = rest;
  const tail = Object.keys(fields).length > 0 ? ` ${JSON.stringify(fields)}` : '';
  const place = typeof subsystem === 'string' ? `[${subsystem}] ` : '';
  return `${String(timestamp).slice(11, 19)} ${level} ${place}${String(message)}${tail}`;
});

export interface LoggerOptions {
  readonly level: string;
  /** One JSON object a line, or one line for a person at a terminal. */
  readonly format: 'json' | 'pretty';
  readonly silent?: boolean;
  /** Where lines go; standard output when absent. */
  readonly stream?: NodeJS.WritableStream;
}

export function createLogger(options: LoggerOptions): Logger {
  const { format } = winston;
  return winston.createLogger({
    level: options.level,
    silent: options.silent ?? false,
    format: format.combine(
      format.timestamp(),
      redaction(),
      options.format === 'json' ? format.json() : pretty,
    ),
    transports: [
      options.stream
        ? new winston.transports.Stream({ stream: options.stream })
        : new winston.transports.Console(),
    ],
  });
}
