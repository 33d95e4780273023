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
 * Why a call failed: what the server says, or one of two codes of the client's own:
 * "timeout", there was no answer in time, and "disconnected", the connection ended before
 * the answer. After those two nobody knows whether the server did it.
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
   * Gives a token that is good now. It is asked for whenever the client connects, and when
   * the server says that the one it has expires soon.
   */
  token?: () => string | Promise<string>;
  /** Is told when a new token could not be got, or was refused. */
  onTokenError?: (error: unknown) => void;
  /** What socket.io-client is to be given. */
  socket?: Partial<ManagerOptions & SocketOptions>;
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
  #refreshing: Promise<void> | undefined;

  constructor(url: string, namespace: string, options: ClientOptions = {}, version?: number) {
    this.#options = options;
    const { token } = options;
    const said = version === undefined ? {} : { version };
    const auth = async (give: (auth: object) => void) => {
      try {
        give(token ? { ...said, token: await token() } : said);
      } catch (error) {
        options.onTokenError?.(error);
        give(said);
      }
    };
    this.socket = io(url.replace(/\/+$/, "") + namespace, { auth, ...options.socket });
    if (token) {
      this.#plain.on("tokenExpiring", () => {
        this.refreshToken().catch((error: unknown) => options.onTokenError?.(error));
      });
    }
  }

  get #plain(): Socket {
    return this.socket as unknown as Socket;
  }

  /** Gives the server a new token; several calls at a time are one. */
  async refreshToken(): Promise<void> {
    const { token } = this.#options;
    if (!token) {
      throw new KachiError("unauthorized", "the client was given no way to get a token");
    }
    this.#refreshing ??= (async () => {
      try {
        await this.ask("refreshToken", [{ token: await token() }], {});
      } finally {
        this.#refreshing = undefined;
      }
    })();
    return this.#refreshing;
  }

  /** Waits until the server has admitted the client; fails when it is refused. */
  connected(): Promise<void> {
    const socket = this.#plain;
    return new Promise((resolve, reject) => {
      if (socket.connected) {
        resolve();
        return;
      }
      const done = () => {
        socket.off("connect", admitted);
        socket.off("connect_error", refused);
      };
      const admitted = () => {
        done();
        resolve();
      };
      const refused = (error: Error & { data?: unknown }) => {
        if (socket.active) {
          return; // it is tried again
        }
        done();
        reject(failure(error.data) ?? new KachiError("refused", error.message));
      };
      socket.on("connect", admitted);
      socket.on("connect_error", refused);
    });
  }

  /** Leaves. Calls without an answer fail. */
  close(): void {
    this.socket.disconnect();
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
        if (!unanswered || !known || left <= 0 || !this.socket.active) {
          throw error;
        }
      }
    }
  }

  /** The input with an id for the one call that it is, so that it can be made again. */
  protected identified<T extends object>(input: T, member: string): T {
    const given = (input as Record<string, unknown>)[member];
    return given === undefined || given === "" ? { ...input, [member]: crypto.randomUUID() } : input;
  }

  #once(event: string, args: unknown[], timeout: number): Promise<unknown[]> {
    const socket = this.#plain;
    return new Promise((resolve, reject) => {
      if (!socket.active) {
        reject(new KachiError("disconnected", "the client is not connected", undefined, event));
        return;
      }
      socket.timeout(timeout).emit(event, ...args, (error: Error | null, ...answer: unknown[]) => {
        if (error) {
          const [code, text] = error.message.includes("disconnected")
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
