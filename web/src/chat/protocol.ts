// What the page and the server's /chat namespace say to each other.

import type { Socket } from 'socket.io-client';
import type { Refusal } from '../api/refusal';

export { isRefusal, type Refusal } from '../api/refusal';

export interface Member {
  userId: string;
  userName: string;
}

export interface Joined {
  room: string;
  members: Member[];
  user: Member;
}

export interface Receipt {
  id: string;
  sentAt: string;
}

export interface RoomMessage {
  id: string;
  room: string;
  sender: Member;
  message: string;
  sentAt: string;
}

type Answer<T> = (answer: T | Refusal) => void;

export interface FromServer {
  userJoined: (event: Member & { room: string }) => void;
  userLeft: (event: Member & { room: string }) => void;
  message: (event: RoomMessage) => void;
  typing: (event: Member & { room: string }) => void;
}

export interface ToServer {
  join: (body: { name: string; room: string }, answer: Answer<Joined>) => void;
  message: (body: { room: string; message: string; clientId: string }, answer: Answer<Receipt>) => void;
  exit: (room: string) => void;
  typing: (body: { room: string }) => void;
}

export type ChatSocket = Socket<FromServer, ToServer>;

// The server's bounds, in UTF-16 code units here and in code points there, so that
// nothing the page lets through is refused for its length.
export const maxName = 32;
export const maxRoom = 64;
export const maxMessage = 2000;
