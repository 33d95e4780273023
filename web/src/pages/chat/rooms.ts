// The list of rooms, and how it changes with what is said.

import type { Message } from './timeline';

export interface Room {
  id: string;
  name: string;
  private: boolean;
  /** The id of whom it belongs to. */
  owner: string;
  /** The user is in it. */
  member: boolean;
  /** How many are. */
  members: number;
  /** The number of its last message, and how far the user has looked. */
  seq: number;
  seen: number;
  /** The last message, as far as it is known. */
  last: Message | undefined;
}

/** Those with the latest messages first; a room in which nothing was said stands by its id: a newer one is higher. */
export function sorted(rooms: readonly Room[]): Room[] {
  return [...rooms].sort((a, b) => (b.last?.at ?? 0) - (a.last?.at ?? 0) || compareIds(b.id, a.id));
}

function compareIds(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

export function withRoom(rooms: readonly Room[], room: Room): Room[] {
  return sorted([...rooms.filter((r) => r.id !== room.id), room]);
}

/** How many messages the user has not looked at. */
export const unreadIn = (r: Room): number => (r.member ? Math.max(0, r.seq - r.seen) : 0);

/** The room goes up to a message; which one that is may not be known. */
export function withLast(rooms: readonly Room[], room: string, seq: number, last?: Message): Room[] {
  const changed = rooms.map((r) => {
    if (r.id !== room || (r.seq >= seq && !(last && last.seq > (r.last?.seq ?? 0)))) return r;
    const newer = last && last.seq > (r.last?.seq ?? 0) ? last : r.last;
    return { ...r, seq: Math.max(r.seq, seq), last: newer };
  });
  return sorted(changed);
}

/** The last message of a room was edited or deleted. */
export function withChange(
  rooms: readonly Room[],
  room: string,
  id: string,
  version: number,
  to: Partial<Message>,
): Room[] {
  return rooms.map((r) =>
    r.id === room && r.last?.id === id && r.last.version < version
      ? { ...r, last: { ...r.last, ...to, version } }
      : r,
  );
}

/** The user has looked at a room up to a message. */
export function withSeen(rooms: readonly Room[], room: string, seq: number): Room[] {
  return rooms.map((r) => (r.id === room && r.seen < seq ? { ...r, seen: seq } : r));
}
