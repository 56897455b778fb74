/** `GET /errors/{code}`: where the `type` of a problem leads. Made of docs/ERRORS.md, so that there is one text. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import express, { type Router } from 'express';
import { ERRORS, type ErrorCode, JackError } from '../services/errors.js';

const ERRORS_PAGE = fileURLToPath(new URL('../docs/ERRORS.md', import.meta.url));

export interface ErrorRow {
  readonly code: string;
  /** `403`, or in parentheses what happens instead of an answer. */
  readonly http: string;
  readonly retry: string;
  readonly when: string;
  readonly action: string;
}

/** The rows of the table in docs/ERRORS.md. */
export function readErrorRows(markdown: string): ErrorRow[] {
  return markdown.split('\n').flatMap((line) => {
    const cells = line.split('|').map((cell) => cell.trim());
    const [, name = '', http = '', retry = '', when = '', action = ''] = cells;
    const code = /^`(E_[A-Z_]+)`$/.exec(name)?.[1];
    return code === undefined ? [] : [{ code, http, retry, when, action }];
  });
}

export function createErrorPages(): Router {
  const rows = new Map(readErrorRows(readFileSync(ERRORS_PAGE, 'utf8')).map((row) => [row.code, row]));
  const router = express.Router();
  router.get('/errors/:code', (req, res) => {
    const row = rows.get(req.params.code);
    if (!row) throw new JackError('E_NOT_FOUND', 'There is no such error code.');
    res.type('html').send(toHtml(row));
  });
  return router;
}

const toHtml = (row: ErrorRow): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${row.code}</title>
<h1>${row.code}</h1>
<p>${escapeHtml(ERRORS[row.code as ErrorCode]?.title ?? '')} (${escapeHtml(row.http)}, retry: ${escapeHtml(row.retry)})</p>
<h2>When</h2>
<p>${escapeHtml(row.when)}.</p>
<h2>What to do</h2>
<p>${escapeHtml(row.action)}.</p>
</html>
`;

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('`', '');
