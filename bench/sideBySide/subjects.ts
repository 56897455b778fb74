import { createAwaited } from './subjects/awaited.js';
import { createBareReading, createBareWarm } from './subjects/bare.js';
import { createBento } from './subjects/bento.js';
import { createCacheManager } from './subjects/cacheManager.js';
import { createJack } from './subjects/jack.js';
import type { CreateSubject } from './work.js';

interface Entry {
  readonly title: string;
  readonly create: CreateSubject;
  /** What it may answer that is not so any more, when there is more than one process. */
  readonly note?: string;
}

export const SUBJECTS = {
  bareWarm: { title: 'limit B: bare ioredis, what the tower sends', create: createBareWarm },
  bareReading: { title: 'limit A: bare ioredis, all state read', create: createBareReading },
  jack: { title: 'Jack', create: createJack() },
  jackReading: { title: 'Jack, keeping nothing in the process', create: createJack({ localMaxBytes: 0 }) },
  awaited: { title: 'ioredis, awaited', create: createAwaited },
  cacheManager: { title: 'cache-manager', create: createCacheManager(false) },
  cacheManagerMemory: { title: 'cache-manager, memory first (stale)', create: createCacheManager(true) },
  bento: { title: 'bentocache', create: createBento(false) },
  bentoMemory: { title: 'bentocache, memory first, bus (stale)', create: createBento(true) },
  jackPool2: { title: 'Jack, 2 connections', create: createJack({ poolSize: 2 }) },
  jackPool4: { title: 'Jack, 4 connections', create: createJack({ poolSize: 4 }) },
  jackReadingPool2: {
    title: 'Jack, keeping nothing, 2 connections',
    create: createJack({ localMaxBytes: 0, poolSize: 2 }),
  },
  jackReadingPool4: {
    title: 'Jack, keeping nothing, 4 connections',
    create: createJack({ localMaxBytes: 0, poolSize: 4 }),
  },
} as const satisfies Record<string, Entry>;

export type SubjectName = keyof typeof SUBJECTS;

/** Beside each other. */
export const OWN: readonly SubjectName[] = ['bareWarm', 'bareReading', 'jack', 'jackReading', 'awaited'];
export const LIBRARIES: readonly SubjectName[] = [
  'cacheManager',
  'cacheManagerMemory',
  'bento',
  'bentoMemory',
];
export const POOLS: readonly SubjectName[] = [
  'jack',
  'jackPool2',
  'jackPool4',
  'jackReading',
  'jackReadingPool2',
  'jackReadingPool4',
];
