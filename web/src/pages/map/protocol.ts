// The namespace /location, and places as the API has them.

import type { Place } from '../../api/contract';
import type { Refusal } from '../../api/refusal';

/** A place changed. `roomName` is the room that was joined for it. */
export interface Changed {
  userId: string;
  message: Place;
  roomName: string;
}

/** The user can no longer see a place. */
export interface Left {
  roomName: string;
  reason: 'revoked' | 'deleted';
}

export interface FromServer {
  chat: (changed: Changed) => void;
  left_room: (left: Left) => void;
}

export interface ToServer {
  /** Has the changes of a place come here, and the place as it is now before all. */
  join_room: (body: { locationId: string }, answer: (room: string | Refusal) => void) => void;
}
