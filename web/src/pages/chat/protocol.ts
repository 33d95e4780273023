// What the chat's gateway takes and tells, as it says itself.

export type {
  ChatClientToServerEvents as ToServer,
  ChatServerToClientEvents as FromServer,
  Message as WireMessage,
} from '../../live/gateways';

export interface Person {
  userId: string;
  userName: string;
}

// The server's bounds, in characters.
export const maxMessage = 2000;
export const maxRoomName = 64;
