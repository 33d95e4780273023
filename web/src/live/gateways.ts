// Made from the AsyncAPI document of Kachi 1. What is written here by hand is lost.

import { io, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";

/** Bytes, as they come: an ArrayBuffer in browsers, a Buffer in Node. */
export type Bytes = ArrayBuffer | Uint8Array;

/** What is wrong with a field of what was sent. */
export interface FieldError {
  /** In JSON: "items[2].name"; "" for the whole. */
  path: string;
  rule: string;
  param?: string;
  message: string;
}

/**
 * Why a call failed: what the server says, or a code of the client's own: "timeout", there
 * was no answer in time, and "disconnected", the connection ended before the answer, or there
 * is none. After those two nobody knows whether the server did it.
 */
export class KachiError extends Error {
  readonly code: string;
  readonly details: unknown;
  /** The event that it is about. */
  readonly pattern: string | undefined;

  constructor(code: string, message: string, details?: unknown, pattern?: string) {
    super(message);
    this.name = "KachiError";
    this.code = code;
    this.details = details;
    this.pattern = pattern;
  }

  /** After how many milliseconds the server would like to be asked again, if it says so. */
  get retryAfter(): number | undefined {
    const after = (this.details as { retryAfter?: unknown } | undefined)?.retryAfter;
    return typeof after === "number" ? after : undefined;
  }

  /** Of the code "unauthorized": why, in a word: "missing", "expired", "revoked", … */
  get reason(): string | undefined {
    const reason = (this.details as { reason?: unknown } | undefined)?.reason;
    return typeof reason === "string" ? reason : undefined;
  }

  /** Of the code "invalid": the fields that break a rule. */
  get fields(): FieldError[] {
    return Array.isArray(this.details) ? (this.details as FieldError[]) : [];
  }
}

export interface CallOptions {
  /** How long to wait for the answer, in milliseconds. */
  timeout?: number;
  /**
   * How often to ask again when there was no answer. By default three times where the server
   * knows that it is the same call, and never where not: it might do it twice.
   */
  retries?: number;
}

export interface ClientOptions extends CallOptions {
  /**
   * Gives a token that is good now, by asking for one over HTTP, say. It is called whenever
   * the client connects, and when the server says that the token it has expires soon. While
   * it fails it is called again, after 1 s and then more and more, up to 30 s; where it gives
   * nothing, the client connects without a token.
   */
  token?: () => Token | Promise<Token>;
  /** Is told each time that a token could not be got, or a new one was refused. */
  onTokenError?: (error: unknown) => void;
  /** What socket.io-client is to be given. */
  socket?: Partial<ManagerOptions & SocketOptions>;
}

export type Token = string | null | undefined;

/** Where a client is with its connection. */
export interface Status {
  /**
   * "connecting": it is not there yet, or not any more, and goes on trying. "closed": it does
   * not try any more; connect() begins anew.
   */
  readonly state: "connecting" | "connected" | "closed";
  /** Why it is not connected, where something is known: closed without one is by close(). */
  readonly error: KachiError | undefined;
}

// The server gives up after 30 s by default, and says so.
const patience = 35_000;

/** What the clients of all namespaces have in common. */
export class KachiClient<
  Incoming extends { [event: string]: any },
  Outgoing extends { [event: string]: any },
> {
  /** The socket below: for listening (socket.on) and for events without an answer. */
  readonly socket: Socket<Incoming, Outgoing>;
  readonly #options: ClientOptions;
  readonly #lent: boolean; // the socket is another's, who connects it
  readonly #listeners = new Set<(status: Status) => void>();
  #status: Status = { state: "connecting", error: undefined };
  #refreshing: Promise<void> | undefined;
  #expelled: KachiError | undefined; // what the server said before it ends the connection
  #connects = 0; // how often it was asked for a token to connect with
  #refused = 0; // how often in a row it was sent away for the moment
  #again: ReturnType<typeof setTimeout> | undefined;

  /**
   * The server is its url, without a path; "" is where the page comes from. Or it is a socket of
   * the namespace that somebody else looks after: who makes it, says who it is, and brings it back.
   */
  constructor(server: string | Socket, namespace: string, options: ClientOptions = {}, version?: number) {
    this.#options = options;
    this.#lent = typeof server !== "string";
    if (typeof server === "string") {
      const said = version === undefined ? {} : { version };
      const auth = (give: (auth: object) => void) => void this.#introduce(said, give);
      this.socket = io(server.replace(/\/+$/, "") + namespace, { auth, ...options.socket });
    } else {
      this.socket = server as unknown as Socket<Incoming, Outgoing>;
    }
    if (this.socket.connected) {
      this.#status = { state: "connected", error: undefined };
    } else if (!this.socket.active) {
      this.#status = { state: "closed", error: undefined }; // autoConnect: false
    }
    this.#watch();
  }

  get #plain(): Socket {
    return this.socket as unknown as Socket;
  }

  /** Where the connection is: another object whenever that changes. */
  get status(): Status {
    return this.#status;
  }

  /** Has a function told of each change of the status; the result ends that. */
  readonly onStatus = (listener: (status: Status) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  get #closed(): boolean {
    return this.#status.state === "closed" && !this.socket.active;
  }

  #become(state: Status["state"], error?: KachiError): void {
    clearTimeout(this.#again);
    const was = this.#status;
    if (was.state === state && was.error?.code === error?.code && was.error?.message === error?.message) {
      return;
    }
    this.#status = { state, error };
    for (const listener of [...this.#listeners]) {
      listener(this.#status);
    }
  }

  /** Follows the socket, and has it come back where socket.io-client leaves that to others. */
  #watch(): void {
    const socket = this.#plain;
    socket.on("connect", () => {
      this.#refused = 0;
      this.#expelled = undefined;
      this.#become("connected");
    });
    socket.on("connect_error", (error: Error & { data?: unknown }) => {
      if (socket.active) {
        this.#become("connecting", new KachiError("disconnected", error.message));
      } else {
        this.#sentAway(failure(error.data) ?? new KachiError("refused", error.message));
      }
    });
    socket.on("exception", (value: unknown) => {
      const error = failure(value);
      if (error?.code === "unauthorized") {
        this.#expelled = error;
      }
    });
    socket.on("disconnect", (reason) => {
      const why = this.#expelled;
      if (socket.active) {
        this.#become("connecting", new KachiError("disconnected", reason));
      } else if (reason === "io client disconnect") {
        this.#become("closed");
      } else {
        this.#sentAway(why ?? new KachiError("disconnected", "the server has ended the connection"));
      }
    });
    socket.io.on("reconnect_failed", () => {
      if (this.#status.state === "connecting") {
        this.#become("closed", this.#status.error);
      }
    });
    if (this.#options.token && !this.#lent) {
      socket.on("tokenExpiring", () => void this.#renew());
    }
  }

  /** Comes back later, where there is hope. */
  #sentAway(why: KachiError): void {
    const hope = why.code !== "disconnected" && passing(why, this.#options.token !== undefined);
    if (!hope || this.#lent) {
      this.#become("closed", why);
      return;
    }
    this.#become("connecting", why);
    this.#again = setTimeout(() => this.socket.connect(), why.retryAfter ?? delay(this.#refused++));
  }

  /** Says who it is, when it can. */
  async #introduce(said: object, give: (auth: object) => void): Promise<void> {
    const connect = ++this.#connects;
    for (let failed = 0; connect === this.#connects; failed++) {
      let token: Token;
      try {
        token = await this.#options.token?.();
      } catch (error) {
        this.#options.onTokenError?.(error);
        await pause(delay(failed));
        continue;
      }
      if (connect === this.#connects) {
        give(token ? { ...said, token } : said);
      }
      return;
    }
  }

  /** Shows a new token before the old one expires; else there is a new connection then. */
  async #renew(): Promise<void> {
    const { id } = this.socket;
    for (let failed = 0; this.socket.connected && this.socket.id === id; failed++) {
      try {
        await this.refreshToken();
        return;
      } catch (error) {
        this.#options.onTokenError?.(error);
        if (error instanceof KachiError && !passing(error, true)) {
          return;
        }
      }
      await pause(delay(failed));
    }
  }

  /** Gives the server a new token; several calls at a time are one. */
  async refreshToken(): Promise<void> {
    this.#refreshing ??= (async () => {
      try {
        const token = await this.#options.token?.();
        if (!token) {
          throw new KachiError("unauthorized", "there is no token");
        }
        await this.ask("refreshToken", [{ token }], {});
      } finally {
        this.#refreshing = undefined;
      }
    })();
    return this.#refreshing;
  }

  /** Waits until the server has admitted the client; fails when that is given up. */
  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = ({ state, error }: Status) => {
        if (state === "connecting") {
          return;
        }
        stop();
        if (state === "connected") {
          resolve();
        } else {
          reject(error ?? new KachiError("disconnected", "the client is closed"));
        }
      };
      const stop = this.onStatus(look);
      look(this.#status);
    });
  }

  /** Begins anew, when it is closed. */
  connect(): void {
    if (!this.socket.active) {
      this.#become("connecting");
      this.socket.connect();
    }
  }

  /** Leaves. Calls without an answer fail. */
  close(): void {
    this.#connects++;
    this.socket.disconnect();
    this.#become("closed");
  }

  /** Asks, and asks again where retries are allowed and there was no answer. */
  protected async ask(event: string, args: unknown[], options: CallOptions, repeatable = false): Promise<unknown[]> {
    const timeout = options.timeout ?? this.#options.timeout ?? patience;
    const retries = options.retries ?? (repeatable ? (this.#options.retries ?? 3) : 0);
    const asked = this.socket.id;
    for (let left = retries; ; left--) {
      try {
        return await this.#once(event, args, timeout);
      } catch (error) {
        const unanswered = error instanceof KachiError && ["timeout", "disconnected"].includes(error.code);
        // The server knows calls again by who calls. Nobody in particular is a socket, which
        // ends with its connection.
        const known = this.#options.token !== undefined || options.retries !== undefined || this.socket.id === asked;
        if (!unanswered || !known || left <= 0 || this.#closed) {
          throw error;
        }
      }
    }
  }

  /** The input with an id for the one call that it is, so that it can be made again. */
  protected identified<T extends object | null>(input: T, member: string): T {
    const given = (input as Record<string, unknown> | null)?.[member];
    return input !== null && (given === undefined || given === null || given === "") ? { ...input, [member]: uuid() } : input;
  }

  #once(event: string, args: unknown[], timeout: number): Promise<unknown[]> {
    const socket = this.#plain;
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new KachiError("disconnected", "the client is not connected", undefined, event));
        return;
      }
      socket.timeout(timeout).emit(event, ...args, (error: Error | null, ...answer: unknown[]) => {
        if (error) {
          const [code, text] = !socket.connected || error.message.includes("disconnected")
            ? ["disconnected", "the connection ended before the answer"]
            : ["timeout", "there was no answer in time"];
          reject(new KachiError(code!, text!, undefined, event));
          return;
        }
        const failed = failure(answer[0]);
        if (failed) {
          reject(failed);
        } else {
          resolve(answer);
        }
      });
    });
  }

  /** Asks for many items, which come as events of their own. */
  protected async stream(
    event: string,
    item: string,
    each: (...args: never[]) => void,
    args: unknown[],
    options: CallOptions,
  ): Promise<unknown[]> {
    const listener = each as (...args: unknown[]) => void;
    this.#plain.on(item, listener);
    try {
      return await this.ask(event, args, options);
    } finally {
      this.#plain.off(item, listener);
    }
  }
}

/** The error that a value is, if it is one. */
function failure(value: unknown): KachiError | undefined {
  if (typeof value !== "object" || value === null) {
    return undefined;
  }
  const { status, code, message, details, cause } = value as Record<string, unknown>;
  if (status !== "error" || typeof code !== "string" || typeof message !== "string") {
    return undefined;
  }
  const pattern = (cause as { pattern?: unknown } | undefined)?.pattern;
  return new KachiError(code, message, details, typeof pattern === "string" ? pattern : undefined);
}

/** Whether the same may go well later: with another token, where there is one. */
function passing(error: KachiError, token: boolean): boolean {
  return (
    ["unavailable", "overloaded", "rate_limited", "timeout", "disconnected"].includes(error.code) ||
    (token && error.code === "unauthorized" && error.reason === "expired")
  );
}

/** How long to wait after so many failures, in milliseconds: not all clients at once. */
function delay(failed: number): number {
  return Math.min(1000 * 2 ** failed, 30_000) * (0.5 + Math.random() / 2);
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
}

/** crypto.randomUUID is there over HTTPS and on localhost only. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

export interface Change {
  key: string;
  /** Any JSON, at most 64 KiB and 100 levels deep. */
  value: unknown;
  /** The version that the client knows; 0 where there is none yet. */
  version: number;
}

export interface Changed {
  /** Of the document now. */
  version: number;
}

export interface ChatMove {
  userId: string;
  userName: string;
  room: string;
}

export interface ChatReading {
  room: string;
  /** How many messages are behind that. */
  unread: number;
  /** The number of the last message that was seen, 0 for none. */
  seen: number;
  /** The number of the room's last message. */
  seq: number;
}

export interface Connections {
  websocket: number;
  polling: number;
}

export interface Document {
  key: string;
  /** Any JSON; null where there is none. */
  value: unknown;
  /** How many changes there have been; 0 where there is none yet. What is not newer than what a client has is to be dropped. */
  version: number;
  /** There was one, and is none any more. */
  deleted?: boolean;
}

export interface Edit {
  id: string;
  message: string;
}

/** What is answered when something went wrong. */
export interface ErrorAnswer {
  status: "error";
  /** For programs: unauthorized, forbidden, not_found, bad_request, invalid, conflict, timeout, rate_limited, overloaded, internal, or one of the application's own. */
  code: string;
  /** For people. */
  message: string;
  /** More about it: a list of {path, rule, param, message} for the code invalid. */
  details?: unknown;
  /** The event that it is about. */
  cause?: {
    pattern: string;
    data?: unknown;
  };
}

export interface EventFigure {
  namespace: string;
  /** "" for all that nobody handles. */
  event: string;
  calls: number;
  errors: number;
  latency: Latency;
}

export interface History {
  node: string;
  /** Seconds from one update to the next. */
  interval: number;
  /** The oldest first. Where nobody watched there are none. */
  points: Point[];
}

export interface Invitation {
  room: string;
  name: string;
  private: boolean;
  by: Participant;
}

export interface Join {
  locationId: string;
  /** The user's own id, if anything: the server knows it. */
  userId?: string;
}

export interface Joined {
  room: string;
  /** Who is in the room, as in getUserList. */
  members: Participant[];
  /** How many there are. */
  total: number;
  /** The number of the room's last message: what is missing up to there can be had from the API. */
  seq: number;
  /** Up to which number the user has seen the room. */
  seen: number;
}

export interface Latency {
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

export interface Leave {
  /** The location's id. */
  roomName: string;
  /** revoked: it is shared with the user no longer. deleted: there is no such location any more. */
  reason: "revoked" | "deleted";
}

export interface Location {
  id: string;
  name: string;
  ownerId: string;
  ownerName: string;
  /** A Point, LineString or Polygon of GeoJSON (RFC 7946). A position is longitude, then latitude, in degrees. Up to 10,000 positions; rings are closed. */
  geometry: {
    type: "Point" | "LineString" | "Polygon";
    coordinates: unknown[];
  };
  updatedAt: string;
  /** 1, and one more with each change: of two states of a location, the one with the greater version is the newer. */
  version: number;
}

export interface LocationMove {
  /** Its owner, who has moved it. */
  userId: string;
  message: Location;
  /** The location's id. */
  roomName: string;
}

export interface Message {
  id: string;
  room: string;
  /** Its number in the room: 1, 2, 3, … */
  seq: number;
  sender: Participant;
  /** As it was written: text, never HTML. Empty when it was deleted. */
  message: string;
  sentAt: string;
  editedAt?: string;
  deletedAt?: string;
  /** Counts its changes, from 1. */
  version: number;
  /** What the sender's program called it. */
  clientId?: string;
}

export interface MessageRef {
  id: string;
}

export interface NamespaceFigure {
  name: string;
  sockets: number;
  rooms: number;
}

export interface News {
  room: string;
  /** The number of its last message. */
  seq: number;
}

export interface NotifyReading {
  /** One of them. */
  id?: string;
  /** Several. Those that are there no more are left out. */
  ids?: string[];
  /** All that there are. */
  all?: boolean;
  /** With all: the newest that was seen, so that none counts as read that came meanwhile. */
  upTo?: string;
}

export interface Participant {
  userId: string;
  userName: string;
}

export interface Point {
  at: string;
  /** What rates and latencies are of: the time since the point before. 0, and they with it, where nobody has watched until now. */
  seconds: number;
  connections: Connections;
  /** Of all namespaces: a connection has one for each that its client joined. */
  sockets: number;
  /** Of all namespaces. */
  rooms: number;
  /** Per second. */
  messagesIn: number;
  /** Per second, one for each receiver. */
  messagesOut: number;
  /** Per second. */
  bytesIn: number;
  /** Per second. */
  bytesOut: number;
  /** Events of clients that were handled or refused, per second. */
  calls: number;
  /** Those that were answered with an error, per second. */
  errors: number;
  /** How long events took to be handled. */
  latency: Latency;
  /** Bytes of the program's objects. */
  heap: number;
  /** Bytes that the process has from the system; 0 where that does not tell. */
  rss: number;
  goroutines: number;
  /** The longest pause for garbage collection, in milliseconds. */
  gcPause: number;
}

export interface Post {
  room: string;
  message: string;
  /** Of the client's own making, a UUID say, unique for its user and the room: a message that is sent again with it is not stored again, and answered as the first time. */
  clientId?: string;
}

export interface ReadElsewhere {
  /** Which ones, or */
  ids?: string[];
  /** all up to this one. */
  upTo?: string;
  readAt: string;
  /** How many are unread. */
  unread: number;
  /** Counts the changes. What is told has the next one each: where one is missing, ask for the list; one that is not higher is old news. */
  version: number;
}

export interface Receipt {
  id: string;
  sentAt: string;
  /** Its number in the room. */
  seq: number;
}

export interface Removal {
  room: string;
  name: string;
  private: boolean;
  /** left: by the user, on another device. excluded: by the room's owner. closed: the room is no more. */
  reason: string;
}

export interface RoomName {
  room: string;
  name: string;
  private: boolean;
}

export interface SeenUpTo {
  room: string;
  /** The message's. */
  id: string;
}

export interface Sight {
  room: string;
  userId: string;
  /** The message's. */
  id: string;
  /** The message's number. */
  seq: number;
}

export interface State {
  /** How many are unread. */
  unread: number;
  /** Counts the changes. What is told has the next one each: where one is missing, ask for the list; one that is not higher is old news. */
  version: number;
}

export interface Subject {
  /** 1 to 128 letters, digits and -_.:~ in parts between /. Those that begin with user/<id>/ are of that person alone. */
  key: string;
}

export interface TokenExpiry {
  expiresAt?: string;
}

export interface TokenRefresh {
  token: string;
}

export interface Told {
  id: string;
  title: string;
  /** Text, never HTML. */
  body: string;
  /** Any JSON, as the sender gave it. */
  data?: unknown;
  createdAt: string;
  /** Missing while it is unread. */
  readAt?: string;
  /** How many are unread. */
  unread: number;
  /** Counts the changes. What is told has the next one each: where one is missing, ask for the list; one that is not higher is old news. */
  version: number;
}

export interface Totals {
  /** That were opened. */
  connections: number;
  /** Requests and CONNECT packets that were. */
  refused: number;
  messagesIn: number;
  messagesOut: number;
  bytesIn: number;
  bytesOut: number;
  calls: number;
  errors: number;
  /** Of the errors those that are the server's own: internal and timeout. */
  faults: number;
  /** Messages and events that were dropped: volatile ones, and those of clients that sent too much. */
  dropped: number;
  /** Of garbage. */
  collections: number;
}

export interface Update {
  at: string;
  /** What rates and latencies are of: the time since the point before. 0, and they with it, where nobody has watched until now. */
  seconds: number;
  connections: Connections;
  /** Of all namespaces: a connection has one for each that its client joined. */
  sockets: number;
  /** Of all namespaces. */
  rooms: number;
  /** Per second. */
  messagesIn: number;
  /** Per second, one for each receiver. */
  messagesOut: number;
  /** Per second. */
  bytesIn: number;
  /** Per second. */
  bytesOut: number;
  /** Events of clients that were handled or refused, per second. */
  calls: number;
  /** Those that were answered with an error, per second. */
  errors: number;
  /** How long events took to be handled. */
  latency: Latency;
  /** Bytes of the program's objects. */
  heap: number;
  /** Bytes that the process has from the system; 0 where that does not tell. */
  rss: number;
  goroutines: number;
  /** The longest pause for garbage collection, in milliseconds. */
  gcPause: number;
  /** Which server it is that tells of itself. Each tells those who are connected to it. */
  node: string;
  version: string;
  /** Its kind and version. */
  database: string;
  /** Seconds. */
  uptime: number;
  namespaces: NamespaceFigure[];
  /** The events that took longest since the point before, by p99; at most 8. */
  slowest: EventFigure[];
  totals: Totals;
}

export interface UserList {
  room: string;
  /** Up to 500, by name. */
  userList: Participant[];
  /** How many there are. */
  total: number;
}

/** What the server sends in /chat. */
export interface ChatServerToClientEvents {
  /** There is something new in a room that the user is a member of and the client has not entered. */
  activity: (data: News) => void;
  /** What went wrong with an event for which the client asked for no acknowledgement. */
  exception: (data: ErrorAnswer) => void;
  /** Who is in a room, for a client that has entered it. */
  getUserList: (data: UserList) => void;
  /** The user was made a member of a room. */
  invited: (data: Invitation) => void;
  /** A message, for all who are in the room, the client that sent it included: it knows its own by the clientId, and has it before the answer. Numbers (seq) have no gap: one that is missing can be had from the API. */
  message: (data: Message) => void;
  /** A message has no text any more; its place stays. */
  messageDeleted: (data: Message) => void;
  /** A message has another text. Of several versions the greatest counts. */
  messageEdited: (data: Message) => void;
  /** The user is no longer a member of a room, or it is no more. */
  removed: (data: Removal) => void;
  /** A room that the user is a member of has another name, or is public or private now. */
  roomChanged: (data: RoomName) => void;
  /** Somebody has seen the room up to a message. Told in rooms of up to 100 members. */
  seen: (data: Sight) => void;
  /** What the client was admitted with expires soon: it is disconnected then, unless it shows something newer. */
  tokenExpiring: (data: TokenExpiry) => void;
  /** Somebody is writing. It may be lost. */
  typing: (data: ChatMove) => void;
  /** How far the client's own user has seen a room, on another device. */
  unread: (data: ChatReading) => void;
  /** Somebody has entered a room that the client is in, with the first of their sockets. The client that does so hears of it as well. */
  userJoined: (data: ChatMove) => void;
  /** Somebody is no longer in a room that the client is in: with the last of their sockets. */
  userLeft: (data: ChatMove) => void;
}

/** What clients send in /chat. */
export interface ChatClientToServerEvents {
  /** Take the text of a message away: one's own, in one's own room, or as an administrator. */
  delete: (data: MessageRef, answer: (answer: Message | ErrorAnswer) => void) => void;
  /** Change the text of one's own message. */
  edit: (data: Edit, answer: (answer: Message | ErrorAnswer) => void) => void;
  /** Leave a room for good: no longer be a member, on all devices. To close a page is enough to be no longer present. */
  exit: (data: string | number | {
    room: string | number;
  }, answer: (answer: string | number | {
    room: string | number;
  } | ErrorAnswer) => void) => void;
  /** Enter a room. Whoever may see it becomes a member. */
  join: (data: string | number | {
    room: string | number;
  }, answer: (answer: Joined | ErrorAnswer) => void) => void;
  /** Write in a room, which has been stored when the answer comes. */
  message: (data: Post, answer: (answer: Receipt | ErrorAnswer) => void) => void;
  /** Shows a newer token of the same principal: the client goes on with what it says. */
  refreshToken: (data: TokenRefresh, answer: (answer: TokenExpiry | ErrorAnswer) => void) => void;
  /** Say that the user has seen a room up to a message. */
  seen: (data: SeenUpTo, answer: (answer: ChatReading | ErrorAnswer) => void) => void;
  /** Say that the user is writing in a room that the client has entered. */
  typing: (data: string | number | {
    room: string | number;
  }, answer?: (answer?: ErrorAnswer) => void) => void;
}

/** A client of /chat. */
export class ChatClient extends KachiClient<ChatServerToClientEvents, ChatClientToServerEvents> {
  static readonly namespace = "/chat";

  constructor(server: string | Socket, options?: ClientOptions) {
    super(server, "/chat", options);
  }

  /** Take the text of a message away: one's own, in one's own room, or as an administrator. */
  async delete(data: MessageRef, options: CallOptions = {}): Promise<Message> {
    const answer = await this.ask("delete", [data], options);
    return answer[0] as Message;
  }

  /** Change the text of one's own message. */
  async edit(data: Edit, options: CallOptions = {}): Promise<Message> {
    const answer = await this.ask("edit", [data], options);
    return answer[0] as Message;
  }

  /** Leave a room for good: no longer be a member, on all devices. To close a page is enough to be no longer present. */
  async exit(data: string | number | {
    room: string | number;
  }, options: CallOptions = {}): Promise<string | number | {
    room: string | number;
  }> {
    const answer = await this.ask("exit", [data], options);
    return answer[0] as string | number | {
    room: string | number;
  };
  }

  /** Enter a room. Whoever may see it becomes a member. */
  async join(data: string | number | {
    room: string | number;
  }, options: CallOptions = {}): Promise<Joined> {
    const answer = await this.ask("join", [data], options);
    return answer[0] as Joined;
  }

  /** Write in a room, which has been stored when the answer comes. */
  async message(data: Post, options: CallOptions = {}): Promise<Receipt> {
    const answer = await this.ask("message", [data], options);
    return answer[0] as Receipt;
  }

  /** Say that the user has seen a room up to a message. */
  async seen(data: SeenUpTo, options: CallOptions = {}): Promise<ChatReading> {
    const answer = await this.ask("seen", [data], options);
    return answer[0] as ChatReading;
  }

  /** Say that the user is writing in a room that the client has entered. */
  async typing(data: string | number | {
    room: string | number;
  }, options: CallOptions = {}): Promise<void> {
    await this.ask("typing", [data], options);
  }
}

/** What the server sends in /dashboard. */
export interface DashboardServerToClientEvents {
  /** How the server is: at once to who connects, and then every 5 s. */
  dashboardUpdate: (data: Update) => void;
  /** What went wrong with an event for which the client asked for no acknowledgement. */
  exception: (data: ErrorAnswer) => void;
  /** What the client was admitted with expires soon: it is disconnected then, unless it shows something newer. */
  tokenExpiring: (data: TokenExpiry) => void;
}

/** What clients send in /dashboard. */
export interface DashboardClientToServerEvents {
  /** What was seen in the last 15 minutes. */
  history: (answer: (answer: History | ErrorAnswer) => void) => void;
  /** Shows a newer token of the same principal: the client goes on with what it says. */
  refreshToken: (data: TokenRefresh, answer: (answer: TokenExpiry | ErrorAnswer) => void) => void;
}

/** A client of /dashboard. */
export class DashboardClient extends KachiClient<DashboardServerToClientEvents, DashboardClientToServerEvents> {
  static readonly namespace = "/dashboard";

  constructor(server: string | Socket, options?: ClientOptions) {
    super(server, "/dashboard", options);
  }

  /** What was seen in the last 15 minutes. */
  async history(options: CallOptions = {}): Promise<History> {
    const answer = await this.ask("history", [], options);
    return answer[0] as History;
  }
}

/** What the server sends in /location. */
export interface LocationServerToClientEvents {
  /** A location has changed, for all who have joined its room; or is as it is, for a client that has just joined. What has no greater version than the client knows is old and to be dropped. */
  chat: (data: LocationMove) => void;
  /** What went wrong with an event for which the client asked for no acknowledgement. */
  exception: (data: ErrorAnswer) => void;
  /** The user may watch a location that they could not before: somebody shares it with them, or it is new and theirs. For all devices of the user. Its changes are told to those that join its room. */
  granted: (data: LocationMove) => void;
  /** The user can no longer watch a location, for all devices of the user, whether they have joined its room or not. */
  left_room: (data: Leave) => void;
  /** What the client was admitted with expires soon: it is disconnected then, unless it shows something newer. */
  tokenExpiring: (data: TokenExpiry) => void;
}

/** What clients send in /location. */
export interface LocationClientToServerEvents {
  /** Watch a location. The answer is the room's name, which is the location's id; the event chat follows, with where the location is. */
  join_room: (data: Join, answer: (answer: string | ErrorAnswer) => void) => void;
  /** Watch a location no longer. The answer is the room's name. */
  leave_room: (data: Join, answer: (answer: string | ErrorAnswer) => void) => void;
  /** Shows a newer token of the same principal: the client goes on with what it says. */
  refreshToken: (data: TokenRefresh, answer: (answer: TokenExpiry | ErrorAnswer) => void) => void;
}

/** A client of /location. */
export class LocationClient extends KachiClient<LocationServerToClientEvents, LocationClientToServerEvents> {
  static readonly namespace = "/location";

  constructor(server: string | Socket, options?: ClientOptions) {
    super(server, "/location", options);
  }

  /** Watch a location. The answer is the room's name, which is the location's id; the event chat follows, with where the location is. */
  async join_room(data: Join, options: CallOptions = {}): Promise<string> {
    const answer = await this.ask("join_room", [data], options);
    return answer[0] as string;
  }

  /** Watch a location no longer. The answer is the room's name. */
  async leave_room(data: Join, options: CallOptions = {}): Promise<string> {
    const answer = await this.ask("leave_room", [data], options);
    return answer[0] as string;
  }
}

/** What the server sends in /notifications. */
export interface NotificationsServerToClientEvents {
  /** What went wrong with an event for which the client asked for no acknowledgement. */
  exception: (data: ErrorAnswer) => void;
  /** A new notification. */
  notification: (data: Told) => void;
  /** Notifications were read on another device. */
  read: (data: ReadElsewhere) => void;
  /** What the client was admitted with expires soon: it is disconnected then, unless it shows something newer. */
  tokenExpiring: (data: TokenExpiry) => void;
  /** The number of unread notifications has changed otherwise than by a new one: some were read on another device, or have become too old. */
  unread: (data: State) => void;
}

/** What clients send in /notifications. */
export interface NotificationsClientToServerEvents {
  /** Mark notifications as read. The other devices are told. */
  read: (data: NotifyReading, answer: (answer: State | ErrorAnswer) => void) => void;
  /** Shows a newer token of the same principal: the client goes on with what it says. */
  refreshToken: (data: TokenRefresh, answer: (answer: TokenExpiry | ErrorAnswer) => void) => void;
  /** Have this device told of one's own notifications from now on. The answer says how many are unread already. */
  subscribeToNotifications: (data: string | null, answer: (answer: State | ErrorAnswer) => void) => void;
}

/** A client of /notifications. */
export class NotificationsClient extends KachiClient<NotificationsServerToClientEvents, NotificationsClientToServerEvents> {
  static readonly namespace = "/notifications";

  constructor(server: string | Socket, options?: ClientOptions) {
    super(server, "/notifications", options);
  }

  /** Mark notifications as read. The other devices are told. */
  async read(data: NotifyReading, options: CallOptions = {}): Promise<State> {
    const answer = await this.ask("read", [data], options);
    return answer[0] as State;
  }

  /** Have this device told of one's own notifications from now on. The answer says how many are unread already. */
  async subscribeToNotifications(data: string | null, options: CallOptions = {}): Promise<State> {
    const answer = await this.ask("subscribeToNotifications", [data], options);
    return answer[0] as State;
  }
}

/** What the server sends in /sync. */
export interface SyncServerToClientEvents {
  /** A document that this socket subscribes to has changed, to this. Its own changes are told as well. */
  dataUpdated: (data: Document) => void;
  /** What went wrong with an event for which the client asked for no acknowledgement. */
  exception: (data: ErrorAnswer) => void;
  /** What the client was admitted with expires soon: it is disconnected then, unless it shows something newer. */
  tokenExpiring: (data: TokenExpiry) => void;
}

/** What clients send in /sync. */
export interface SyncClientToServerEvents {
  /** Shows a newer token of the same principal: the client goes on with what it says. */
  refreshToken: (data: TokenRefresh, answer: (answer: TokenExpiry | ErrorAnswer) => void) => void;
  /** Have this socket told of a document's changes, until it unsubscribes or ends: 100 documents at most. The answer is what the document is. */
  subscribe: (data: Subject, answer: (answer: Document | ErrorAnswer) => void) => void;
  /** Have this socket told no more. */
  unsubscribe: (data: Subject, answer?: (answer?: ErrorAnswer) => void) => void;
  /** Change a document, of which the client knows the newest version. Where it does not, the error has the code conflict, and what the document is as its details. */
  updateData: (data: Change, answer: (answer: Changed | ErrorAnswer) => void) => void;
}

/** A client of /sync. */
export class SyncClient extends KachiClient<SyncServerToClientEvents, SyncClientToServerEvents> {
  static readonly namespace = "/sync";

  constructor(server: string | Socket, options?: ClientOptions) {
    super(server, "/sync", options);
  }

  /** Have this socket told of a document's changes, until it unsubscribes or ends: 100 documents at most. The answer is what the document is. */
  async subscribe(data: Subject, options: CallOptions = {}): Promise<Document> {
    const answer = await this.ask("subscribe", [data], options);
    return answer[0] as Document;
  }

  /** Have this socket told no more. */
  async unsubscribe(data: Subject, options: CallOptions = {}): Promise<void> {
    await this.ask("unsubscribe", [data], options);
  }

  /** Change a document, of which the client knows the newest version. Where it does not, the error has the code conflict, and what the document is as its details. */
  async updateData(data: Change, options: CallOptions = {}): Promise<Changed> {
    const answer = await this.ask("updateData", [data], options);
    return answer[0] as Changed;
  }
}
