// The messages of a room that the page holds: a stretch of the conversation without holes, in the order of `seq`.

import type { Person } from './protocol';

export interface Message {
  /** Stays the same from the first drawing on: the clientId of what was written here, else the id. */
  key: string;
  id: string;
  /** Counts the messages of the room. */
  seq: number;
  /** Counts what became of the message: a higher one is newer. */
  version: number;
  sender: Person;
  /** Empty when it was deleted. */
  text: string;
  /** Milliseconds since 1970, by the server's clock. */
  at: number;
  edited: boolean;
  deleted: boolean;
}

export interface Timeline {
  messages: readonly Message[];
  /** Older ones are on the server. */
  older: boolean;
  /** Newer ones are on the server: the page has let go of them while the reader went up. */
  newer: boolean;
}

export const nothing: Timeline = { messages: [], older: false, newer: false };

/** The page holds this many messages of a room. */
export const maxHeld = 1000;

export const newest = (t: Timeline): number => t.messages.at(-1)?.seq ?? 0;

/**
 * Adds messages wherever they belong. What is there already is replaced by a newer version of it, and keeps
 * its key.
 */
export function merge(messages: readonly Message[], added: readonly Message[]): readonly Message[] {
  const last = messages.at(-1)?.seq ?? 0;
  if (added.length === 1 && added[0]!.seq > last) return [...messages, added[0]!];
  const bySeq = new Map(messages.map((m) => [m.seq, m]));
  for (const m of added) {
    const known = bySeq.get(m.seq);
    if (known && known.version >= m.version) continue;
    bySeq.set(m.seq, known ? { ...m, key: known.key } : m);
  }
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** What became of a message. One that the page does not hold, or knows something newer of, changes nothing. */
export function change(t: Timeline, id: string, version: number, to: Partial<Message>): Timeline {
  const at = t.messages.findIndex((m) => m.id === id);
  const known = t.messages[at];
  if (!known || known.version >= version) return t;
  return { ...t, messages: t.messages.with(at, { ...known, ...to, version }) };
}

/**
 * Adds what was said just now. `gap` says that something before it is missing: the timeline is as it was
 * then, and the newest page has to be asked for.
 */
export function hear(t: Timeline, m: Message): { timeline: Timeline; gap: boolean } {
  if (t.newer) return { timeline: t, gap: false };
  if (t.messages.length === 0) return { timeline: { ...t, messages: [m], older: m.seq > 1 }, gap: false };
  if (m.seq > newest(t) + 1) return { timeline: t, gap: true };
  if (m.seq < t.messages[0]!.seq) return { timeline: t, gap: false };
  return { timeline: kept({ ...t, messages: merge(t.messages, [m]) }, 'newest'), gap: false };
}

/** Adds a page of older messages above. */
export function withOlder(t: Timeline, page: readonly Message[], older: boolean): Timeline {
  return kept({ ...t, messages: merge(t.messages, page), older }, 'oldest');
}

/**
 * Takes up the newest page. Where it does not reach what the page holds, something is missing between the
 * two: then it alone stays, and the rest can be had by going up again.
 */
export function withNewest(t: Timeline, page: readonly Message[], older: boolean): Timeline {
  const first = page[0]?.seq ?? 0;
  const joined = !t.newer && t.messages.length > 0 && first <= newest(t) + 1 && page.length > 0;
  if (!joined) return { messages: keyed(t, page), older, newer: false };
  const olderStays = t.messages[0]!.seq < first ? t.older : older;
  return kept({ messages: merge(t.messages, page), older: olderStays, newer: false }, 'newest');
}

function keyed(t: Timeline, page: readonly Message[]): readonly Message[] {
  const keys = new Map(t.messages.map((m) => [m.id, m.key]));
  return page.map((m) => ({ ...m, key: keys.get(m.id) ?? m.key }));
}

function kept(t: Timeline, end: 'oldest' | 'newest'): Timeline {
  if (t.messages.length <= maxHeld) return t;
  return end === 'newest'
    ? { ...t, messages: t.messages.slice(-maxHeld), older: true }
    : { ...t, messages: t.messages.slice(0, maxHeld), newer: true };
}
