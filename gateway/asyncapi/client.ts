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
