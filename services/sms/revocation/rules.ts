/**
 * The rules of revocation, over plain words (plainWords.ts). A rule counts when one of its patterns is found and none of
 * its exceptions. Every repetition in a pattern is bounded and begins with a word of its own, so no text is slow.
 */

export interface RevocationRule {
  readonly name: string;
  readonly result: 'revoked' | 'wrong_number';
  readonly language: 'en' | 'fr' | 'es';
  /** Without any of these letters in a row the pattern cannot be there: most texts are settled by that. */
  readonly needs: readonly string[];
  readonly pattern: RegExp;
  /** In the clause that the pattern was found in. */
  readonly unless?: RegExp;
  /** Reads the words with names marked. */
  readonly readsNames?: true;
}

/** What is sent: the nouns of all three languages. */
const TEXTS =
  '(?:texts|text messages?|messages?|texting|messaging|sms|notifications?|alerts?|communications?|spam|solicitations?|textos?|mensajes?|comunicaciones|notificaciones|publicidad)';
const TEXT_OR_THESE = `(?:${TEXTS}|texted|messaged|contacted|these|this|them|stuff|things|anything|junk|crap)`;
/** Up to four words that may stand between a verb and what is sent. */
const BETWEEN =
  '(?:(?:all|calls|emails|or|and|getting|receiving|the|these|those|this|that|it|w|your|any|of|me|us|my|to|with|already|so|many|stupid|annoying|constant|automated|future|further|more|anymore|damn|fucking|freaking|text|please|sending|subscription|aux?|avec|les?|ces|vos|tous|de|des?|mon|ma|abonnement|los?|las?|estos|esos|sus|tus|mi|mis|todos|suscripcion|a|el) ){0,5}';
const END = '[.?]';
const START = '[.?] ';
/** Polite or impatient words around a bare "stop". */
const BEFORE =
  '(?:(?:please|kindly|just|ok|okay|nvm|never|mind|seriously|really|we|us|folks|sir|maam|again|twice|it|is|time|yes|yeah|no|nope|hey|hi|hello|guys|so|now|thanks?|thank|you|but|and|can|could|would|will|im|good|i|id|like|need|want|said|say|saying|asked|told|already|have|to|do|how|many|times|after|must|merci|de|d|veuillez|svp|vous|te|plait|priere|non|por|porfa|ya|que|quiero|solo) ){0,9}';
const AFTER =
  '(?:(?:it|this|that|these|those|please|kindly|now|already|thanks?|thank|you|ok|okay|and|immediately|today|asap|guys|sir|jack|right|forever|everything|all|lol|ffs|stop|then|svp|vous|te|plait|merci|tout|ca|la|maintenant|ya|porfa|gracias|plis) ){0,8}';
const STOP = '(?:stop|quit|cease|discontinue|halt)';
const NEVER = '(?:dont|never|not|wont|cannot|cant)';

const en = { language: 'en', result: 'revoked' } as const;
const fr = { language: 'fr', result: 'revoked' } as const;
const es = { language: 'es', result: 'revoked' } as const;
const wrongEn = { language: 'en', result: 'wrong_number' } as const;
const wrongFr = { language: 'fr', result: 'wrong_number' } as const;
const wrongEs = { language: 'es', result: 'wrong_number' } as const;

/** "Don't stop texting", "why did you stop texting". */
const STOP_DENIED =
  /\b(?:i|it|we|they) wont stop\b|(?<!\bif (?:you|u) )\b(?:dont|never|didnt|cant|not) (?:(?:ever|just|please|you|guys|even|it|them|want to|try to) ){0,2}(?:stop|quit|cease|end|cancel)\b|\b(?:start|auto|engine) (?:and )?stop\b|\bstop start\b|\b(?:why|when) did (?:\w+ ){0,2}(?:texts|messages) stop\b|\b(?:did|when|if (?:i|we|it|they)) (?:\w+ ){0,3}stop\b|\bi (?:will|wont|cant) stop\b/;
/** A question or a mistake about something else than the sender's own phone. */
const OTHER_NUMBER =
  /\b(?:is|isnt|was|do|did|am|are) (?:this|that|it|i|we) (?:\w+ ){0,4}(?:wrong|incorrect) |\b(?:i|we) (?:(?:must|might|may|have|just|accidentally|probably|also|actually|already|think i|had) ){0,3}(?:called|gave|dialed|dialled|entered|typed|put|wrote|sent|picked|texted|used|had|must have (?:called|dialed)) |\b(?:stock|vin|odometer|model|part|plate|order|serial|account) number|\bnumber (?:on|in|at|of) (?!this|my)|\bnumber (?:for )?(?:parts|service|sales|finance)\b|\b(?:person|guy|lady) (?:called|answered|helped|emailed|told|sold|replied|texted me)\b/;

export const RULES: readonly RevocationRule[] = [
  // Wrong numbers first: "wrong number, please stop" is one.
  {
    ...wrongEn,
    name: 'en.wrong_number',
    needs: ['wrong', 'incorrect', 'mistaken'],
    pattern:
      /\b(?:wrong|incorrect|mistaken) (?:(?:phone|cell|mobile|contact) )?(?:numbers?|person|guy|girl|man|woman|lady|dude|contact|phone)\b/,
    unless: OTHER_NUMBER,
  },
  {
    ...wrongEn,
    name: 'en.not_this_person',
    needs: ['not', 'isnt', 'aint', 'no longer'],
    readsNames: true,
    pattern: new RegExp(
      `(?:${START}|\\b(?:sorry|hi|hello|hey|no|but|and|because|cause) )(?:(?:this|that|it) (?:isnt|aint|not|is no longer)|(?:this|it) is(?:nt)? not|im not|not|i aint|youre not (?:texting|messaging)|(?:this|it) isnt) Name(?: Name)? (?:(?:anymore|here|sorry|though|bro|man|thanks) ){0,2}(?:${END}|and |please |you |stop |wrong )`,
    ),
    unless: /\?/,
  },
  {
    ...wrongEn,
    name: 'en.not_the_one_looked_for',
    needs: ['not', 'isnt', 'arent', 'aint', 'mistaken', 'confused', 'mixed', 'somebody else', 'someone else'],
    unless: /\?/,
    pattern:
      /\b(?:not|isnt|arent|aint) (?:the )?(?:right )?(?:person|guy|girl|one|man|woman|lady) (?:(?:that|who|whom|which) )?(?:you|youre|youve) |\b(?:not|isnt|arent) (?:the )?(?:right|correct) (?:number|person|contact|phone)\b|\b(?:not|isnt) who (?:you|youre)\b|\b(?:mistaken|confused|mixed) me (?:up )?(?:for|with)\b|\bgot me (?:confused|mixed)|\bthink (?:im|i am) somebody else|\b(?:not|isnt) my name\b|\bim not (?:that|this) (?:person|guy|girl|woman|man)\b|\b(?:you|youre|youve|must be) (?:\w+ ){0,3}(?:looking for|want|need|meant|reach) (?:someone|somebody) else\b|\b(?:this|that|it) ?(?:isnt|is not|aint) me (?:and )?[.?]/,
  },
  {
    ...wrongEn,
    name: 'en.not_their_number',
    needs: ['number', 'phone', 'cell'],
    readsNames: true,
    pattern:
      /\b(?:not|isnt|aint|no longer|wasnt) (?:the |a )?(?:his|her|their|Name|\w+s) (?:(?:phone|cell|mobile|old) ){0,2}(?:number|phone|cell)\b|\b(?:not|isnt|no longer) the (?:phone |cell )?(?:number|phone|cell) (?:of|for) |\b(?:this|the) (?:number|phone|cell) (?:isnt|is not|is no longer|not) (?:\w+s|Name|his|hers|theirs|for) /,
    unless:
      /\?|\bnot (?:as|is|was|this) |\b(?:number|phone) (?:isnt|is not) (?:working|for sale|\w+ing) |\b(?:stock|vin|model|part) number/,
  },
  {
    ...wrongEn,
    name: 'en.number_of_another',
    needs: ['number', 'phone', 'cell', 'owner', 'reassigned', 'person'],
    pattern:
      /\b(?:number|phone|cell) (?:\w+ )?(?:doesnt|no longer|isnt|dont) (?:\w+ )?belongs? |\b(?:number|phone|cell) (?:now )?belongs to (?:some|another|me|a different)|\b(?:she|he|they|Name|\w+) (?:doesnt|dont|no longer|isnt|didnt) (?:have|has|use|uses|using|own|owns|keep|kept|answer|got) (?:this|that) (?:phone |cell )?(?:number|phone|cell)\b|\b(?:this|the) (?:is a |has a |phone has a |number has a )?new owner|\bchanged (?:his|her|their) (?:phone |cell )?number|\b(?:number|phone) (?:was|has been|got|is|been) (?:just |recently )?(?:reassigned|recycled|transferred|given to)|\breassigned\b|\b(?:someone|somebody) else (?:now )?(?:has|uses|owns|got) (?:this|that) |\b(?:this|it) (?:is|was|used to be) (?:my |her |his |their |Name |\w+s )(?:old |previous |former )(?:number|phone)|\b(?:previous|former|old) owner of this (?:number|phone)|\b(?:this is|its|it is) my (?:phone |cell )?number now\b|\bthis is (?:a|an) (?:different|other) person\b|\b(?:someone|somebody) elses (?:number|phone|cell)\b|\bi (?:just|recently|only) (?:got|bought|received|was given) (?:this|a new) (?:new )?(?:phone |cell )?(?:number|phone)\b|\b(?:this|the) (?:number|phone) (?:has )?changed (?:hands|owners)|\bgot this (?:phone |cell )?number (?:last|this|a|from|recently|yesterday|today)/,
    unless: /\?|\bmy (?:\w+ )?number (?:has )?changed\b|\bmy (?:old|previous) number\b/,
  },
  {
    ...wrongEn,
    name: 'en.unknown_person',
    needs: ['isnt', 'aint', 'arent', 'not', 'know', 'nobody', 'no ', 'doesnt', 'no longer', 'dont'],
    readsNames: true,
    pattern:
      /\b(?:dont|do not|didnt) (?:even )?know (?:any|anyone|anybody|a|an|no|of any|who) ?(?:named |called |person named |by the name of )?Name\b|\bdont know (?:any |a )?Name [.?]|\bdont know who (?:that|this|he|she) is\b|\bnobody (?:here )?by the name (?:of )?|\b(?:theres|is|there is) nobody (?:\w+ ){0,3}Name\b|\bName (?:doesnt|no longer|dont) (?:even )?lives? here\b|\bnobody (?:here )?(?:by|with|of) that name|\bnobody (?:here )?(?:named \w+|called Name) |\b(?:there is|theres|there are|its|has|have|is) no (?:one named )?Name (?:here|at|on|in|living)|\b(?:isnt|arent|aint|theres not) (?:a |any |anyone named )?Name (?:here|at)\b|\bno Name (?:here|at this|on this|lives)|\bno (?:such )?(?:person|one|body) (?:here )?(?:by|with|of) (?:that|this) name/,
    unless: /\?/,
  },
  {
    ...wrongFr,
    name: 'fr.mauvais_numero',
    needs: ['numero', 'number', 'personne', 'destinataire', 'erreur'],
    pattern:
      /\b(?:mauvaise?|faux|fausse|pas (?:le|au|un) bon|pas la bonne) (?:numero|number|personne|destinataire)\b|\b(?:trompez|trompe|trompee?s?|tromper) (?:de )?(?:numero|personne|destinataire)\b|\berreur (?:de|sur le|sur la) (?:numero|personne|destinataire)\b|\bvous faites erreur (?:sur la personne )?[.]/,
    unless:
      /\?|\bnumero (?:de stock|du stock|de serie|sur l|dans l)|\bje (?:me |m )(?:suis )?tromp|\b(?:j ai|je) (?:\w+ )?(?:compose|appele|donne|signale|ecrit|appelle) (?:le |un |au )?mauvais/,
  },
  {
    ...wrongFr,
    name: 'fr.pas_cette_personne',
    needs: [' pas ', 'personne', 'plus', 'numero', 'tromp', 'cherchez'],
    readsNames: true,
    pattern:
      /\b(?:je )?(?:ne )?(?:suis|est|s|m appelle|m appel) pas Name(?: Name)? [.]|\b(?:vous|tu) (?:vous |t |te )?(?:etes |es )?trompee?s? [.]|\bpas de Name (?:ici|a ce|sur ce)\b|\bnumero de quelqu un d autre|\bnumero ne (?:lui|leur) appartient plus|\bnumero (?:est )?errone\b(?! sur)|\bpas (?:cette|la bonne) personne\b|\bcherchez quelqu un d autre|[.] (?:ce n est|c est|non ce n est) pas moi [.]|\bpersonne (?:de|a|avec) ce nom\b|\bpersonne (?:ici )?(?:qui )?s appelle\b|\bconnais (?:pas|aucune?) (?:de |d |cet |cette |ce )?(?:Name|personne|monsieur|dame)\b|\b(?:pas|plus) (?:son|leur|le sien) (?:numero|telephone|cell)\b|\bpas le (?:numero|telephone|cell) (?:de|a) Name|\bnumero (?:n )?(?:est|appartient) (?:plus|pas) (?:a )?(?:elle|lui|eux|Name)\b|\bnumero (?:est|appartient) a (?:quelqu un d autre|une autre)|\b(?:elle|il) (?:n )?a plus ce numero|\bchange de numero/,
    unless: /\?|\bj ai change de numero/,
  },
  {
    ...wrongEs,
    name: 'es.numero_equivocado',
    needs: ['equivoc', 'numero', 'incorrect', 'erroneo'],
    pattern:
      /\b(?:numero|number|persona|telefono|celular) (?:esta )?(?:equivocad[oa]|incorrect[oa]|erroneo|erronea)\b|\b(?:equivoco|equivocaron|equivocaste|equivocado|equivocada|equivocados|equivoca) de (?:numero|number|persona|telefono)\b|[.?] (?:(?:creo|que|esta|estas|estan|lo|la|siento|perdon|disculpe|usted|ud|se|ha|no|hola) ){0,5}(?:equivocad[oa]s?|equivoco|equivocaron) (?:porfa |gracias )?[.]|\bno es el numero (?:correcto|que busca)/,
    unless:
      /\?|\b(?:numero|number) de (?:stock|inventario|serie)|\b(?:me|yo) (?:he )?equivo|\b(?:marque|llame|puse|di|escribi) (?:el|al|un) numero equivocado/,
  },
  {
    ...wrongEs,
    name: 'es.otra_persona',
    needs: ['no ', 'nadie', 'numero', 'telefono', 'celular'],
    readsNames: true,
    pattern:
      /\b(?:yo )?no (?:soy|es|me llamo) Name(?: Name)? [.]|\bno es (?:el |su |mi )?(?:numero|telefono|celular) (?:de (?!stock|inventario|serie))|\bno es su (?:numero|telefono|celular)\b|\bno (?:conozco|conosco) a (?:ningun[ao]?|nadie|es[ae]|Name)\b|\b(?:no hay|no vive|no trabaja|no esta) (?:aqui )?(?:ningun[ao]? )?Name\b|\bnadie (?:con ese nombre|que se llame|llamado)|\bnumero (?:ya )?no es de |\b(?:numero|telefono|celular) es de otra?\b|\bya no es su (?:numero|telefono|celular)|\bcambio de (?:numero|telefono)\b|\bno (?:es|soy) la persona (?:correcta|que)|\bno soy (?:yo|esa persona|esa|ese)\b|\bno soy (?:la persona|el|la|quien) que (?:busca|buscas|buscan)/,
    unless: /\?/,
  },

  {
    ...en,
    name: 'en.stop_texting',
    needs: ['stop', 'quit', 'cease', 'discontinue', 'halt', 'harassment', 'still', 'keep'],
    pattern: new RegExp(
      `\\b${STOP} (?:\\w+ ){0,2}(?:texting|messaging|contacting|emailing|bothering|bugging|spamming|harassing|annoying|pestering|soliciting|stalking|writing|blasting|hounding|trying|reaching out|hitting me|blowing)\\b|\\b${STOP} (?:with )?(?:the )?sending (?:me|us|to|messages?|texts?|this|these|that|those|any|my|stuff|things?|so)\\b|\\bcease and desist\\b|\\bstop (?!calling|teasing|kidding|joking|making|giving|telling|reminding|charging|billing)\\w+ing (?:me|us)\\b|\\bstop (?:\\w+ )?(?:te?xt?t?i?n?g|txt\\w*|messag\\w*|ms+a?ge?\\w*|contactin\\w*|notifying|alerting|pinging)\\b|\\b(?:these|your|the|those) (?:texts|messages) (?:need to |have to |has to |must |should |better )?stop\\b|\\b(?:make|get) (?:these|this|it|them|the (?:texts|messages)) (?:to )?stop [.?]|\\bharassment\\b|\\bwhy (?:\\w+ ){1,3}(?:still|keep) (?:getting|receiving|texting|messaging|sending|contacting)\\b|\\b(?:these|this|it|them|texts|messages) (?:to|must|should|needs to|has to|better) stop [.?]|\\bstop (?:the|this|your) (?:bot|robot|campaign|automation)\\b|\\bstop (?:getting|receiving) (?:\\w+ ){0,4}${TEXT_OR_THESE}|\\bstop (?:getting|receiving) [.?]|\\bstop (?:text|message|contact|spam|bother) (?:me|us|my|this|now|[.?])`,
    ),
    unless: STOP_DENIED,
  },
  {
    ...en,
    name: 'en.stop_the_texts',
    needs: [
      ...[
        'stop',
        'quit',
        'cease',
        'discontinue',
        'halt',
        'end',
        'cancel',
        'disable',
        'deactivate',
        ' off',
        'block',
        'kill',
      ],
      ...['pause', 'refuse', 'decline', 'reject', 'hate', 'done', 'over'],
    ],
    pattern: new RegExp(
      `\\b(?:${STOP}|end|cancel|disable|deactivate|turn off|shut off|block|kill|pause|refuse|decline|reject|hate|im done|am done|so done|over) ${BETWEEN}(?:${TEXTS}|contact|correspondence)\\b|\\b(?:turn|shut) (?:these|those|the|your|all) (?:\\w+ ){0,2}(?:texts|messages|notifications|alerts) off\\b`,
    ),
    unless: STOP_DENIED,
  },
  {
    ...en,
    name: 'en.stop',
    needs: ['stop', 'quit', 'cease', 'desist', ' end ', 's t o p'],
    pattern: new RegExp(
      `${START}${BEFORE}(?:stop|cease|desist) ${AFTER}${END}|${START}${BEFORE}stop (?:please|thanks?|thank you|im|ive|id|i|we|weve|were|not|now|already|no|svp|merci|porfa|gracias|you have|you guys|or|ok|okay|immediately|asap) |\\bplease (?:just )?(?:stop|cease|desist) ${AFTER}${END}|${START}s t o p ${END}|${START}(?:you|u|yall|this is|these are|im|ive|we|not|already|sorry|not) (?:\\w+ ){1,6}(?<!\\b(?:when|i|to|bus|the|a|truck|it|they|brakes|engine|car|one|pit|full|not|dont|never|cant|wont|non|will|first|last|rest) )stop ${END}|\\bplease stop (?:i|im|ive|we|weve|were|not|my|this) |${START}(?:(?:please|just|ok|kindly|now) ){0,3}(?:quit|end) (?:it|this|these|that|please|now|thanks|thank) ?${AFTER}${END}|${START}(?:please|kindly|just) quit ${AFTER}${END}|\\b(?:said|say|saying|told you to|asked you to|want you to|need you to) stop [.?]|\\b(?:tell|ask|want|need|told|asked|like) (?:\\w+ ){1,4}to stop ${AFTER}${END}`,
    ),
    unless:
      /\b(?:dont|cant|didnt) (?:\w+ )?stop\b|\bnever stop\b|\bdo you stop\b|\bit (?:really )?stop\b|\bit is time\b|\bi (?:can|will|could) stop\b|\bhow (?:can|do) (?:i|you) stop [.?]/,
  },
  {
    ...en,
    name: 'en.stop_at_the_end',
    needs: ['stop'],
    pattern: new RegExp(`\\bstop ${AFTER}[.]`),
    // Buses, brakes and engines stop, and people stop somewhere.
    unless:
      /\?|\b(?:when|where|does|do|did|will|if|bus|brakes?|engine|car|cars|truck|it|they|he|she|light|lights|full|complete|rest|non|one|start|auto|traffic|pit|quick|first|last|next|make|made|noise|before|until|hard|sudden|the|a|an|my|your|any|to a|leak|alarm|beeping|wipers?|motor|emergency|door) (?:\w+ )?stop\b|\b(?:dont|cant|didnt|wont|never) (?:\w+ )?stop\b/,
  },
  {
    ...en,
    name: 'en.dont_text',
    needs: ['dont', 'never', 'not', 'wont', 'cant'],
    pattern: new RegExp(
      `\\b${NEVER} (?:(?:ever|please|you|guys|even|again|be|to|fucking|want|wanna|need|keep|authorized|allowed|call or|call nor|call and|email or|reply or|calling or|write or) ){0,3}(?:(?:text|message|contact|sms|spam|dm|solicit|disturb|harass|reach out|reach) |(?:texting|messaging|contacting|bothering) |(?:bother|bug|annoy) (?:me|us|with me)\\b|bother (?:to )?(?:text|texting|message|messaging|contact|contacting)\\b|use (?:this|my) (?:phone |cell )?(?:number|phone)\\b|add (?:me|us|my number) (?:to|on|in)\\b|send (?:me |us |this number |my \\w+ )?(?:any|anything|anymore|more|texts?|messages?|stuff|these|this|those|nothing|things|out)\\b)`,
    ),
    unless:
      /\b(?:i|we|he|she|they|it|who|you) (?:really |usually |also |still |guys )?(?:dont|never|cannot|cant|wont|did|will) (?!want|wanna|need|ever)|\bdid i not\b|\b(?:cant|cannot|wont) (?:text|message|reach)|\b(?:until|till|before (?:\d|noon|work|lunch|i |you |we )|while|during|when|unless) |\bif (?:you|i) dont\b|\bdont want to (?:text|message|contact|reach|bother)|\bwhy (?:dont|cant|wont|not)|\b(?:text|message) [.?] (?:i|ill) |\bnot (?:sure|text) (?:if|how)/,
  },
  {
    ...en,
    name: 'en.no_more_texts',
    needs: ['no '],
    pattern: new RegExp(
      `\\bno (?:more|further|additional|mas|anymore|longer) (?:(?:of|these|those|the|your|this|text|any|marketing|sales|damn|unsolicited) ){0,4}(?:${TEXTS}|text(?= (?:please|thanks?|thx|from|to|[.]))|contact|contacting|correspondence|emails or texts)\\b|(?:${START}(?:(?:please|thanks?|thank|you|but|and|hi|no|sorry|ok) ){0,4}|\\b(?:said|say|want|please|means) )no (?:(?:calls?|phone calls|calling|emails?) (?:or|and|nor) )?(?:texts|texting|text messages|messages|marketing|promos?|promotions?|solicitations?|solicitation|solicit|contact|messaging|spam) (?:please |thanks? |thank you |anymore |ever |and )?|${START}(?:(?:please|ok|thanks?|thank|you|seriously) ){0,4}no mas? ?(?:please )?${END}|${START}(?:(?:please|ok|thanks?|thank|you|seriously) ){0,4}no more (?:please |thanks? |thank you |porfa |ok )?${END}`,
    ),
    unless:
      /\bno (?:messages?|texts?) (?:from|yet|back|since|for|in|on)\b|\b(?:there|have|got|see|get|getting) no (?:more )?messages?\b/,
  },
  {
    ...en,
    name: 'en.want_no_texts',
    needs: [
      'dont',
      'longer',
      'not',
      'never',
      'didnt',
      'doesnt',
      'no interest',
      'rather',
      'prefer',
      'appreciate',
      'love',
      'great',
      'nice',
      'ask',
      'request',
      'wish',
      'best',
      'refrain',
      'abstain',
      'avoid',
      'no need',
      'sick',
      'tired',
      'fed up',
      'done',
      'annoyed',
      'over',
      'without my',
    ],
    pattern: new RegExp(
      `\\b(?:dont|no longer|not|never|didnt|doesnt) (?:(?:want|wanna|wish|need|like|care|ask|asked|asking|consent|consented|agree|agreed|authorize|authorized|request|requested|subscribe|subscribed|sign|signed|signing|opt|opted|interested|give|gave|permission|wanting|looking|want(?:s|ed)?) )(?:(?:to|for|in|up|any|of|the|your|these|those|this|that|it|more|further|anymore|be|being|continue|get|getting|receive|receiving|have|having|you|me|us|guys|from|by|keep|ever|again|a|single|text|marketing|permission|consent|all|such|sending|hear|hearing) ){0,7}(?:${TEXTS}|contact|contacted|texted|messaged|bothered|spammed|solicited)\\b|\\b(?:dont|no longer|not) (?:\\w+ )?(?:want|wanna|wish|like|care|need) (?:\\w+ ){0,3}(?:get|getting|receive|receiving) (?:any of )?(?:these|those|this|them|anything|any) ?(?:more |anymore |from you )?[.?]|\\b(?:rather|prefer) (?:you )?(?:not|didnt|did not|no longer) (?:\\w+ ){0,3}(?:get|receive|text|texted|message|messaged|contact|contacted|texts|messages|hear)\\b|\\bprefer no (?:texts|messages)\\b|\\bno interest in (?:being|receiving|getting|hearing|your) (?:\\w+ ){0,4}(?:contacted|texted|texts|messages|from you)\\b|\\b(?:dont|do not) want (?:nothing|anything) (?:else |more |to do )?(?:from|with) (?:you|u|yall)\\b|\\b(?:appreciate|prefer|love|great|nice|ask|asking|request|requesting|wish|best) (?:\\w+ ){0,4}(?:stop|stopped|quit|not|no longer|didnt) (?!by|in|over|at)(?:\\w+ ){0,2}(?:text|texting|texted|message|messaging|contact|contacting|contacted|sending)\\b|\\b(?:refrain|abstain) from (?:\\w+ ){0,2}(?:texting|messaging|contacting|sending|text|contact)|\\bavoid (?:texting|messaging|contacting) (?:me|us|this)|\\bno need to (?:text|message|contact) (?:me |us |this number )?(?:again|anymore|any more|further)|\\byou (?:dont|do not) (?:need|have) to (?:keep )?(?:text|message|contact|texting|messaging) (?:me|us)? ?(?:again|anymore|any further|[.])|\\b(?:sick|tired|fed up|done|annoyed|over) (?:of|with|by) (?:all )?(?:of )?(?:the|your|these|this|getting|all) (?:\\w+ ){0,2}(?:texts|messages|texting|messaging|spam)\\b|\\b(?:dont|no longer|never) (?:\\w+ ){0,2}(?:want|wanna|wish|care|like|need) (?:\\w+ ){0,2}(?:hear|hearing) (?:\\w+ ){0,3}(?:from|again)\\b|\\b(?:never|didnt|dont remember|did not) (?:sign|signed|signing|subscribe|subscribed|optedin|consented?|agreed?|ask|asked) (?:up )?(?:for|to) (?:this|these|that|it|any)(?: of)?(?: this)? [.?]|\\b(?:never|didnt) (?:opt|opted) in\\b|\\bdont have (?:\\w+ ){0,2}(?:permission|consent) to\\b|\\bwithout my (?:consent|permission)\\b|\\bnever (?:gave|given) (?:\\w+ ){0,3}(?:permission|consent)\\b`,
    ),
    unless:
      /\bmiss\b|\bnot interested in (?!receiv|getting|being|your texts|your messages|texts|messages|these)|\b(?:why|dont you) (?:\w+ )?want\b|\bwhen (?:i|you)\b/,
  },
  {
    ...en,
    name: 'en.leave_me_alone',
    needs: [
      'leav',
      'let ',
      'away',
      'lost',
      ' off',
      'fuck',
      'shove',
      'kick',
      'beat',
      'cut it',
      'rest',
      'scram',
    ],
    pattern: new RegExp(
      `\\b(?:leave|let|leaving) (?:me|us|this (?:number|phone)|my (?:phone|number)|my (?:\\w+ )?(?:wife|husband|phone|family)) (?:the (?:fuck|hell) )?(?:alone|be|in peace)\\b|${START}(?:(?:please|just|ok|no) ){0,2}(?:go away|get lost|piss off|bugger off|buzz off|back off|screw off|f off|fuck off|fuck you|fuck u|eff off|shove it|kick rocks|beat it|knock it off|cut it out|give it a rest|scram) ?(?:(?:please|and|already|now|you|all|guys|forever|spammers?|creeps?|bot|scammers?|loser) ){0,4}(?:${END}|(?:stop|dont|im|i|we|were|not|no)\\b)`,
    ),
    unless: /\blet me be (?:the|a|there|sure|clear|honest)/,
  },
  {
    ...en,
    name: 'en.off_the_list',
    needs: [
      'block',
      'blacklist',
      'scratch',
      'rid of',
      'off',
      'remov',
      'delet',
      'erase',
      'unlist',
      'purge',
      'scrub',
      'drop',
      'wipe',
      'forget',
      'discard',
      'clear',
      'lose',
      'loose',
      'take',
      'get',
      'taken',
      'pull',
      'strike',
      ' off',
      ' list',
      'registry',
      'out ',
    ],
    pattern: new RegExp(
      `\\b(?:remove|delete|erase|unlist|unenroll|blacklist) (?:me|us)\\b|\\b(?:drop|forget|scratch|block|purge|wipe|clear) (?:me|us) (?:from|off|out)\\b|\\b(?:remove|delete|erase|unlist|purge|scrub|drop|removed?|deleted?|wipe|forget|discard|clear|block|blacklist|scratch|rid of|take down) (?:my (?:name|number|phone|cell|contact|info|information|details|data|email|mobile)|this (?:phone )?(?:number|phone|contact|cell)|the number|number|our number|from (?:the |your |this )?(?:contact |text |texting |mailing )?(?:list|database|system))\\b|\\b(?:lose|loose) (?:my|this|the) number\\b|\\bmy (?:phone |cell )?(?:number|name) (?:is |be |was |gets |should be |needs to be |to be )?(?:removed|deleted|erased|taken off)\\b|\\bi (?:(?:want|wanna|would|id|like|need|have|asked|asking|wish|to|already) ){0,4}(?:be|get|been) (?:removed|deleted|taken off) (?:[.]|please|now|asap|immediately|(?:from|off|of) (?:of )?(?:your|this|the|all) (?:\\w+ ){0,2}(?:lists?|database|system|texts|messages))|\\b(?:have|get) (?:me|us|my number) (?:removed|deleted|taken off)\\b|\\bbe (?:removed|taken off) (?:from|off|of) (?:your|this|the) (?:\\w+ ){0,2}(?:list|database|system)\\b|\\bremove from (?:texts|messages|texting)\\b|\\b(?:take|get|taken|pull|drop|strike|have|want|wants?) (?:me|us|my|this|our|off|out)(?: \\w+){0,5} (?:off|out|from) (?:of )?(?:your|the|this|that|all|ur|any) (?:\\w+ ){0,2}(?:list|lists|database|system|records|contacts|texts|messages|distribution)\\b|\\b(?:take|get) (?:my|this|our) (?:\\w+ ){0,2}(?:number|name|phone|info|contact) (?:off|out|down)\\b|\\b(?:me|us|my \\w+|i|number|want|wanna|get|be|phone|im) (?:\\w+ ){0,3}off (?:of )?(?:your|ur|this|the|that) (?:\\w+ ){0,2}(?:lists?|database)\\b(?! price)|\\bplease (?:remove|unlist) ${END}|\\b(?:remove|take) (?:us|me) (?:and|or|from) (?:your|this|the) |\\b(?:take|get|leave|keep) (?:me|us|my (?:number|name)) (?:of|off) (?:your|ur|this|the) (?:\\w+ ){0,2}lists?\\b|\\b(?:take|get) (?:me|us) off (?:please |now |of it |of this |of here |this |it |asap )?${END}|${START}(?:(?:please|just|hi|kindly|ok) ){0,2}(?:remove|unlist|delete) (?:please |now |asap |from list |thanks? |thank you )?${END}|\\bsolicitation [.] remove\\b|\\b(?:do|dont) (?:not )?(?:call|text|contact|solicit)(?: or text| or call)? (?:list|registry)\\b|\\b(?:off|from) (?:your|ur|the) (?:\\w+ )?(?:text|texting|sms|calling|contact|mailing|marketing) list\\b`,
    ),
    unless:
      /\boff (?:hold|the (?:email|waiting|wait|test|hold))\b|\b(?:email|waiting|wait|guest|recall|price) list\b|\bon the waiting\b|\b(?:remove|delete|drop|clear) (?:me|us|my number) (?:from|off|for) the (?:waiting|wait|email|test|hold)/,
  },
  {
    ...en,
    name: 'en.unsubscribe',
    needs: ['unsubscrib', 'stopall', 'spam', 'junk', 'block'],
    pattern:
      /\bunsubscrib(?:e|es|ing|er|eme|ed)\b|\bstopall\b|[.?] (?:this is |just )?(?:spam|junk) [.]|\breport(?:ed|ing)? (?:(?:this|you|it|as|number) ){1,3}(?:spam|junk)\b|\b(?:im|i am|ill|i will|gonna|now) (?:(?:be|going|to|now) ){0,3}(?:block|blocking|blocked) (?:you|this|your|the number)|[.?] (?:blocking|blocked) (?:you|this|your|the number)/,
    unless:
      /\bunsubscribed (?:from|to|by)\b|\bunsubscribe from (?!this|these|those|your|all|the (?:list|text|message)|text|messages?|everything|it\b|here|you)|\bemail(?:s)? (?:list )?(?:but|only|not)\b|\bunsubscribe (?:from )?(?:your |the )?emails?\b/,
  },
  {
    ...en,
    name: 'en.opt_out',
    needs: ['optout', 'optedout', ' out '],
    pattern:
      /\boptedout (?:already|before|twice|weeks?|days?|last|yesterday)\b|\b(?:optout|optedout) (?:please|thanks?|now|asap|me|from|immediately|[.?]|of (?:this|these|all|texts?|your|the (?:texts?|messages?|list)|messages?|everything|any|sms|future|further|receiving|getting|marketing|communications?)\b)|\b(?:opt|opting|opted) (?:me|us|my (?:number|phone)|this number|myself) out\b/,
    unless: /\b(?:an|the) optout\b|\boptout of (?:the|your) (?!text|message|list|sms|program)/,
  },
  {
    ...en,
    name: 'en.consent_withdrawn',
    needs: ['consent', 'permission', 'authorization'],
    pattern:
      /\b(?:revoke|revoking|withdraw|withdrawing|rescind|retract|cancel|pull|remove|deny|denied|refuse) (?:\w+ ){0,2}(?:consent|permission|authorization)\b|\b(?:dont|do not|no longer) (?:have (?:my )?|give (?:you )?|giving )(?:my |any )?(?:consent|permission)\b/,
  },
  {
    ...en,
    name: 'en.threat',
    needs: [
      'report',
      'sue',
      'suing',
      'lawyer',
      'attorney',
      'fcc',
      'ftc',
      'crtc',
      'police',
      'block',
      'legal',
      'harassment',
      'complaint',
    ],
    pattern:
      /\bkeep (?:texting|messaging|contacting)\b.*\b(?:report|reporting|sue|suing|lawyer|attorney|fcc|ftc|crtc|police|block|blocking|legal)\b|\b(?:one|another|any|1|next) (?:more |other )?(?:text|message)\b.*\b(?:report|reporting|sue|suing|lawyer|attorney|fcc|ftc|crtc|police|block|blocking|legal)\b|\b(?:text|texts|message|contact|bother|messages|hear from)(?:ing)? (?:me|us|you|this number|again)\b.*\b(?:report|reporting|reported|sue|suing|lawyer|attorney|fcc|ftc|crtc|police|block|blocking|blocked|legal|harassment|complaint)\b|\b(?:report|reporting|sue|suing|block|blocking|lawyer|attorney|fcc|crtc|police|legal)\b.*\b(?:if|next time|any more|another|keep)\b.*\b(?:text|texting|message|messaging|contact|contacting)\b/,
    unless:
      /\b(?:credit|carfax|history|accident|service|vehicle|inspection) reports?\b|\bblock heater\b|\bengine block\b/,
  },
  {
    ...en,
    name: 'en.enough',
    needs: ['enough'],
    pattern: new RegExp(
      `\\benough (?:already )?(?:of |with )?(?:the |your |these |this |all the |all these |already )?${TEXTS}\\b|${START}(?:please )?(?:enough|thats enough|enough is enough) (?:already )?[.] |${START}enough already ${END}`,
    ),
    unless:
      /\benough (?:messages?|texts?) (?:for|to)\b|\b(?:thats enough|enough) [.] (?:thanks|see|i|ill|ok)/,
  },

  {
    ...fr,
    name: 'fr.arretez_de_texter',
    needs: ['arret', 'cess', 'stop', 'fini', 'annul', 'bloquez', 'desactiv', 'refuse'],
    pattern: new RegExp(
      `\\b(?:arretez|arretiez|arrete|arreter|arretes|cessez|cesse|cesser|stop|finissez|fini|arretons) (?:(?:donc|svp|tout de suite|enfin) )?(?:de |d )(?:(?:me|m|nous|toujours) ){0,2}(?:ecri\\w*|mecri\\w*|text\\w+|contact\\w*|envoy\\w*|menvoy\\w*|derang\\w*|harcel\\w*|importun\\w*|achal\\w*|sollicit\\w*|spam\\w*|relanc\\w*|ennuy\\w*|tann\\w*|embet\\w*|goss\\w*)\\b|\\b(?:arretez|arretiez|arrete|arreter|cessez|cesse|cesser|annulez|annuler|annule|fini|finis|refuse|stop|stopper|stoppez|stopez|bloquez|desactivez|desactiver) ${BETWEEN}(?:textos?|messages?|sms|textes|notifications|courriers|communications|pubs?|publicites?|spam|envois)\\b`,
    ),
    unless:
      /\b(?:n|ne|pas|jamais) (?:(?:me|m|vous) )?(?:arretez|arretiez|arrete|arreter|cessez|cesse)|\b(?:avez|as|ont|a) (?:vous )?(?:arrete|cesse)\b|\barretez pas\b|\barrete pas\b|\bpourquoi\b/,
  },
  {
    ...fr,
    name: 'fr.arretez',
    needs: ['arret', 'cess', 'stop'],
    pattern: new RegExp(
      `${START}(?:(?:${[
        ...[
          'svp',
          'vous',
          'te',
          'plait',
          'merci',
          'de',
          'd',
          'veuillez',
          'pouvez',
          'pouvons',
          'oui',
          'non',
          'ok',
        ],
        ...[
          'bonjour',
          'bon',
          'la',
          'priere',
          'please',
          'pouvez',
          'je',
          'demande',
          'ca',
          'allez',
          'voulez',
          'bien',
        ],
        ...['bonsoir', 'j', 'ai', 'dit', 'maintenant'],
      ].join(
        '|',
      )}) ){0,7}(?:arretez|arretiez|arrete|arreter|cessez|cesse|cesser|stoppez|stop) ${AFTER}${END}|${START}(?:(?:svp|merci|non|ok|bonjour|bon) ){0,3}(?:arretez|cessez|stop) (?:svp|merci|je|j|on|vous plait) `,
    ),
    unless:
      /\b(?:je (?:peux|vais|veux|dois|pourrais)|(?:peux|vais|puis) je|j ai) (?:m )?(?:arrete|cesse)|\bj arrete\b/,
  },
  {
    ...fr,
    name: 'fr.n_ecrivez_plus',
    needs: [' plus', ' pas ', ' jamais', ' pu ', ' plu ', ' rien', ' aucun', 'cesse', 'recevoir'],
    pattern:
      /\b(?:ne |n )?(?:me |m |nous )(?:ecrivez|ecris|ecrire|textez|texte|texter|textes|contactez|contacte|contacter|envoyez|envoie|envoyer|envoies|derangez|derange|deranger|sollicitez|harcelez|relancez|parlez|importunez|appelez ni textez|recontactez|recontacte) (?:plus|pu|plu|jamais|aucun|rien|pas de (?:textos?|messages?)|pas (?:svp|merci)?[.])|\b(?:n |ne )(?:ecrivez|textez|contactez|envoyez|texte|ecris|envoie) (?:plus|pu|plu|jamais|rien)\b|\bne (?:plus|pas|jamais|plu|pu) (?:(?:me|m|nous|jamais) ){0,2}(?:ecrire|texter|contacter|envoyer|deranger|solliciter|relancer|appeler ni texter|recontacter|importuner|mecrire)\b|\b(?:ne plus|arreter de|cesser de|refuse de|jamais demande a) recevoir (?:\w+ ){0,3}(?:textos?|messages?|sms|textes|ca|tout)\b|\b(?:aucun|plus jamais de) (?:texto|message|sms)\b|\bcesse[rz]? tout contact\b/,
    unless:
      /\b(?:vous|tu|pourquoi) (?:ne |n )?(?:m |me )(?:ecri|text|contact|envoy|envoi)|\b(?:avant|pendant|quand|lorsque|jusqu)\b/,
  },
  {
    ...fr,
    name: 'fr.plus_de_textos',
    needs: [' plus', ' pas ', ' pu ', ' plu ', ' aucun', 'suffit', 'faire', 'assez', 'marre'],
    pattern: new RegExp(
      `\\b(?:veux|veut|voulons|souhaite|souhaitons|desire|desirons|voudrais|accepte|aimerais) (?:ne )?(?:plus|pu|plu|pas|aucun|aucune) (?:(?:de|d|des|du|vos|tes|ces|les|recevoir|avoir|etre|aucun|autres?|vous|me|par|jamais|entendre|ce|genre|type|que|on) ){0,6}(?:textos?|messages?|sms|textes|contactee?s?|textee?|derangee?|sollicitee?|parler de vous|communications|publicites?|pubs?|spam|m ecrive|me texte|me contacte|rien recevoir|recevoir (?:rien|ca|cela))\\b|${START}(?:(?:svp|merci|non|ok|bonjour|s|il|vous|plait|et) ){0,4}(?:plus|pu|aucun|pas|plus aucun|plus jamais) (?:de |d )?(?:vos |ces |autres )?(?:textos?|messages?|sms|textes|pub|publicite|spam|communications?) (?:[.]|svp|merci|s il|pour moi|de (?:votre|vous)|a ce)|\\b(?:ca suffit|ca va faire|assez|marre) (?:(?:avec|de|des|les|vos|ces|tes|tous) ){0,3}(?:textos?|messages?|sms|textes|pubs?|spam)\\b|${START}(?:bon )?(?:ca suffit|ca va faire) (?:svp |merci |la )?${END}`,
    ),
  },
  {
    ...fr,
    name: 'fr.de_la_liste',
    needs: [
      'retir',
      'enlev',
      'otez',
      'oter',
      'supprim',
      'effac',
      'ray',
      'radi',
      'sortez',
      'desinscri',
      'desabon',
      'dessabon',
      'oubli',
      'perdez',
      'bloque',
      ' suis ',
      ' etre ',
    ],
    pattern:
      /\b(?:etre|suis|sois|soit) (?:retire|enleve|desabonne|supprime|radie|efface)e?s? (?:de|du)\b|\b(?:me|nous|m) (?:retirer|enlever|desabonner|supprimer|effacer|radier|oter|desinscrire)\b|\b(?:retirez|retire|retirer|enlevez|enleve|enlever|otez|oter|supprimez|supprime|supprimer|effacez|efface|effacer|rayez|radiez|sortez|desinscrivez|oubliez|bloquez|bloquer) (?:moi|nous|mon (?:numero|nom|contact|cell|telephone)|ce numero|le numero|mes (?:coordonnees|informations|infos))\b|\b(?:desabonn|desinscri|dessabon)\w*|\b(?:oubliez|perdez) mon numero\b/,
    unless:
      /\bdesabonn\w* (?:de l|du) infolettre\b|\b(?:retirez|enlevez|enleve) moi (?:\w+ )?\d|\b(?:m|me) enlever (?:\d|un doute|le|la|les)\b/,
  },
  {
    ...fr,
    name: 'fr.tranquille',
    needs: ['laisse', 'fou', 'fiche', 'fichez', 'lache', 'allez', 'va te', 'consentement'],
    pattern:
      /\b(?:laissez|laisse|foutez|fous|fichez|fiche|lachez|lache) (?:moi|nous) (?:donc )?(?:tranquille|tranquilles|en paix|la paix|patience|tranquil)\b|[.?] (?:svp )?(?:lachez|lache) (?:moi|nous) (?:svp |un peu |donc )?[.?]|\bfoutez le camp\b|\ballez vous faire\b|\bva te faire\b|\b(?:retire|retirez|revoque|revoquer|annule|retirer) (?:mon|tout) consentement\b/,
  },

  {
    ...es,
    name: 'es.no_me_escriban',
    needs: ['no '],
    pattern: new RegExp(
      `\\bno (?:me|nos) (?:vuelvan? a )?(?:(?:escriban?|escribas|escribir|contacten?|contactes|contactar|molesten?|molestes|molestar|texteen?|textees|textear|busquen|hablen|mensajeen|fastidien?|chinguen|jodan) |(?:esten? (?:mandando|escribiendo|molestando|enviando|texteando)|sigan (?:mandando|escribiendo|enviando|molestando)) ?|(?:manden?|mandes|envien?|envies|mandar|enviar) (?:${END}|mas|mensajes?|textos?|nada|sms|porfa|ya|gracias|esos|estos|tantos))|${START}(?:(?:porfa|ya|favor|de) ){0,4}no (?:vuelvan? a (?:escribir|mandar|contactar|enviar|molestar)\\w*|sigan (?:escribiendo|mandando|enviando)|escriban?|texteen|manden? (?:mas|nada|mensajes)|envien? (?:mas|nada|mensajes)|molestar|contactar|escribir|mandar mensajes|enviar mensajes|molesten?)\\b`,
    ),
    unless: /\b(?:hasta|antes|mientras|despues|cuando|durante)\b|\bmas (?:fotos|opciones|carros|autos)\b/,
  },
  {
    ...es,
    name: 'es.no_quiero_mensajes',
    needs: [
      'no ',
      'mas',
      'basta',
      'suficiente',
      'hart',
      'tampoco',
      'nunca',
      'paren',
      'dejen',
      'deje',
      'pare',
      'cansad',
      'alto',
    ],
    pattern:
      /\b(?:no|ya no|tampoco|nunca) (?:quiero|deseo|quisiera|queremos|deseamos|acepto|autorizo|autorice|necesito|pedi|me interesa recibir|me interesan) (?:(?:que|me|mas|sus|tus|estos|esos|recibir|recibiendo|seguir|los|las|nada|ningun|de|ustedes|este|tipo|sigan|manden|envien|escriban|contacten|esta|clase|un) ){0,6}(?:mensajes?|mensajitos|textos?|sms|comunicaciones|notificaciones|publicidad|spam|contacto|escriban|contacten|molesten)\b|\bno me gusta que me (?:escriban|manden|texteen|contacten)|\bno quiero nada (?:mas )?(?:de|con) (?:ustedes|usted|ud|uds)\b|\b(?:no|ya no) (?:quiero|deseo) (?:ser contactad[oa]|que me (?:escriban|contacten|molesten|texteen|manden|envien))|\b(?:no|ni|ya no|ya) (?:mas|un) (?:mensajes?|mensajitos|textos?|sms|spam)\b|[.?] (?:(?:porfa|por|favor) ){0,2}(?:ya no mas|no mas|ya basta|basta ya|basta) (?:porfa |por |favor |gracias |ya )*[.?]|\b(?:basta|suficiente|harto|harta|paren?|dejen?|cansad[oa]|alto) (?:de|con|a) (?:sus |los |tantos |tus |estos )?(?:mensajes?|textos?|sms|spam)\b/,
  },
  {
    ...es,
    name: 'es.deje_de_escribirme',
    needs: ['dej', 'par', 'ces', 'basta', 'stop', 'detengan'],
    pattern: new RegExp(
      `\\b(?:dejen?|dejes?|deja|dejar|paren?|para|pares|parar|cesen?|basta) (?:ya )?de (?:estar )?(?:escribirme|escribirnos|escribir|mandarme|mandarnos|mandar|enviarme|enviar|molestarme|molestar|molestando|contactarme|contactar|textearme|textear|fastidiar|joder|chingar|acosarme|mandando|enviando|escribiendo|hablarme|mensajearme)\\b|\\b(?:dejen?|deja|dejenme|dejeme|dejame|dejenos)(?: me| nos)? (?:en paz|tranquil[oa]|sol[oa])\\b|${START}(?:(?:porfa|ya|favor|stop) ){0,3}(?:paren?|dejen|stop|detengan|detenganse) (?:ya |porfa |gracias |eso |esto |favor |por ){0,3}${END}|\\bdej(?:o|ar) de recibir (?:\\w+ ){0,2}(?:mensajes?|textos?|esto)`,
    ),
    unless: /\bno (?:dejen?|dejes|paren?|pares) de\b|\bpuedo (?:parar|dejar)\b|\bpor que (?:dejaron|pararon)/,
  },
  {
    ...es,
    name: 'es.de_la_lista',
    needs: [
      'quit',
      'saque',
      'saca',
      'borr',
      'elimin',
      'remuev',
      'retir',
      'baja',
      'desuscrib',
      'cancel',
      'anul',
      'deten',
      'parar',
      'suspend',
      'desactiv',
      'bloque',
      'revoc',
    ],
    pattern:
      /\b(?:quiten|quite|quita|saquen|saque|saca|borren|borre|borra|eliminen?|elimina|remuevan?|retiren?|bloqueen?|bloquea|borrar|quitar|eliminar|sacar)(?:me|nos)? (?:me )?(?:de (?:la|su|tu|esta|esa|sus|todas) (?:\w+ )?(?:listas?|base)|mi (?:numero|telefono|celular|contacto|nombre|informacion)|este numero)\b|\b(?:quiten|quite|quita|saquen|saque|saca|borren|borre|borra|eliminen?|elimina)me (?:porfa |ya |gracias )?[.?]|[.?] (?:porfa )?(?:baja|detener|parar) (?:porfa |gracias |ya )?[.]|\b(?:darme|denme|deme|dame|darnos|dar|dan) de baja (?!las?\b|los?\b|el\b|mi\b|mis\b|un\b|una\b)|\bbaja (?:de|a) (?:los |estos |sus |la )?(?:mensajes|lista|suscripcion)|\bdesuscrib\w*|\b(?:cancelar|cancele|cancelen|cancelo|cancela|canceles|anular|anule|anulen|detener|detengan|parar|suspender|suspendan|desactivar|desactiven|bloquear) (?:(?:los|las|estos|esos|sus|tus|mi|la|mis|el|todos|todo|a|de|envio|suscripcion) ){0,5}(?:mensajes?|textos?|sms|suscripcion|notificaciones|spam|publicidad)\b|\b(?:retiro|revoco|retirar|revocar|cancelo) (?:mi |el )?(?:consentimiento|permiso|autorizacion)\b/,
    unless:
      /\b(?:puede|puedo|podria|hay que) (?:\w+ )?dar de baja (?:el|la|los|las|mi)\b|\bsuscripcion (?:de|del|a) (?:onstar|carplay|sirius|radio)/,
  },
];
