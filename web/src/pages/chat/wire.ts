// What a conversation asks of the server.

import type { Api } from '../../api/api';
import { KachiError, type ChatClient } from '../../live/gateways';
import type { Person, WireMessage } from './protocol';
import type { Message } from './timeline';

export interface Joined {
  /** Who is there; of a large room not all. */
  present: readonly Person[];
  total: number;
  /** How far the user has seen the room. */
  seenUpTo: number;
}

export interface Wire {
  online(): boolean;
  /** Whether the user is a member of the room. */
  isMember(room: string): Promise<boolean>;
  /** Enters the room. Of one that is open to all that makes a member. */
  join(room: string): Promise<Joined>;
  /** Messages before one, or the newest, the oldest first. */
  history(room: string, before: Message | undefined): Promise<{ messages: Message[]; older: boolean }>;
  /** How far the members have seen the room, by user id. */
  seenBy(room: string): Promise<ReadonlyMap<string, number>>;
  post(room: string, text: string, clientId: string): Promise<Message>;
  edit(id: string, text: string): Promise<{ version: number }>;
  remove(id: string): Promise<{ version: number }>;
  seen(room: string, m: Message): void;
  typing(room: string): void;
}

/** So many messages are asked for at a time. */
const pageSize = 50;
/** Rooms with more members do not tell who has seen what. */
const maxWatched = 100;

export function fromWire(m: WireMessage): Message {
  return {
    key: m.clientId || m.id,
    id: m.id,
    seq: m.seq,
    version: m.version,
    sender: m.sender,
    text: m.message,
    at: Date.parse(m.sentAt),
    edited: m.editedAt !== undefined,
    deleted: m.deletedAt !== undefined,
  };
}

/** The server, by the socket of the chat and the HTTP API. */
export class LiveWire implements Wire {
  readonly #client: ChatClient;
  readonly #api: Api;
  readonly #me: Person;

  constructor(client: ChatClient, api: Api, me: Person) {
    this.#client = client;
    this.#api = api;
    this.#me = me;
  }

  online(): boolean {
    return this.#client.socket.connected;
  }

  async isMember(room: string): Promise<boolean> {
    return (await this.#api.call('GET /api/rooms/{id}', { path: { id: room } })).member;
  }

  async join(room: string): Promise<Joined> {
    const { members, total, seen } = await this.#client.join(room);
    return { present: members, total, seenUpTo: seen };
  }

  async history(room: string, before: Message | undefined) {
    const query = before ? { before: before.id, limit: pageSize } : { limit: pageSize };
    const { messages, next } = await this.#api.call('GET /api/rooms/{id}/messages', {
      path: { id: room },
      query,
    });
    return { messages: messages.map(fromWire), older: Boolean(next) };
  }

  async seenBy(room: string) {
    const { members } = await this.#api.call('GET /api/rooms/{id}/members', {
      path: { id: room },
      query: { limit: maxWatched },
    });
    return new Map(members.map((m) => [m.userId, m.seen]));
  }

  async post(room: string, text: string, clientId: string): Promise<Message> {
    const { id, seq, sentAt } = await this.#client.message({ room, message: text, clientId });
    const at = Date.parse(sentAt);
    return { key: clientId, id, seq, version: 1, sender: this.#me, text, at, edited: false, deleted: false };
  }

  edit(id: string, text: string): Promise<{ version: number }> {
    return this.#client.edit({ id, message: text });
  }

  remove(id: string): Promise<{ version: number }> {
    return this.#client.delete({ id });
  }

  seen(room: string, m: Message) {
    // What is lost is told with the next message that is seen.
    this.#client.seen({ room, id: m.id }).catch((error: unknown) => {
      if (!(error instanceof KachiError)) throw error;
    });
  }

  typing(room: string) {
    this.#client.socket.volatile.emit('typing', { room });
  }
}
