// What the chat's gateway takes and tells.

import type { Refusal } from '../../api/refusal';

export interface Person {
  userId: string;
  userName: string;
}

export interface WireMessage {
  id: string;
  room: string;
  seq: number;
  version: number;
  sender: Person;
  message: string;
  clientId?: string;
  sentAt: string;
  editedAt?: string;
  deletedAt?: string;
}

type Answer<T> = (answer: T | Refusal) => void;

export interface FromServer {
  message: (event: WireMessage) => void;
  messageEdited: (event: WireMessage) => void;
  messageDeleted: (event: WireMessage) => void;
  userJoined: (event: Person & { room: string }) => void;
  userLeft: (event: Person & { room: string }) => void;
  getUserList: (event: { room: string; userList: Person[]; total: number }) => void;
  typing: (event: Person & { room: string }) => void;
  seen: (event: { room: string; userId: string; id: string; seq: number }) => void;
  unread: (event: { room: string; unread: number; seen: number; seq: number }) => void;
  activity: (event: { room: string; seq: number }) => void;
  invited: (event: { room: string; name: string; private: boolean; by: Person }) => void;
  removed: (event: { room: string; name: string; private: boolean }) => void;
  roomChanged: (event: { room: string; name: string; private: boolean }) => void;
}

export interface ToServer {
  join: (
    room: string,
    answer: Answer<{ room: string; members: Person[]; total: number; seq: number; seen: number }>,
  ) => void;
  message: (
    body: { room: string; message: string; clientId?: string },
    answer: Answer<{ id: string; seq: number; sentAt: string }>,
  ) => void;
  edit: (body: { id: string; message: string }, answer: Answer<WireMessage>) => void;
  delete: (body: { id: string }, answer: Answer<WireMessage>) => void;
  exit: (room: string, answer: Answer<unknown>) => void;
  typing: (body: { room: string }) => void;
  seen: (body: { room: string; id: string }, answer: Answer<unknown>) => void;
}

// The server's bounds, in characters.
export const maxMessage = 2000;
export const maxRoomName = 64;
