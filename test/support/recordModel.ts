/** The record in a few lines: what services/db/migrations and services/turns/claims.ts promise, each step in one piece. */
import type { Claim } from '../../services/turns/claims.js';
import type {
  ContextMessage,
  ConversationId,
  ConversationSnapshot,
  LeadId,
  OrganizationId,
  Rev,
} from '../../services/types.js';

const SNAPSHOT_MESSAGES = 50;

interface Row {
  readonly organizationId: OrganizationId;
  readonly conversationId: ConversationId;
  readonly leadId: LeadId;
  baseRev: Rev;
  baseSeq: number;
  fence: number;
  summary: string;
  messages: ContextMessage[];
}

export class RecordModel {
  readonly #rows: readonly Row[];
  #count = 0;

  constructor(conversations: number) {
    this.#rows = Array.from({ length: conversations }, (_, n) => ({
      // Two of one organization, so that clearing it is seen to reach both.
      organizationId: `org-${Math.floor(n / 2)}` as OrganizationId,
      conversationId: `00000000-0000-4000-8000-00000000000${n}` as ConversationId,
      leadId: `00000000-0000-4000-9000-00000000000${n}` as LeadId,
      baseRev: this.#newRev(),
      baseSeq: 0,
      fence: 0,
      summary: '',
      messages: [],
    }));
  }

  idsOf(at: number): Pick<Row, 'organizationId' | 'conversationId'> {
    return this.#rows[at]!;
  }

  read(at: number): ConversationSnapshot {
    const row = this.#rows[at]!;
    return {
      organizationId: row.organizationId,
      conversationId: row.conversationId,
      leadId: row.leadId,
      rev: row.baseRev,
      lastSeq: row.messages.length,
      owner: 'assistant',
      optedOut: false,
      summary: row.summary,
      slots: {},
      messages: row.messages.slice(-SNAPSHOT_MESSAGES),
    };
  }

  /** @returns what the statement of a claim returns, and what the turn must be shown for it. */
  claim(at: number): { readonly claim: Claim; readonly truth: ConversationSnapshot } {
    const row = this.#rows[at]!;
    row.fence += 1;
    const claim: Claim = {
      organizationId: row.organizationId,
      organizationRev: row.baseRev,
      conversationId: row.conversationId,
      leadId: row.leadId,
      fence: row.fence,
      attempts: 1,
      lastSeq: row.messages.length,
      baseRev: row.baseRev,
      baseSeq: row.baseSeq,
      since: row.messages.slice(row.baseSeq),
    };
    return { claim, truth: this.read(at) };
  }

  /** Undefined when the gate refuses: another claim, or a newer text. */
  reply(at: number, claim: Claim) {
    const row = this.#rows[at]!;
    if (row.fence !== claim.fence || row.messages.length !== claim.lastSeq) return undefined;
    const follows = row.baseRev;
    const message = this.#add(row, 'assistant', 'reply');
    row.fence += 1;
    row.summary = `summary ${this.#count}`;
    this.#renew(row);
    return { follows, message, rev: row.baseRev, summary: row.summary };
  }

  change(at: number, what: 'text' | 'redact' | 'summary' | 'staff'): void {
    const row = this.#rows[at]!;
    if (what === 'text') this.#add(row, 'lead', 'text');
    else if (what === 'staff') {
      this.#add(row, 'staff', 'staff');
      this.#renew(row);
    } else if (what === 'summary') {
      row.summary = `by hand ${++this.#count}`;
      this.#renew(row);
    } else if (row.messages.length > 0) {
      const chosen = this.#count % row.messages.length;
      row.messages = row.messages.map((message, n) =>
        n === chosen ? { ...message, body: `redacted ${++this.#count}` } : message,
      );
      this.#renew(row);
    }
  }

  #add(row: Row, sender: ContextMessage['sender'], word: string): ContextMessage {
    this.#count += 1;
    const message: ContextMessage = {
      seq: row.messages.length + 1,
      direction: sender === 'lead' ? 'inbound' : 'outbound',
      sender,
      body: `${word} ${this.#count}`,
      media: [],
      createdAtMs: 1_700_000_000_000 + this.#count,
    };
    row.messages = [...row.messages, message];
    return message;
  }

  #renew(row: Row): void {
    row.baseRev = this.#newRev();
    row.baseSeq = row.messages.length;
  }

  #newRev(): Rev {
    this.#count += 1;
    return `rev-${this.#count}` as Rev;
  }
}
