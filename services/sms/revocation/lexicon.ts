/** Spellings, and the words that look like names and are none. */

/** By the right spelling, what people type for it. Errors of one letter in the long words below are added to these. */
const TYPED: Readonly<Record<string, string>> = {
  // "stp" is also the French "s'il te plait", which stands beside a revocation just as well.
  stop: 'st0p stpo sotp stopp sttop stp stahp stap stpp stoo stopo srop dtop stip stol stoip stpop stoop',
  text: 'txt tx tex texr',
  texts: 'txts texs',
  texting: 'txtng textng txting texing texitng txtn txtin textin',
  message: 'msg mesage messege',
  messages: 'msgs mesages messeges',
  messaging: 'msging msgin mesaging',
  unsubscribe: 'unsub unsubcribe unsubscibe unsuscribe unsubsribe unsubscrib unsuscrib',
  number: 'num nbr nmbr nuber numebr nunber numer numbr numbe nr',
  wrong: 'worng wrng rong wron wronge wong',
  please: 'pls plz plese pleas plase plse pleese',
  dont: 'dnt donot',
  porfa: 'porfavor porfis',
  anymore: 'anymor nomore',
  you: 'u',
  your: 'ur yr',
  people: 'ppl',
  thanks: 'thx tks thanx',
  arretez: 'aretez arettez arete arretes arretee',
  arrete: 'arette',
  arreter: 'areter',
  ecrire: 'ecrir',
  ecrivez: 'ecrive ecriver',
  svp: 'svpl',
  escriban: 'escrivan ecriban escrban',
  escriba: 'escriva ecriba',
  escribas: 'escrivas ecribas',
  escribirme: 'escrivirme ecribirme',
  escribir: 'escrivir',
  mensaje: 'mensage menssaje',
  mensajes: 'mensages menssajes msjs mjs',
  numero: 'numeros nro',
};

/** Long enough that one letter left out, doubled, swapped or mistyped makes no other word. */
const LONG =
  `unsubscribe remove removed delete interested anymore bother texting message messages messaging contact contacting receiving number
  discontinue bothering spamming harassing subscription consent arretez arrete cessez contactez contacter envoyez
  desabonner desabonnez tranquille numero mauvais retirez enlevez supprimez escriban escribirme mensajes mensaje molesten
  molestarme contacten equivocado quitenme saquenme dejenme`.split(/\s+/);

/** Keys that a finger hits instead, on a keyboard of North America. */
const BESIDE: Readonly<Record<string, string>> = {
  ...{
    a: 'qsz',
    b: 'vgn',
    c: 'xdv',
    d: 'sfe',
    e: 'wrd',
    f: 'dgr',
    g: 'fht',
    h: 'gjy',
    i: 'uok',
    j: 'hku',
    k: 'jli',
  },
  ...{
    l: 'ko',
    m: 'n',
    n: 'bm',
    o: 'ipl',
    p: 'ol',
    q: 'wa',
    r: 'etf',
    s: 'adw',
    t: 'ryg',
    u: 'yij',
    v: 'cb',
  },
  ...{ w: 'qe', x: 'zc', y: 'tuh', z: 'xa' },
};

function errorsOf(word: string): string[] {
  const errors: string[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const [before, letter, rest] = [word.slice(0, at), word[at] as string, word.slice(at + 1)];
    errors.push(before + rest, before + letter + letter + rest);
    errors.push(before.slice(0, -1) + letter + before.slice(-1) + rest);
    for (const beside of BESIDE[letter] ?? '') errors.push(before + beside + rest);
  }
  return errors;
}

function mendings(): Map<string, string> {
  const map = new Map<string, string>();
  const right = new Set([...LONG, ...Object.keys(TYPED), ...KEPT]);
  for (const word of LONG) for (const error of errorsOf(word)) if (!right.has(error)) map.set(error, word);
  for (const [word, typed] of Object.entries(TYPED)) for (const one of typed.split(' ')) map.set(one, word);
  return map;
}

/** Words in their own right, one letter away from another. */
const KEPT = [
  ...[
    'testing',
    'resting',
    'removes',
    'brother',
    'another',
    'mother',
    'bothers',
    'father',
    'gather',
    'content',
    'context',
  ],
  ...[
    'texto',
    'textos',
    'removed',
    'deleted',
    'brother',
    'mother',
    'other',
    'interest',
    'testing',
    'messages',
    'message',
    'messager',
    'numeros',
    'contacted',
    'contracting',
  ],
  ...['arreter', 'arret', 'arrets', 'cesse', 'retire', 'enleve', 'supprime', 'envoye'],
  ...['contacte', 'contactes', 'mensajes', 'equivocada', 'moleste', 'molestar', 'content', 'concent'],
];

export const MENDED: ReadonlyMap<string, string> = mendings();

export const CONTRACTIONS: ReadonlyMap<string, string> = new Map([
  ['do not', 'dont'],
  ['do nt', 'dont'],
  ['don t', 'dont'],
  ['does not', 'doesnt'],
  ['did not', 'didnt'],
  ['is not', 'isnt'],
  ['are not', 'arent'],
  ['was not', 'wasnt'],
  ['will not', 'wont'],
  ['i am', 'im'],
  ['you are', 'youre'],
  ['you have', 'youve'],
  ['no one', 'nobody'],
  ['any more', 'anymore'],
  ['un subscribe', 'unsubscribe'],
  ['opt out', 'optout'],
  ['opting out', 'optout'],
  ['opted out', 'optedout'],
  ['por favor', 'porfa'],
  ['s il', 'svp'],
]);

/** Common first names, for texts without capital letters. */
export const FIRST_NAMES: ReadonlySet<string> = new Set(
  `james john robert michael mike william bill david dave richard rick joseph joe thomas tom charles daniel dan matthew
  matt anthony tony steven steve paul andrew andy kenneth ken joshua josh kevin brian george edward ed ronald timothy
  tim jason jeffrey jeff ryan jacob gary nicholas nick eric jonathan larry justin scott brandon benjamin ben samuel
  sam gregory greg alexander alex patrick jack dennis jerry tyler aaron jose adam nathan henry peter pete kyle
  mary patricia jennifer jen linda elizabeth liz barbara susan jessica sarah karen lisa nancy betty sandra margaret
  ashley kimberly kim emily donna michelle carol amanda melissa deborah stephanie rebecca becky laura sharon cynthia
  kathleen amy angela shirley anna brenda pamela nicole samantha katherine kate emma ruth christine catherine rachel
  maria heather diane julie joyce victoria kelly megan andrea tina
  luis carlos juan jorge pedro miguel pablo diego rosa carmen ana sofia lucia marta elena francisco javier
  jean pierre marc luc michel jacques claude andre philippe stephane sylvie nathalie isabelle chantal martine
  manon mark rob robert bob bobby jim jimmy johnny danny kenny larry terry barry randy ricky billy tommy eddie freddy
  frank ray jay dean drew derek craig shawn sean brad chad todd carl earl roy ralph louis albert alan allan philip phil
  roger keith glenn wayne dale dylan logan ethan noah liam mason lucas owen connor evan ian cody travis shane troy
  derrick marcus antonio mario sergio ricardo fernando rafael manuel ramon raul hector victor oscar ruben armando
  brenda tammy tracy wendy debbie cathy kathy judy janet janice diana paula theresa teresa denise crystal dawn sheila
  gloria rosemary beverly marilyn doris joan jean ann anne annie alice ellen helen irene lori lynn jill kristen kristin
  kayla brittany courtney danielle erin holly jasmine alexis vanessa veronica monica sabrina natalie olivia hannah abby
  gabriela alejandra isabel patricio guadalupe beatriz adriana claudia lorena yolanda silvia
  mathieu francois nicolas julien sebastien olivier martin alain gilles yves rene serge denis normand guy sophie
  chris christopher christian christina christy adrian allison alyssa amber andres angel angelica ariel arthur austin bella
  bernard beth bianca blake bonnie bradley brent bret brett bruce bryan bryce byron calvin cameron carla carmen carolyn
  carrie cassandra cesar charlene charlie charlotte chelsea clara clarence clayton clifford clint clyde colin colleen
  connie corey cory crystal curtis daisy dana darlene darren daryl dave desiree devin diego dominic don donald doug
  douglas duane dustin edgar eduardo edwin eleanor elaine elias elijah ellie elizabeth elsie emilio enrique eric erica
  ernest esther ethel eugene eva evelyn fiona floyd fred frederick gabriel gail garrett gavin geoffrey gerald gina
  ginger glenda gordon greta guillermo gustavo harold harry harvey hazel heidi herbert herman howard hugh ida ignacio
  imran irma irvin isaac isaiah jackie jaclyn jacqueline jaime jamal jamie jana jared jasmin javon jenna jenny jeremy
  jerome jesse jessie jesus jill joanna joanne jodi joel joey johanna john jon jonah jordan josephine josue joy juanita
  judith julia juliet justine kara kari karl katie katrina kayleigh keisha kelli kendra kent kerry kim kirk krista
  kristi kristy lance latoya lauren laurie lawrence leah lee leo leon leonard leroy leslie lester lewis lillian lindsay
  lindsey lloyd logan lois lorraine lucy luke lydia mabel mackenzie madison malcolm mandy marcia margie marie marilyn
  marjorie marlene marsha martha marvin mary mathew maureen maurice max maxine melvin meredith micah miguel mildred
  milton minnie mitchell mohamed mohammed molly monique morgan muhammad myra myrtle nadia naomi neil nelson nina nora
  norma norman omar pam patty pat pauline pearl peggy penny perry phillip phyllis preston priscilla rachael ralph
  ramona raymond regina reginald renee rhonda rick rita robin rodney roger roland roman ron ronnie rosie ross roxanne
  russell sally sandy sara seth sherri sherry shirley sidney simon sonia stacy stanley stella steven stewart stuart
  suzanne sylvia tamara tanya tara taylor ted terrence theodore thelma tiffany todd toni tonya tracey trevor tyrone
  valerie vera vernon vickie vicki vincent viola violet virginia vivian wade wallace walter wanda warren whitney wilma
  yvette yvonne zach zachary zoe caroline melanie karine josee lucie louise annick`.split(/\s+/),
);

/** Written with a capital, and not the name of a person. */
export const NOT_NAMES: ReadonlySet<string> = new Set(
  `monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september
  october november december toyota honda ford chevrolet chevy nissan mazda subaru hyundai kia jeep ram dodge tesla bmw
  audi mercedes lexus acura volkswagen volvo gmc buick cadillac chrysler lincoln mitsubishi porsche civic corolla camry
  accord canadian american english french spanish canada quebec vancouver toronto carfax carplay android apple google
  craigslist kijiji facebook sure interested ready looking buying in going here there happy available i im the a an this
  that it my your jack stop please no yes ok thanks text me texting you we they he she who what when where why how
  wrong number not and but or for from lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes miercoles jueves
  viernes sabado domingo`.split(/\s+/),
);
