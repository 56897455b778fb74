import type { Message, ProviderKey, Rev } from '../types.js';

/** The last messages of a lead for people, and the rev of the conversation that they were read at. */
export interface HistoryPage {
  readonly rev: Rev;
  readonly messages: readonly Message[];
}

/** The sealed provider keys of an organization as of `rev`. */
export interface ProviderKeyList {
  readonly rev: string;
  readonly keys: readonly ProviderKey[];
}
