/**
 * One short paragraph for the next turn and for staff. Who speaks is not in it: an assistant that read its own "handed to
 * the team" after it was given the conversation back would go on waiting for the team (an alert tells staff).
 */
import { fromIso } from './civilTime.js';
import { toGsm } from './gsm.js';

import { type Draft, hasNote, UNNAMED_TRADE } from './memory.js';
import { sayVisit } from './visitOffers.js';
import { withArticle } from './words.js';

export function summarise(draft: Draft): string {
  const who = draft.name ?? 'The shopper';
  const stock = draft.stockNumber === undefined ? '' : ` (stock ${draft.stockNumber})`;
  const sentences = [
    draft.vehicle === undefined
      ? `${who} has not named a vehicle yet`
      : `${who} is after ${withArticle(draft.vehicle)}${stock}`,
    tradeText(draft.tradeIn),
    draft.timeframe === undefined ? '' : `Timeframe: ${draft.timeframe}`,
    visitText(draft),
    hasNote(draft, 'financing') ? 'Asked about financing' : '',
    openText(draft),
  ];
  return withoutPhones(`${sentences.filter(Boolean).join('. ')}.`);
}

function tradeText(tradeIn: string | undefined): string {
  if (tradeIn === undefined) return '';
  return tradeIn === 'none'
    ? 'No trade-in'
    : `Trade-in: ${tradeIn === UNNAMED_TRADE ? tradeIn : withArticle(tradeIn)}`;
}

function visitText({ visitAt, visitStatus }: Draft): string {
  const time = visitAt === undefined ? undefined : fromIso(visitAt);
  if (time === undefined) return '';
  return visitStatus === 'agreed'
    ? `Visit agreed for ${sayVisit(time)}`
    : `Visit proposed, first ${sayVisit(time)}`;
}

function openText(draft: Draft): string {
  const open = [
    draft.name === undefined ? 'name' : '',
    draft.tradeIn === undefined ? 'trade-in' : '',
    draft.timeframe === undefined ? 'timeframe' : '',
    draft.visitStatus === 'agreed' ? '' : 'visit',
  ].filter(Boolean);
  return open.length === 0 ? '' : `Open: ${open.join(', ')}`;
}

/** Seven digits and more with usual separators could be a phone number. */
const withoutPhones = (text: string): string =>
  toGsm(text).replace(/\+?\d[\d ().-]{5,30}\d/g, (run) =>
    run.replace(/\D/g, '').length >= 7 ? '(number removed)' : run,
  );
