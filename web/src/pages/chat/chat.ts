// The chat of who is signed in: the rooms, and those that were opened. It goes on while other pages are shown.

import { signal, type ReadonlySignal } from '@preact/signals';
import type { Room as WireRoom } from '../../api/contract';
import { isAbort } from '../../api/error';
import { ChatClient, KachiError } from '../../live/gateways';
import type { Lease } from '../../live/lease';
import { randomId } from '../../random';
import type { App } from '../../shell/app';
import { Conversation, type Outgoing } from './conversation';
import type { Person, WireMessage } from './protocol';
import { sorted, unreadIn, withChange, withLast, withRoom, withSeen, type Room } from './rooms';
import { drafts, outbox, type Shelf } from './shelf';
import type { Message } from './timeline';
import { unread } from './unread';
import { fromWire, LiveWire, type Wire } from './wire';

/** The chat, while somebody is signed in. */
export const current = signal<Chat | undefined>(undefined);

export interface RoomsState {
  kind: 'loading' | 'ready' | 'failed';
  rooms: readonly Room[];
  error: unknown;
}

/** So many rooms' conversations are held. */
const maxConversations = 12;
/** So many rooms are listed: the newest of those that are open to everyone, and one's own, loaded in pages. */
const maxOpen = 100;
const maxRooms = 700;
const roomsPage = 200;
/** How long to wait with finding out what is new in a room, in milliseconds: there may be more. */
const newsDelay = 1_000;

export class Chat {
  readonly me: Person;
  readonly drafts: Shelf<string>;
  readonly #outbox: Shelf<readonly Outgoing[]>;
  readonly #app: App;
  readonly #lease: Lease<ChatClient>;
  readonly #wire: Wire;
  readonly #rooms = signal<RoomsState>({ kind: 'loading', rooms: [], error: undefined });
  /** Rooms that were asked for and are not there, or not for this user. */
  readonly #missing = signal<ReadonlySet<string>>(new Set());
  readonly #conversations = new Map<string, Conversation>();
  /** Rooms that are being removed here. */
  readonly #removing = new Set<string>();
  /** Ends the loading of the list and of what is new in it. */
  #loading = new AbortController();
  readonly #news = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(app: App, me: Person, storage: Storage | undefined) {
    this.#app = app;
    this.me = me;
    this.drafts = drafts(me.userId, storage);
    this.#outbox = outbox(me.userId, storage);
    this.#lease = app.live.open(ChatClient);
    this.#wire = new LiveWire(this.#lease.client, app.api, me);
    this.#listen();
    void this.load();
    // What was written before the page was loaded goes out, whatever room is looked at.
    for (const room of this.#outbox.rooms) void this.conversation(room).enter(true);
  }

  get rooms(): ReadonlySignal<RoomsState> {
    return this.#rooms;
  }

  get missing(): ReadonlySignal<ReadonlySet<string>> {
    return this.#missing;
  }

  close() {
    this.#loading.abort();
    for (const timer of this.#news.values()) clearTimeout(timer);
    for (const c of this.#conversations.values()) c.close();
    this.#conversations.clear();
    this.#lease.release();
    unread.value = 0;
  }

  /** Throws away what was written and not sent. */
  forgetAll() {
    this.drafts.clear();
    this.#outbox.clear();
  }

  /** The conversation of a room, which goes on until many others were looked at. */
  conversation(room: string): Conversation {
    let c = this.#conversations.get(room);
    if (c) this.#conversations.delete(room);
    else {
      const told = {
        entered: () => this.#entered(room),
        sent: (m: Message) => this.#said(room, m),
        unsent: (all: readonly Outgoing[]) => {
          // What a conversation that was left still hears of its messages is nobody's any more.
          if (this.#conversations.get(room) === c) this.#outbox.set(room, all.length > 0 ? all : undefined);
        },
      };
      c = new Conversation(room, this.me, this.#wire, randomId, told, this.#outbox.get(room));
    }
    this.#conversations.set(room, c); // the last one is the one that was used last
    for (const [id, old] of this.#conversations) {
      if (this.#conversations.size <= maxConversations) break;
      if (id === room || old.unsent) continue;
      old.close();
      this.#conversations.delete(id);
    }
    return c;
  }

  // Rooms

  /** Loads the list of rooms. */
  async load() {
    this.#loading.abort();
    const { signal } = (this.#loading = new AbortController());
    this.#rooms.value = { ...this.#rooms.peek(), kind: 'loading' };
    try {
      const rooms = new Map<string, Room>();
      const add = (page: { rooms: WireRoom[] }) =>
        page.rooms.forEach((r) => rooms.set(r.id, roomFromWire(r)));
      add(await this.#app.api.call('GET /api/rooms', { query: { limit: maxOpen }, signal }));
      for (let before: string | undefined; rooms.size < maxRooms;) {
        const query = { mine: true, limit: roomsPage, ...(before !== undefined && { before }) };
        const page = await this.#app.api.call('GET /api/rooms', { query, signal });
        add(page);
        if (page.next === null) break;
        before = page.next;
      }
      this.#missing.value = new Set();
      this.#rooms.value = { kind: 'ready', rooms: sorted([...rooms.values()]), error: undefined };
      this.#count();
    } catch (error) {
      if (!isAbort(error)) this.#rooms.value = { ...this.#rooms.peek(), kind: 'failed', error };
    }
  }

  /** Loads a room that the list does not have. */
  async find(room: string) {
    if (this.#missing.peek().has(room)) return;
    try {
      this.#setRoom(roomFromWire(await this.#app.api.call('GET /api/rooms/{id}', { path: { id: room } })));
    } catch (error) {
      if (isAbort(error)) return;
      this.#missing.value = new Set(this.#missing.peek()).add(room);
    }
  }

  /** Makes a room, of which one is a member, and gives its id. */
  async create(name: string, secret: boolean): Promise<string> {
    const made = await this.#app.api.call('POST /api/rooms', { body: { name, private: secret } });
    this.#setRoom(roomFromWire(made));
    return made.id;
  }

  /** The user is in a room, for the first time maybe. */
  #entered(room: string) {
    const known = this.#room(room);
    if (!known || known.member) return;
    this.#setRoom({ ...known, member: true, members: known.members + 1, seen: known.seq });
  }

  /** Gives a room of one's own another name, or has it be open to other people. */
  async change(room: string, name: string, secret: boolean) {
    const body = { name, private: secret };
    this.#setRoom(
      roomFromWire(await this.#app.api.call('PATCH /api/rooms/{id}', { path: { id: room }, body })),
    );
  }

  /** Puts a member out of a room of one's own. */
  async exclude(room: string, userId: string) {
    await this.#app.api.call('DELETE /api/rooms/{id}/members/{userId}', { path: { id: room, userId } });
    const known = this.#room(room);
    if (known) this.#setRoom({ ...known, members: Math.max(0, known.members - 1) });
  }

  /** Removes a room of one's own, with all that was said there. */
  async remove(room: string) {
    this.#removing.add(room);
    try {
      await this.#app.api.call('DELETE /api/rooms/{id}', { path: { id: room } });
    } finally {
      this.#removing.delete(room);
    }
    this.#forget(room);
    this.#set(this.#rooms.peek().rooms.filter((r) => r.id !== room));
  }

  /** Ends the membership. */
  async leave(room: string) {
    await this.#lease.client.exit(room);
    this.#forget(room);
    const known = this.#room(room);
    if (!known) return;
    if (known.private) this.#set(this.#rooms.peek().rooms.filter((r) => r.id !== room));
    else this.#setRoom({ ...known, member: false, members: Math.max(0, known.members - 1) });
  }

  #room(room: string): Room | undefined {
    return this.#rooms.peek().rooms.find((r) => r.id === room);
  }

  #setRoom(room: Room) {
    this.#set(withRoom(this.#rooms.peek().rooms, room));
  }

  #set(rooms: readonly Room[]) {
    this.#rooms.value = { ...this.#rooms.peek(), rooms };
    this.#count();
  }

  #count() {
    unread.value = this.#rooms.peek().rooms.filter((r) => unreadIn(r) > 0).length;
  }

  #forget(room: string) {
    this.drafts.set(room, undefined);
    this.#outbox.set(room, undefined);
    this.#conversations.get(room)?.close();
    this.#conversations.delete(room);
  }

  // What the server tells

  #listen() {
    const lease = this.#lease;
    const of = (room: string) => this.#conversations.get(room);
    let lost = false;
    lease.onConnect((recovered) => {
      if (lost && !recovered) void this.load();
      lost = false;
      for (const c of this.#conversations.values()) void c.connected(recovered);
    });
    lease.onDisconnect(() => {
      lost = true;
      for (const c of this.#conversations.values()) c.lost();
    });
    lease.on('message', (e) => {
      const m = fromWire(e);
      of(e.room)?.hear(m);
      this.#said(e.room, m);
    });
    const changed = (e: WireMessage) => {
      const { text, edited, deleted, version } = fromWire(e);
      of(e.room)?.changed(e.id, version, { text, edited, deleted });
      this.#set(withChange(this.#rooms.peek().rooms, e.room, e.id, version, { text, edited, deleted }));
    };
    lease.on('messageEdited', changed);
    lease.on('messageDeleted', changed);
    lease.on('activity', ({ room, seq }) => {
      this.#set(withLast(this.#rooms.peek().rooms, room, seq));
      this.#learn(room);
    });
    lease.on('unread', ({ room, seen }) => this.#sees(room, seen));
    lease.on('seen', ({ room, userId, seq }) => of(room)?.hasSeen(userId, seq));
    lease.on('typing', ({ room, userId, userName }) => of(room)?.isTyping({ userId, userName }));
    lease.on('userJoined', ({ room, userId, userName }) => of(room)?.came({ userId, userName }));
    lease.on('userLeft', ({ room, userId }) => of(room)?.went(userId));
    lease.on('getUserList', ({ room, userList, total }) => of(room)?.list(userList, total));
    lease.on('invited', ({ room }) => void this.reload(room)); // a notification tells the user
    lease.on('roomChanged', ({ room }) => void this.reload(room));
    lease.on('removed', ({ room, reason }) => {
      if (this.#removing.has(room)) return; // the answer says so, too
      of(room)?.refuse(reason);
      void this.reload(room);
    });
  }

  #said(room: string, m: Message) {
    this.#set(withLast(this.#rooms.peek().rooms, room, m.seq, m));
    if (m.sender.userId === this.me.userId) this.#sees(room, m.seq);
  }

  /** The user has looked at a room, here or on another device. */
  #sees(room: string, seq: number) {
    this.#conversations.get(room)?.hasSeen(this.me.userId, seq);
    this.#set(withSeen(this.#rooms.peek().rooms, room, seq));
  }

  /** The user has looked at a message here. */
  see(room: string, m: Message) {
    this.#conversations.get(room)?.see(m);
    this.#set(withSeen(this.#rooms.peek().rooms, room, m.seq));
  }

  /** Finds out what was said in a room that is not open, when it is quiet for a moment. */
  #learn(room: string) {
    if (this.#news.has(room)) return;
    const timer = setTimeout(() => {
      this.#news.delete(room);
      void this.reload(room);
    }, newsDelay);
    this.#news.set(room, timer);
  }

  /** Loads what the list shows of a room, which may be gone. */
  async reload(room: string) {
    try {
      this.#setRoom(roomFromWire(await this.#app.api.call('GET /api/rooms/{id}', { path: { id: room } })));
    } catch (error) {
      if (!(error instanceof KachiError && error.code === 'not_found')) return;
      this.#set(this.#rooms.peek().rooms.filter((r) => r.id !== room));
    }
  }
}

function roomFromWire(r: WireRoom): Room {
  return {
    id: r.id,
    name: r.name,
    private: r.private,
    owner: r.ownerId,
    member: r.member,
    members: r.members,
    seq: r.seq,
    seen: r.seen,
    last: r.lastMessage && fromWire(r.lastMessage),
  };
}

/** Keeps the chat of who is signed in, until the function that it returns is called. */
export function serve(app: App): () => void {
  const user = app.session.user.peek();
  if (!user) return () => {};
  let storage: Storage | undefined;
  try {
    storage = sessionStorage;
  } catch {
    storage = undefined; // switched off
  }
  const chat = new Chat(app, { userId: user.id, userName: user.name }, storage);
  current.value = chat;
  return () => {
    current.value = undefined;
    chat.close();
    const state = app.session.state.peek();
    if (state.kind === 'signedOut' && state.why === 'left') chat.forgetAll();
  };
}
