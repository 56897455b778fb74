/** Words of English, French and Spanish that tell whether a text is finished. Lower case, without accents. */

const set = (...lists: readonly string[]): ReadonlySet<string> =>
  new Set(lists.flatMap((list) => list.split(/\s+/)));

/** Said before one says what one wants. */
export const GREETINGS = set(
  'hi hey hello yo hiya heya howdy good morning afternoon evening day there jack team folks guys sir',
  'bonjour bonsoir salut allo coucou bon matin',
  'hola buenas buenos dias tardes noches buen dia',
);

/** One of them is a whole answer, with politeness around it. */
export const ANSWERS = set(
  'yes yeah yep yup yea no nope nah ok okay k kk sure thanks thank you so very much thx ty please perfect great cool',
  'deal done correct right agreed maybe none nothing bye awesome fine sounds',
  "oui ouais non merci beaucoup parfait super exact d'accord svp s'il vous plait bien sur peut etre",
  'si claro vale gracias muchas perfecto bueno exacto dale listo por favor adios',
);

/** When: an answer to the question for a visit. */
export const TIMES = set(
  'monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun today tomorrow tonight',
  'morning afternoon evening noon at around on after before this next week weekend month am pm later soon',
  "lundi mardi mercredi jeudi vendredi samedi dimanche demain aujourd'hui midi soir matin apres vers ce prochain semaine",
  'lunes martes miercoles jueves viernes sabado domingo hoy manana mediodia tarde noche a las esta proxima semana',
);

/** A text that ends with one of these goes on. */
export const NEVER_LAST = set(
  "and or but because cause cuz the an my your our i i'm im and/or my",
  "et mais parce que le la les un une des du de mon ma mes je j'ai et/ou",
  'y o pero porque el los las una del mi mis con la',
);

/** The same, unless it is a question: "who is it for". */
export const SELDOM_LAST = set(
  'a for with from of to than about like also plus between if at',
  'pour avec sans chez dans sur aussi',
  'para por sin en tambien',
);

/** Begins a question that many send without its mark. */
export const QUESTION_STARTS = set(
  "who who's what what's whats when where where's wheres why how how's which is are do does did can could would will",
  "should may have has any was were isn't aren't don't doesn't can't",
  "est quel quelle quels quelles combien quand ou où comment pourquoi qui avez as peut puis pouvez faites qu'est y",
  'cuanto cuanta cuantos cuantas cuando donde que quien cual cuales como hay tienen tiene puedo pueden puede aceptan',
  'hacen estan abren cierran',
);

/** Without one of them a text is taken for a piece of one. */
export const SUBJECTS_AND_VERBS = set(
  "i i'm im i'd i'll i've ive id we we're you it it's its he she they my name's name is are was want wanna need looking",
  "look have has got see call text send tell show give check let come buy trade sell try would could can will do don't",
  'interested works love like saw think know ready waiting',
  "je j'ai j'aimerais j'en tu il elle on nous vous ils est c'est suis cherche veux voudrais avez peux pouvez faut aimerais",
  'envoyez appelez rappelez interesse',
  'quiero busco tengo estoy soy necesito puedo quisiera gustaria me interesa es esta hay tienen vi mande llame llamo digame',
);
