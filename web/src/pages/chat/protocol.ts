// What the chat's gateway takes and tells, as it says itself.

export type { Message as WireMessage, Participant as Person } from '../../live/gateways';

// The server's bounds, in characters.
export const maxMessage = 2000;
export const maxRoomName = 64;
