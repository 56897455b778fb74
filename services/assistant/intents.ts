/** What a text asks for, recognised by its words. All patterns read plain text (words.ts) and are linear. */

const GAP = "(?:[\\w']+ ){0,3}";

const PATTERNS = {
  bot: new RegExp(
    [
      `\\b(?:are|r) (?:you|u) ${GAP}(?:bot|robot|human|real|person|ai|a\\.i|machine|computer|automated|chatbot)\\b`,
      `\\bis (?:this|that|it|there) ${GAP}(?:bot|robot|human|real person|person|ai|machine|automated|chatbot)\\b`,
      `\\bam i ${GAP}(?:to|with) ${GAP}(?:bot|robot|human|person|someone real|ai|machine|computer|chatbot)\\b`,
      `\\b(?:you'?re|you are|ur|this is|sounds? like) (?:[\\w']+ ){0,2}(?:bot|robot|chatbot)\\b`,
      `^(?:(?:u|you|ur|are|r) )*(?:a )?(?:bot|robot|human|ai|real|real person|chatgpt) ?\\?`,
      `\\bwho(?: is|'?s) this\\b|\\bwho are you\\b|\\bwho am i (?:talking|texting|speaking|chatting)\\b`,
      `\\b(?:es-tu|etes-vous|tu es) ${GAP}(?:robot|humain|bot)\\b|\\b(?:eres|es usted) ${GAP}(?:robot|humano|bot|persona|real)\\b`,
    ].join('|'),
  ),
  person: new RegExp(
    [
      `\\b(?:talk|speak|chat|text|connect me|put me through|transfer me) (?:to|with) ${GAP}(?:human|humans|person|people|someone|somebody|manager|rep|representative|agent|salesperson|salesman|sales|guy|owner|boss|advisor)\\b`,
      `\\b(?:real|actual|live|human) (?:person|human|agent|being|people)\\b`,
      `^(?:human|person|agent|manager|representative|operator|a person|a human|someone|speak to someone)(?: please)?[.!]*$`,
      `\\b(?:call|phone|ring) me(?: (?:back|please|now|at|when|tomorrow|today|asap|later|after|around|on|in|tonight|this|before|if|to|about|for|as|first)\\b| ?[,.!?]|$)`,
      `\\bgive me a (?:call|ring|shout)\\b|\\bcall ?back\\b|\\bphone call\\b`,
      `\\b(?:someone|somebody|anyone|anybody|one of you|a person|a human|salesperson|sales rep) (?:to )?(?:please )?(?:call|contact|phone|reach|help me|get back to)\\b`,
      `\\b(?:want|need|get me|see|have) (?:a |the |your |to see )?(?:manager|supervisor|human|representative)\\b|\\byour (?:manager|supervisor)\\b`,
      `\\bparler (?:a|avec) |\\b(?:un humain|une vraie personne|quelqu'un)\\b|\\b(?:appelez|rappelez|appelle)[- ]moi\\b|\\bun conseiller\\b`,
      `\\bhablar con\\b|\\b(?:llamame|llameme)\\b|\\bpersona (?:real|de verdad)\\b|\\bun (?:agente|humano|gerente)\\b`,
    ].join('|'),
  ),
  angry: new RegExp(
    [
      `\\b(?:fuck\\w*|bullshit|shitty|wtf|asshole|scam(?:m?ers?|med)?|rip ?off|ripped off(?! (?:the|my|its))|ridiculous|unacceptable|furious|livid|pissed|disgusting|fraud|liars?|lied to|complain(?:t|ing)?|useless(?! (?:in|on|for) )|waste of (?:my )?time|reporting you|report you|bbb|bad review)\\b`,
      `\\b(?:is|are|was|full of|piece of|your) shit\\b|\\bi(?:'?m| am) ${GAP}(?:upset|angry|disappointed|frustrated)\\b`,
      `\\b(?:fed up|sick(?: and tired)?)(?: (?:of|with) (?:you|this|your|waiting|being|getting|asking|the (?:run ?around|lies|wait))\\b| ?[.!]*$)`,
      // Of us, and not of credit, weather or an old car.
      `\\b(?:terrible|horrible|awful|worst) ${GAP}(?:service|experience|dealer\\w*|company|place|staff|attitude|communication|treatment|ever)\\b|\\b(?:you(?:'?re| are| guys are)?|this is|this was|that was|it was) (?:so |just |the |really )?(?:terrible|horrible|awful|worst)\\b(?! (?:credit|weather|traffic))`,
      `\\b(?:inacceptable|arnaque|plainte|en colere|inaceptable|estafa|queja|enojad[oa])\\b`,
    ].join('|'),
  ),
  // "I am a lawyer" is a profession.
  legal:
    /(?<!\b(?:is|am|i'?m|are|as|being|was) an? )\b(?:lawyers?|attorneys?)\b|\b(?:legal action|small claims|sue you|suing (?:you|the|this)|will sue|going to sue|gonna sue|i'll sue|take you to court|mon avocat|mi abogad[oa]|poursuites? judiciaires?|demandarlos)\b/,
  // "I recall" is memory, and how many airbags there are is a feature.
  safety:
    /(?<!\b(?:i|we|you|me|do|don'?t|can'?t|cannot|not|to) )\brecalls?\b|\brecalled\b(?! (?:you|that|seeing))|\bair ?bags? (?:lights?|warning|did|didn'?t|deployed|failed|fails?|not|never|is on|problem|issue)\b|\bbrakes? (?:failed|fail|failure|not working|don'?t work|gave out|went out)\b|\bno brakes\b|\bcaught fire\b|\b(?:car|truck|engine|vehicle|van|suv|battery) (?:is|was|went) on fire\b|\bcarbon monoxide\b|\bsafe to drive\b|\bunsafe\b|\bsteering (?:failed|locked)\b/,
  negotiation:
    /\b(?:best price|lowest price|lowest you|best you can do|your best(?! (?:sell\w+|cars?|trucks?|suvs?|vehicles?|models?|options?|hours|days?|time)\b)|(?:do|go|come) (?:any )?(?:better|lower) (?:on|with) (?:the )?(?:price|that|it)|bottom (?:line|dollar)|out the door|otd|negotiat\w+|discounts?|knock (?:off|\$?\d)|(?:would|will|do) you (?:take|accept)\b(?! (?:trades?|my trade|a trade|credit|debit|cash|cards?|visa))|lower (?:the|your) price|(?:come|go) down on|any lower|price ?match\w*|match (?:the|their|a|that) price|wiggle room|(?:i'll|i will|i can) (?:give|offer|pay) you|make (?:you )?an offer|my offer)\b/,
  payment:
    /\b(?:monthly (?:payments?|cost)|(?:how much|what) (?:would|will|is|are) (?:my |the )?(?:monthly|payments?|bi-?weekly)|payments? (?:be|would|per)|(?<!\b(?:km|kms|kilomet(?:er|re)s|miles|mi|times|days|trips) )per month|bi-?weekly|interest rates?|what rate|(?<!\d )apr(?! ?\d)|finance rates?|lease payments?|how much down)\b|\d ?(?:\/|a |per )(?:month|mo)\b/,
  finance:
    /\b(?:financ\w+|credit|loans?|leas(?:e|es|ing)|approv\w+|pre-?approv\w+|bankrupt\w*|co-?sign\w*|down ?payment|0 down|zero down|repo(?:ssess\w*)?)\b/,
  repeats: new RegExp(
    [
      `\\bi(?:'ve| have)? already (?:told you|asked you|gave you|said|answered|explained|mentioned)\\b`,
      `\\bi(?:'ve| have)? (?:told|asked) you (?:\\w+ )?(?:already|twice|before|again|three times)\\b`,
      `\\byou (?:guys )?(?:still )?(?:did not|didn'?t|never|have not|haven'?t|are not|aren'?t) (?:even )?answer(?:ed|ing)? (?:me|my|the)\\b`,
      `\\byou keep (?:asking|saying|sending|repeating)\\b|\\byou (?:already|just) asked (?:me|that|this)\\b|\\bstop (?:asking|repeating)\\b`,
      `\\b(?:vous l'ai|vous ai|l'ai) deja (?:dit|demande|repondu)\\b|\\bya (?:te|le|les|se lo) (?:dije|pregunte)\\b`,
    ].join('|'),
  ),
  language:
    /\b(?:habla[sn]?|hablan?) (?:usted )?espanol\b|\ben espanol\b|\bparlez[- ]vous\b|\ben francais\b|\bspeak (?:spanish|french|punjabi|mandarin|cantonese|hindi|tagalog)\b/,
  noTexts:
    /\b(?:wrong (?:number|person)|stop (?:texting|messaging|contacting|sending)|(?:don'?t|do not|quit) (?:text|message|contact)(?:ing)? me|leave me alone|remove me|take me off|unsubscribe|no more (?:texts|messages))\b/,
  service:
    /\b(?:oil change|service (?:department|appointment|dept)|tire (?:change|swap|rotation)|winter tires installed|parts department|check engine|tune[- ]?up|detailing|my car (?:is|was) in for)\b/,
  hold: /\b(?:hold (?:it|the|that|this|one)|reserve (?:it|the|that|this)|put (?:a )?deposit|leave a deposit|put down a deposit|set it aside)\b/,
  hours:
    /\bhours\b(?! (?:away|ago|drive|from))|\b(?:are|r|is|will|guys|you|u|be|ya|still|it|anyone|dealership|store|lot) (?:guys |all )?(?:still |be )?(?:open|closed?)\b(?! to )|\bopen (?:today|now|on|at|late|tomorrow|this|until|till|right|for|sunday|saturday|weekends?)\b|\b(?:what time|when|how late) (?:do|are|does|is|r) \w+ (?:\w+ )?(?:open|clos\w+)\b|\b(?:opening|closing) (?:time|hours)\b|^open\b|\b(?:horario|heures d'ouverture|ouvert|abierto)\b/,
  address:
    /\b(?:address|directions|adresse|direccion)\b|\bwhere(?: exactly)? (?:are|r|is|do i|can i) (?:you|u|y'?all|it|this|the (?:dealership|store|lot|shop|place)|go|come|find)\b|\bwhere(?: are you|'?s your)? (?:guys )?(?:located|at)\b|\b(?:your|the) location\b|\bhow do i get (?:there|to you)\b|\bwhere you(?: guys)? at\b/,
  phone:
    /\b(?:phone number|(?:your|the|a) number|number to (?:call|reach)|(?:can|could|should) i (?:just )?call(?: you)?|what number|numero de telefono|numero de telephone)\b/,
  website:
    /\b(?:web ?site|web page|url|web address|(?:you|inventory|listings?|stock|look|browse|shop) online)\b|\bonline ?\?/,
  photos:
    /\b(?:(?:send|see|have|any|got|more|some) (?:me )?(?:any |some |more |a )?(?:photos?|pics?|pictures?|video|images?)|photos? of)\b|^(?:photos?|pics?|pictures?)\b/,
  general:
    /\b(?:what (?:do you|u|all do you|kind of (?:cars|vehicles) do you|cars|vehicles|else do you) (?:have|got)|what(?:'s| is| have you) (?:got )?(?:in stock|available|on the lot)|whats (?:in stock|available|on the lot)|what (?:cars|vehicles) (?:do you|are)|show me (?:what you(?:'ve| have)?|your)|your inventory|inventory|see (?:your|the) (?:cars|vehicles|selection))\b|\b(?:looking for|need|want|shopping for|in the market for) (?:a |another )?(?:new |used )?(?:car|vehicle|ride)\b/,
  tax: /\b(?:includ(?:e|es|ing)|plus|with|before|after|any|extra|hidden|doc|what) (?:\w+ )?(?:tax|taxes|fees?)\b/,
  tooMuch:
    /\b(?:too (?:much|expensive|pricey|high|rich)|out of my (?:budget|range)|over (?:my )?budget|can'?t afford)\b/,
  price: /\b(?:how much(?! (?:down|is my|for my|will you|would you give))|prices?|costs?|asking)\b/,
  kilometres:
    /\b(?:how many (?:km|kms|kilometers|kilometres|miles|k's|clicks)|mileage|odometer|km\?|kms\?)(?!\w)/,
  color: /\b(?:what|which) colou?r\b|\bcolou?r (?:is|does)\b|^colou?r\b/,
  available:
    /\b(?:still (?:there|available|have|for sale|got|around|on the lot)|available|in stock|do you (?:guys )?(?:have|carry|sell)|you (?:guys )?have|got any|any left|been sold|is it sold)\b/,
  more: /\b(?:what (?:year|trim|model)|tell me (?:more|about)|more (?:info|details|about|information)|details|specs|features)\b/,
  feature:
    /\b(?:leather|sun ?roof|moon ?roof|awd|4wd|all[- ]wheel|heated|car ?play|android auto|accidents?|car ?fax|clean title|title|warranty|mpg|fuel economy|gas mileage|range|tow(?:ing)?|seats?|third row|back ?up camera|bluetooth|navigation|nav|winter tires|remote start|transmission|automatic|manual|engine|horsepower|vin|previous owners?|how many owners|one owner|horse power|battery|trunk|cargo)\b/,
  tradeValue:
    /\b(?:(?:worth|value|give me|offer me|get) (?:for |of |on )?(?:my|it|the) ?(?:trade|\w+ )?|how much (?:for|is) my|trade[- ]?in value|what(?:'s| is) my \S+ (?:\S+ )?worth)\b/,
  offers: /\b(?:specials?|promotions?|promos?|incentives|rebates?|deals|sales? (?:on|event|going))\b/,
  visit:
    /\b(?:test[- ]?drive|appointment|appt|come (?:in|by|see|down|over|out|check|look|take|visit)|coming (?:in|by|down)|stop (?:by|in)|swing by|drop (?:by|in)|pop (?:by|in)|visit|book(?: it| me| a| an| in)?|schedule|see (?:it|the|that|them|one)(?: in person)?|take a look|have a look|look at it|(?:can|could) i (?:come|see|drive|view)|be there|meet|view it|viewing)\b/,
  reschedule:
    /\b(?:reschedul\w+|change (?:it|the|my)|move (?:it|the|my)|different (?:time|day)|another (?:time|day)|make it|instead|push (?:it|back)|rather|something came up|running late)\b/,
  cancelVisit:
    /\b(?:can'?t make it|cannot make it|won'?t (?:make|be able|be there)|not (?:going to|gonna) make it|not coming|cancel (?:my|the|our|it|that) ?(?:appointment|visit|test|booking)?|call (?:it )?off)\b/,
  thanks: /\b(?:thanks?|thank you|thx|ty|tks|appreciate (?:it|that|the)|cheers|merci|gracias)\b/,
  bye: /\b(?:bye|good ?night|see (?:you|ya|u)|talk (?:soon|later)|ttyl|later!|take care|have a (?:good|great|nice)|that'?s all|that is all|nothing else|all set|i'?m good|no more questions)\b/,
  greeting:
    /^(?:hi+|hey+|hello|hiya|yo|good (?:morning|afternoon|evening|day)|morning|howdy|greetings|bonjour|salut|hola|sup|what'?s up|is anyone there|anyone there|test|testing)\b/,
  smalltalk:
    /\bhow (?:are|r) (?:you|u|ya|things)\b|\bhow'?s (?:it going|everything|your day)\b|\bwhat'?s up\b|\btell me a joke\b/,
  correction:
    /\b(?:actually|instead|rather|sorry|i meant|i mean|no wait|wait|correction|scratch that|changed my mind)\b/,
  looking: /\b(?:interested|looking|want|need|shopping|searching|hoping|like to|after)\b/,
} as const satisfies Record<string, RegExp>;

export type Intent = keyof typeof PATTERNS;

export function readIntents(plain: string): ReadonlySet<Intent> {
  const names = Object.keys(PATTERNS) as Intent[];
  return new Set(names.filter((name) => PATTERNS[name].test(plain)));
}

/** A short agreement that says nothing else. */
export const isAgreement = (plain: string): boolean =>
  wordCount(plain) <= 6 &&
  /^(?:ok(?:ay)?|k+|sure|yes|yep|yeah|yup|ya|y|oui|si|sounds? (?:good|great|perfect|fine)|perfect|great|works|that works|that'?s (?:good|fine|great|perfect)|deal|fine|cool|awesome|good|nice|alright|all right|absolutely|definitely|of course|lol|haha+|hehe|please|let'?s do (?:it|that)|got it|will do|either(?: one| works| is fine)?|both work)\b/.test(
    plain,
  );

/** A short refusal that says nothing else. */
export const isRefusal = (plain: string): boolean =>
  (wordCount(plain) <= 6 &&
    /^(?:no(?! idea)|nope|nah|none|neither|not really|non|nothing|n)\b/.test(plain)) ||
  /\b(?:none of (?:those|these|them)|neither|can'?t do (?:either|those|that)|(?:doesn'?t|don'?t|won'?t) work)\b/.test(
    plain,
  );

/** "Not sure" answers no question and refuses nothing. */
export const isUndecided = (plain: string): boolean =>
  /^(?:i'?m )?(?:not (?:really )?sure|idk|dunno|unsure|no idea|undecided)\b|^i (?:don'?t|do not) know\b/.test(
    plain,
  );

const wordCount = (plain: string): number => plain.split(' ').filter((word) => /\w/.test(word)).length;

const RANKS: Readonly<Record<string, number>> = {
  '1': 0,
  one: 0,
  first: 0,
  '1st': 0,
  former: 0,
  earlier: 0,
  '2': 1,
  two: 1,
  second: 1,
  '2nd': 1,
  '3': 2,
  three: 2,
  third: 2,
  '3rd': 2,
};
const OPTION =
  /^(?:(?:ok(?:ay)?|sure|yes|great|perfect|i'?ll take|let'?s do|we can do|option|number|choice|no\.?|#)[ ,.]{0,2}){0,3}([1-3]|one|two|three)(?![\d:,]| ?(?:am|pm|k|km|st|nd|rd|th|of|or|to|weeks?|months?|days?|hours?|years?|kids?|o'?clock|ish|people|-)\b)\b/;
const ORDINAL =
  /\b(first|1st|second|2nd|third|3rd|former|latter|last|earlier|later)(?: (?:one|option|slot|works|please|sounds|is|time)\b|[.!]?$)/;

/** Which of `count` offered things a text picks, from 0; undefined when it picks none. */
export function pickedOption(plain: string, count: number): number | undefined {
  const word = OPTION.exec(plain)?.[1] ?? ORDINAL.exec(plain)?.[1];
  if (word === undefined) return undefined;
  return RANKS[word] ?? count - 1; // latter, last, later
}
