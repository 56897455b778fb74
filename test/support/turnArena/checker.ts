/** Compares what each turn was shown with what the record held at its claim. */
import { isDeepStrictEqual } from 'node:util';
import type { AssistantRequest } from '../../../services/assistant/types.js';
import type { Database } from '../../../services/db/client.js';
import type { OrganizationId, Slots } from '../../../services/types.js';
import { readTruth, type Truth } from './revLog.js';

/** What the assistant was shown, without what nobody compares. */
export interface Seen {
  readonly process: string;
  readonly organizationId: OrganizationId;
  readonly agentId: OrganizationId;
  readonly settingsVersion: number;
  readonly conversationId: string;
  readonly rev: string;
  readonly lastSeq: number;
  readonly owner: string;
  readonly optedOut: boolean;
  readonly slots: Slots;
  readonly summary: string;
  readonly messages: readonly (readonly [number, string])[];
}

export interface Violation {
  readonly what: string;
  readonly process: string;
  readonly conversationId: string;
  readonly lastSeq: number;
  readonly expected: unknown;
  readonly actual: unknown;
}

export interface Checker {
  /** How many turns have been compared. */
  readonly checked: number;
  readonly violations: readonly Violation[];
  saw(seen: Seen): void;
  /** Compares everything seen so far. */
  flush(): Promise<void>;
}

const SNAPSHOT_MESSAGES = 50;
const BATCH = 200;

/** A text carries the number of the settings that were in force before it was sent. */
export const settingsMark = (version: number): string => `#s${version}`;
const SETTINGS_MARK = /#s(\d+)$/;

export function createChecker(database: Database): Checker {
  let waiting: Seen[] = [];
  let checked = 0;
  const violations: Violation[] = [];
  let comparing = Promise.resolve();

  async function compareBatch(batch: readonly Seen[]): Promise<void> {
    const truths = await readTruth(database, batch);
    for (const [n, seen] of batch.entries()) violations.push(...compare(seen, truths[n]!));
    checked += batch.length;
  }

  function take(): void {
    const batch = waiting;
    waiting = [];
    comparing = comparing.then(() => compareBatch(batch));
  }

  return {
    get checked() {
      return checked;
    },
    violations,
    saw: (seen) => {
      // It came from another process: objects of another realm are equal to none of ours.
      waiting.push(JSON.parse(JSON.stringify(seen)) as Seen);
      if (waiting.length >= BATCH) take();
    },
    flush: async () => {
      if (waiting.length > 0) take();
      await comparing;
    },
  };
}

export function seenBy(process: string, { agent, conversation }: AssistantRequest): Seen {
  const { organizationId, conversationId, rev, lastSeq, owner, optedOut, slots, summary } = conversation;
  return {
    process,
    organizationId,
    agentId: agent.organization.id,
    settingsVersion: Number(agent.organization.settings.address ?? 0),
    conversationId,
    rev,
    lastSeq,
    owner,
    optedOut,
    slots,
    summary,
    messages: conversation.messages.map(({ seq, body }) => [seq, body] as const),
  };
}

function compare(seen: Seen, truth: Truth): Violation[] {
  const { process, conversationId, lastSeq } = seen;
  const found: Violation[] = [];
  const expect = (what: string, expected: unknown, actual: unknown, isRight: boolean) => {
    if (!isRight) found.push({ what, process, conversationId, lastSeq, expected, actual });
  };
  const same = (what: string, expected: unknown, actual: unknown) =>
    expect(what, expected, actual, isDeepStrictEqual(expected, actual));
  if (truth.messages === null) {
    expect('a base rev that the record never had', null, seen.rev, false);
    return found;
  }
  same('the conversation of the rev', truth.conversationId, seen.conversationId);
  same('its organization', truth.organizationId, seen.organizationId);
  same("the settings' organization", seen.organizationId, seen.agentId);
  same('owner and opt-out', [truth.owner, truth.optedOut], [seen.owner, seen.optedOut]);
  same('slots', truth.slots, seen.slots);
  same('summary', truth.summary, seen.summary);
  // A snapshot read from the record just after the claim may lack, at its old end, as many as have come since.
  const least = Math.min(truth.messages.length, SNAPSHOT_MESSAGES - truth.later);
  expect('length', least, seen.messages.length, seen.messages.length >= least);
  const window = seen.messages.length === 0 ? [] : truth.messages.slice(-seen.messages.length);
  same('messages', window, seen.messages);
  const atLeast = settingsFloor(seen);
  expect('settings', `>= ${atLeast}`, seen.settingsVersion, seen.settingsVersion >= atLeast);
  return found;
}

function settingsFloor({ messages }: Seen): number {
  return Math.max(0, ...messages.map(([, body]) => Number(SETTINGS_MARK.exec(body)?.[1] ?? 0)));
}
