/** Holds the handsets and the record against what shoppers did, when everything is quiet again. */
import pg from 'pg';
import type { TwilioDouble } from '../twilioDouble.js';
import { digestOf, toldIn } from './telling.js';

export type Promised = 'P1' | 'P2' | 'P3' | 'P4' | 'P5' | 'P6';

export interface Violation {
  readonly promise: Promised;
  readonly what: string;
  readonly conversation?: string;
  readonly seq?: number;
}

/** What happened to one shopper, as the carrier knows it. */
export interface ShopperHistory {
  readonly phone: string;
  readonly organizationId: string;
  readonly number: string;
  /** MessageSids that got a 200. */
  readonly acknowledged: ReadonlySet<string>;
  /** When STOP was acknowledged and START sent, ms since 1970, in order. */
  readonly stops: readonly { readonly fromMs: number; readonly untilMs: number }[];
}

/** A send that had begun when the opt-out was committed may be on its way to the carrier. */
const UNDER_WAY_MS = 2_000;

interface Row {
  readonly conversation: string;
  readonly organization: string;
  readonly phone: string;
  readonly seq: number;
  readonly direction: 'inbound' | 'outbound';
  readonly sender: 'lead' | 'assistant' | 'staff' | 'system';
  readonly body: string;
  readonly sid: string | null;
  readonly state: string | null;
  readonly retracted: boolean;
  readonly opted_out: boolean;
  readonly owner: string;
}

export async function checkHistory(
  databaseUrl: string,
  twilio: TwilioDouble,
  shoppers: readonly ShopperHistory[],
): Promise<Violation[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<Row>(
      `select c.id as conversation, c.organization_id as organization, l.phone, m.seq, m.direction, m.sender, m.body,
        m.message_sid as sid, o.state, m.retracted, c.opted_out, c.owner
      from messages m join conversations c on c.id = m.conversation_id join leads l on l.id = c.lead_id
      left join outbox o on o.message_id = m.id order by c.id, m.seq`,
    );
    const byShopper = new Map<string, Row[]>();
    for (const row of rows) {
      const key = `${row.organization} ${row.phone}`;
      byShopper.set(key, [...(byShopper.get(key) ?? []), row]);
    }
    return shoppers.flatMap((shopper) =>
      checkShopper(shopper, byShopper.get(`${shopper.organizationId} ${shopper.phone}`) ?? [], twilio),
    );
  } finally {
    await client.end();
  }
}

function checkShopper(shopper: ShopperHistory, rows: readonly Row[], twilio: TwilioDouble): Violation[] {
  const found: Violation[] = [];
  const conversation = rows[0]?.conversation ?? shopper.phone;
  const no = (promise: Promised, what: string, seq?: number) =>
    found.push({ promise, what, conversation, ...(seq === undefined ? {} : { seq }) });
  const handset = twilio.handset(shopper.phone).filter(({ from }) => from === shopper.number);
  const inbound = rows.filter(({ direction }) => direction === 'inbound');
  const outbound = rows.filter(({ direction }) => direction === 'outbound');

  const stored = new Map<string, number>();
  for (const { sid } of inbound) stored.set(sid ?? '', (stored.get(sid ?? '') ?? 0) + 1);
  for (const sid of shopper.acknowledged) {
    if ((stored.get(sid) ?? 0) === 0) no('P1', `${sid} got a 200 and is not in the record`);
    if ((stored.get(sid) ?? 0) > 1) no('P1', `${sid} is in the record more than once`);
  }

  for (const [at, row] of rows.entries()) {
    if (row.seq !== at + 1) no('P4', `place ${at + 1} has seq ${row.seq}`, row.seq);
    if (row.sender === 'assistant' && rows[at - 1]?.sender === 'assistant')
      no('P2', 'two replies of the assistant to one turn', row.seq);
  }
  const last = rows.at(-1);
  if (last?.sender === 'lead' && !last.opted_out && last.owner === 'assistant' && !isKeyword(last.body))
    no('P2', 'a text without an answer', last.seq);
  const due = outbound.filter(({ state }) => state === 'accepted');
  for (const { sid, seq, state } of outbound) {
    const copies = handset.filter((text) => text.sid === sid).length;
    if (state === 'accepted' && copies !== 1) no('P2', `${copies} copies on the handset`, seq);
    if (state === 'queued' || state === 'sending' || state === 'unknown') no('P2', `still ${state}`, seq);
  }
  const known = new Set(outbound.map(({ sid }) => sid));
  for (const { sid, body } of handset) {
    if (!known.has(sid))
      no('P2', `a text on the handset that the record does not have: ${body.slice(0, 60)}`);
  }
  // By their words, which are of one turn only: what was sent under another id is a matter of P2.
  const wanted = due.map(({ body }) => body);
  const arrived = handset.map(({ body }) => body).filter((body) => wanted.includes(body));
  if (wanted.filter((body) => arrived.includes(body)).join('\n') !== unique(arrived).join('\n'))
    no('P4', 'texts reached the handset in another order');

  for (const text of handset) {
    const atMs = (text.reachedAt ?? text.createdAt).getTime();
    const stop = shopper.stops.find(({ fromMs, untilMs }) => atMs > fromMs + UNDER_WAY_MS && atMs < untilMs);
    if (stop && !/unsubscribed/.test(text.body)) no('P5', 'a text after the opt-out was acknowledged');
  }

  // A reply that a takeover canceled left the context; what it had been told may have held another such.
  const inContext = rows.filter(({ retracted }) => !retracted);
  for (const { body, sender, seq, organization } of inContext) {
    const told = sender === 'assistant' ? toldIn(body) : undefined;
    if (!told) continue;
    if (told.organizationId !== organization) no('P3', `a reply made for ${told.organizationId}`, seq);
    const shown = inContext.filter((row) => row.seq <= told.lastSeq);
    if (told.organizationId === organization && digestOf(shown) !== told.digest)
      no('P6', 'the assistant was shown something else than the record holds', seq);
    const newest = rows.findLast((row) => row.seq < seq && row.direction === 'inbound');
    if (told.organizationId === organization && newest && told.lastSeq < newest.seq)
      no('P6', `the assistant had not seen text ${newest.seq}`, seq);
  }
  return found;
}

const unique = (bodies: readonly string[]): string[] => [...new Set(bodies)];

const isKeyword = (body: string): boolean => /^(stop|start|help|info)$/i.test(body.trim());
