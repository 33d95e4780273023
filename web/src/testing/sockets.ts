// Sockets for tests: nothing is sent, the test plays the server.

import type { AnySocket, Sockets } from '../live/link';

type Listener = (...values: unknown[]) => void;

export class FakeSocket {
  connected = false;
  active = false;
  recovered = false;
  readonly io = { on() {} };
  /** How often it was told to connect. */
  connects = 0;
  readonly sent: { event: string; values: unknown[]; answer: (value: unknown) => void; fail: () => void }[] =
    [];
  readonly #listeners: [event: string, listener: Listener][] = [];
  readonly #auth: (give: (auth: object) => void) => void;

  constructor(auth: (give: (auth: object) => void) => void) {
    this.#auth = auth;
  }

  get volatile() {
    return this;
  }

  timeout() {
    return this;
  }

  on(event: string, listener: Listener) {
    this.#listeners.push([event, listener]);
  }

  off(event: string, listener: Listener) {
    const i = this.#listeners.findIndex(([e, l]) => e === event && l === listener);
    if (i >= 0) this.#listeners.splice(i, 1);
  }

  connect() {
    this.connects++;
    this.active = true;
  }

  disconnect() {
    this.active = false;
    if (!this.connected) return;
    this.connected = false;
    this.fire('disconnect', 'io client disconnect');
  }

  /** With a function last, that takes the answer. */
  emit(event: string, ...values: unknown[]) {
    const last = values.at(-1);
    const take =
      typeof last === 'function' ? (last as (error: Error | null, answer?: unknown) => void) : undefined;
    this.sent.push({
      event,
      values: take ? values.slice(0, -1) : values,
      answer: (value) => take?.(null, value),
      fail: () =>
        take?.(new Error(this.connected ? 'operation has timed out' : 'socket has been disconnected')),
    });
  }

  emitWithAck(event: string, ...values: unknown[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.emit(event, ...values, (error: Error | null, answer: unknown) =>
        error ? reject(error) : resolve(answer),
      );
    });
  }

  // What the test does

  /** What the socket shows the server. */
  shown(): Promise<object> {
    return new Promise((resolve) => this.#auth(resolve));
  }

  fire(event: string, ...values: unknown[]) {
    for (const [e, listener] of [...this.#listeners]) if (e === event) listener(...values);
  }

  comesUp() {
    this.connected = true;
    this.fire('connect');
  }

  /** The connection breaks. The client comes back by itself after this. */
  breaks() {
    this.connected = false;
    this.fire('disconnect', 'transport close');
  }

  /** The server could not be reached. */
  fails() {
    this.fire('connect_error', new Error('xhr poll error'));
  }

  /** The server refuses the CONNECT. */
  isRefused(code: string, details?: unknown) {
    this.active = false;
    this.fire('connect_error', Object.assign(new Error(code), { data: refused(code, details) }));
  }

  /** The server ends it, and says why if it has a reason. */
  isEnded(code?: string, details?: unknown) {
    if (code !== undefined) this.fire('exception', refused(code, details));
    this.connected = this.active = false;
    this.fire('disconnect', 'io server disconnect');
  }
}

function refused(code: string, details?: unknown) {
  return { status: 'error', code, message: code, details };
}

export class FakeSockets implements Sockets {
  readonly made = new Map<string, FakeSocket>();
  readonly #attempts: ((attempt: number) => void)[] = [];

  socket(namespace: string, { auth }: { auth: (give: (auth: object) => void) => void }): AnySocket {
    const socket = new FakeSocket(auth);
    this.made.set(namespace, socket);
    return socket as unknown as AnySocket;
  }

  on(_event: 'reconnect_attempt', listener: (attempt: number) => void) {
    this.#attempts.push(listener);
  }

  attempt(n: number) {
    for (const listener of this.#attempts) listener(n);
  }
}
