/** What a test and a Jack in a process of its own say to each other. */
import type { Seen } from '../turnArena/checker.js';

export interface WorkerOptions {
  readonly name: string;
  /** Variables of the configuration. */
  readonly env: Readonly<Record<string, string>>;
  /** `learning` answers after a moment, never the same twice, and learns something each time; absent: the scripted one. */
  readonly assistant?: 'learning';
  /** As in ContextOptions. */
  readonly localCacheBytes?: number;
}

export interface Request {
  readonly n: number;
  readonly call: string;
  readonly args: readonly unknown[];
}

export interface Failure {
  readonly message: string;
  /** Of a JackError. */
  readonly code?: string | undefined;
  readonly sqlState?: string | undefined;
}

export type Said =
  | { readonly what: 'up'; readonly url: string }
  | { readonly what: 'failed'; readonly message: string }
  | { readonly what: 'answer'; readonly n: number; readonly result?: unknown; readonly failure?: Failure }
  /** A turn was shown this. */
  | { readonly what: 'seen'; readonly seen: Seen }
  /** A text was queued in this conversation. */
  | { readonly what: 'queued'; readonly conversationId: string };
