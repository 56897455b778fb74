/** The vehicle to trade in, from what the shopper says. */
import type { Heard } from './listen.js';
import { type Draft, UNNAMED_TRADE } from './memory.js';
import { nameOf } from './mentions.js';

const NO_TRADE =
  /\b(?:no trade(?:[- ]?in)?s?|nothing to trade|not trading|(?:don'?t|do not) have (?:a |any(?:thing)? (?:to )?)?trade|without (?:a )?trade|straight (?:purchase|buy|up)|no vehicle to trade|selling it (?:privately|myself))\b/;
const TRADE_WORD = /\btrad(?:e|es|ing|ed)\b|\btrade-?in\b|\bswap\b|\bsell (?:you )?(?:my|our)\b/;
const YES = /^(?:yes|yep|yeah|yup|ya|sure|oui|si|i do|we do|i have one)\b/;
const KILOMETRES = /\b(\d{1,3}(?:,\d{3})|\d{4,6}|\d{2,3} ?k) ?(km|kms|kilometers|kilometres|miles)\b/;

export const isAboutTrade = (plain: string): boolean => TRADE_WORD.test(plain);

/** `2018 Ford F-150 with 142,000 km`, `none`, `UNNAMED_TRADE`, or undefined when the texts say nothing of it. */
export function tradeInOf(draft: Draft, heard: Heard): string | undefined {
  const { plain, mentions } = heard;
  const isAsked = draft.lastQuestion === 'tradeIn';
  const isAbout =
    isAsked || isAboutTrade(plain) || mentions.some(({ role, year }) => role === 'own' && year !== undefined);
  const owned = mentions.find(({ role }) => role === 'trade' || (role === 'own' && isAbout));
  if (owned) return isSame(draft, nameOf(owned)) ? undefined : `${nameOf(owned)}${kilometresIn(plain)}`;
  if (
    NO_TRADE.test(plain) ||
    (isAsked && (heard.refuses || /\b(?:don'?t|do not) have (?:one|any)\b/.test(plain)))
  )
    return 'none';
  if (!isAbout) return undefined;
  const words = looseTrade(heard, isAsked);
  if (words !== undefined) return words;
  const isKnown = draft.tradeIn !== undefined && draft.tradeIn !== 'none';
  const wantsTrade =
    (isAsked && YES.test(plain)) ||
    /\b(?:have|got|with) (?:a |my )?trade|\btrad(?:e|ing) in\b|\b(?:take|accept|do) (?:trades?|trade-?ins?)\b|\b(?:trade|sell)(?: you)? (?:my|our)\b/.test(
      plain,
    );
  return wantsTrade && !isKnown ? UNNAMED_TRADE : undefined;
}

/** "My Civic" after "my 2017 Civic" says nothing new. */
const isSame = ({ tradeIn }: Draft, name: string): boolean => tradeIn?.includes(name) ?? false;

function kilometresIn(plain: string): string {
  const match = KILOMETRES.exec(plain);
  return match
    ? ` with ${(match[1] ?? '').replace(/ ?k$/, ',000')} ${match[2]?.startsWith('mi') ? 'miles' : 'km'}`
    : '';
}

const GENERIC =
  /^(?:(?:19|20)\d\d )?(?:it|in|that|one|something|car|vehicle|truck|this|mine|ride|current (?:car|vehicle))\b/;

const WORDS = "[a-z0-9'-]{1,20}(?: [a-z0-9'-]{1,20}){0,4}";
const SAID = new RegExp(`\\btrad(?:e|ing)(?:[- ]?in)? (?:my|our|an?|the) (${WORDS})`);
const BARE = new RegExp(
  "^(?:(?:my|our|an?|the|it'?s an?|i have an?) |(?=(?:19|20)\\d\\d )|(?=(?:\\w+ ){0,2}(?:beater|clunker|junker|motorcycle|motorbike|boat|trailer|rv|quad|atv|car|truck|van|suv|sedan)\\b))" +
    `(${WORDS})[.!]*$`,
);

/** A trade-in we have no name for: "trading in my 2009 Pontiac Wave", or "an old beater" when asked. */
function looseTrade({ plain, mentions }: Heard, isAsked: boolean): string | undefined {
  const mayBeBare = isAsked && mentions.length === 0 && !plain.includes('?');
  const said = SAID.exec(plain)?.[1] ?? (mayBeBare ? BARE.exec(plain)?.[1] : undefined);
  const words = said?.split(/ (?:for|and|with|to|if|but|towards|in)\b/)[0]?.trim();
  if (words === undefined || words === '' || GENERIC.test(words) || /\d{5,}/.test(words)) return undefined;
  return words;
}
