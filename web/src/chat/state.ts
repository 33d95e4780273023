// What the page shows, as one immutable value, and the transitions that need thought.

import type { Member, RoomMessage } from './protocol';

/** How the page stands with the server. */
export type Link =
  | { kind: 'connecting' }
  | { kind: 'connected' }
  | { kind: 'offline'; attempt: number }
  | { kind: 'refused'; code: string; message: string };

/**
 * What became of a message written here: it waits for the connection, is on its way, was
 * taken by the server, or was not.
 */
export type Delivery = 'waiting' | 'sending' | 'delivered' | 'failed';

export interface MessageLine {
  kind: 'message';
  key: string;
  /** The server's id, once known. */
  id?: string;
  sender: Member;
  text: string;
  /** Milliseconds since 1970: when it was written, then the server's time once that is known. */
  at: number;
  /** Set on messages written in this page. */
  delivery?: Delivery;
  /** Why it failed: an error code of the server, or 'no_answer'. */
  reason?: string;
  own: boolean;
}

/** A line between the messages: somebody came or went, or the page was away. Times are in milliseconds since 1970. */
export type Notice =
  | { kind: 'joined' | 'left'; key: string; name: string }
  | { kind: 'away'; key: string; from: number; to: number };

export type Line = MessageLine | Notice;

export interface State {
  link: Link;
  /** Set while the user is in a room, or on the way into it. */
  room?: string;
  me?: Member;
  entering: boolean;
  /** An error code: why the last attempt to enter failed. */
  entryError?: string;
  members: Member[];
  typing: Member[];
  lines: Line[];
}

export const initial: State = {
  link: { kind: 'connecting' },
  entering: false,
  members: [],
  typing: [],
  lines: [],
};

/** The page keeps this many lines; older ones leave it, except messages that are not delivered yet. */
export const maxLines = 500;
/** This many messages may wait for the connection. */
export const maxPending = 100;

export function isPending(line: Line): line is MessageLine {
  return line.kind === 'message' && (line.delivery === 'waiting' || line.delivery === 'sending');
}

export function pending(state: State): MessageLine[] {
  return state.lines.filter(isPending);
}

export function append(lines: Line[], line: Line): Line[] {
  const all = [...lines, line];
  const excess = all.length - maxLines;
  if (excess <= 0) return all;
  return all.filter((l, i) => i >= excess || isPending(l));
}

/** Adds a message from the room; one that is shown already changes nothing. */
export function receive(state: State, event: RoomMessage): State {
  if (state.lines.some((l) => l.kind === 'message' && l.id === event.id)) return state;
  const line: MessageLine = {
    kind: 'message',
    key: event.id,
    id: event.id,
    sender: event.sender,
    text: event.message,
    at: Date.parse(event.sentAt),
    own: event.sender.userId === state.me?.userId,
  };
  return {
    ...state,
    lines: append(state.lines, line),
    typing: state.typing.filter((m) => m.userId !== event.sender.userId),
  };
}

export function update(state: State, key: string, change: Partial<MessageLine>): State {
  return {
    ...state,
    lines: state.lines.map((l) => (l.kind === 'message' && l.key === key ? { ...l, ...change } : l)),
  };
}

/** What was on its way when the connection ended goes out again after the return; its id keeps it single. */
export function holdBack(lines: Line[]): Line[] {
  return lines.map((l): Line => {
    if (l.kind !== 'message') return l;
    const unanswered = l.delivery === 'sending' || (l.delivery === 'failed' && l.reason === 'no_answer');
    return unanswered ? { ...l, delivery: 'waiting', reason: undefined } : l;
  });
}

export function withMember(members: Member[], who: Member): Member[] {
  return [...members.filter((m) => m.userId !== who.userId), who];
}

export function withoutMember(members: Member[], userId: string): Member[] {
  return members.filter((m) => m.userId !== userId);
}
