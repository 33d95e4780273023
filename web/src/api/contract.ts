// What the server's HTTP API takes and gives. A page adds its own calls here.

import type { Location, Message, Participant, State, Told } from '../live/gateways';

export interface User {
  id: string;
  name: string;
}

export interface Credentials {
  name: string;
  password: string;
}

export interface SignedIn {
  user: User;
  accessToken: string;
  /** RFC 3339, by the server's clock. */
  expiresAt: string;
}

/** A room as its caller has it. */
export interface Room {
  id: string;
  name: string;
  private: boolean;
  ownerId: string;
  createdAt: string;
  /** How many. */
  members: number;
  /** The caller is one. */
  member: boolean;
  /** The number of its last message, and up to which the caller has seen it. */
  seq: number;
  seen: number;
  unread: number;
  lastMessage?: Message;
}

export interface Member extends Participant {
  /** Up to which message, by its number. */
  seen: number;
  joinedAt: string;
}

export type Notification = Omit<Told, keyof NotificationState>;

/** How many notifications are unread. The version counts the changes of all that somebody has. */
export type NotificationState = State;

export interface NotificationPage extends NotificationState {
  /** The newest first. */
  notifications: Notification[];
  /** What to give as `before` for the next page; null on the last one. */
  next: string | null;
}

export type Place = Location;

export type Geometry = Place['geometry'];

/** A place as GeoJSON has it (RFC 7946). */
export interface PlaceFeature {
  type: 'Feature';
  id: string;
  geometry: Geometry;
  properties: Omit<Place, 'id' | 'geometry'>;
}

/** Somebody who may see a place of another. */
export interface Watcher {
  userId: string;
  userName: string;
  grantedAt: string;
}

interface Call {
  body?: unknown;
  query?: unknown;
  answer: unknown;
}

/** Each call by its method and path, as section 7 of the design names them. */
export interface Calls {
  'POST /api/auth/register': { body: Credentials; answer: SignedIn };
  'POST /api/auth/login': { body: Credentials; answer: SignedIn };
  'POST /api/auth/refresh': { answer: SignedIn };
  'POST /api/auth/logout': { answer: void };
  'GET /api/me': { answer: { user: User } };
  'GET /api/users': { query: { q: string; limit?: number }; answer: { users: User[] } };
  'GET /api/rooms': {
    query: { mine?: boolean; before?: string; limit?: number };
    answer: { rooms: Room[]; next: string | null };
  };
  'POST /api/rooms': { body: { name: string; private?: boolean }; answer: Room };
  'GET /api/rooms/{id}': { answer: Room };
  'PATCH /api/rooms/{id}': { body: { name?: string; private?: boolean }; answer: Room };
  'DELETE /api/rooms/{id}': { answer: void };
  'GET /api/rooms/{id}/messages': {
    query: { before?: string; after?: string; limit?: number };
    answer: { messages: Message[]; next: string | null };
  };
  'GET /api/rooms/{id}/members': {
    query: { after?: string; limit?: number };
    answer: { members: Member[]; next: string | null };
  };
  'POST /api/rooms/{id}/members': { body: { userId: string }; answer: void };
  'DELETE /api/rooms/{id}/members/{userId}': { answer: void };
  'PUT /api/location': {
    body: { id?: string; name?: string; geometry: Geometry };
    answer: { status: number; data: { updatedLocationResult: Place } };
  };
  'GET /api/location/{id}': { answer: PlaceFeature };
  'GET /api/location': {
    query: { bbox?: string; near?: string; radius?: number; after?: string; limit?: number };
    answer: { type: 'FeatureCollection'; features: PlaceFeature[]; next: string | null };
  };
  'DELETE /api/location/{id}': { answer: void };
  'GET /api/location/{id}/watchers': {
    query: { after?: string; limit?: number };
    answer: { watchers: Watcher[]; next: string | null };
  };
  'POST /api/location/{id}/watchers': { body: { userId: string }; answer: void };
  'DELETE /api/location/{id}/watchers/{userId}': { answer: void };
  'GET /api/notifications': {
    query: { before?: string; limit?: number; unread?: boolean };
    answer: NotificationPage;
  };
  'PUT /api/notifications/{id}/read': { answer: NotificationState };
  'PUT /api/notifications/read': { body: { upTo?: string }; answer: NotificationState };
}

export type CallName = keyof Calls;

export type Answer<N extends CallName> = Calls[N]['answer'];

type Placeholder<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholder<Rest>
  : never;

type Needed<K extends string, T> = unknown extends T ? { [P in K]?: undefined } : { [P in K]: T };

/** What a call is made with: the values of its path's placeholders, its query, its body. */
export type Input<N extends CallName> = ([Placeholder<N>] extends [never]
  ? { path?: undefined }
  : { path: Record<Placeholder<N>, string | number> }) &
  (Calls[N] extends { body: infer B } ? Needed<'body', B> : { body?: undefined }) &
  (Calls[N] extends { query: infer Q } ? { query?: Q } : { query?: undefined });

/** Nothing but shapes of calls stands in Calls. */
export type Checked = { [N in CallName]: Calls[N] extends Call ? true : never };
