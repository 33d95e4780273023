// A socket for tests: nothing is sent, the test plays the server.

import type { ChatSocket } from './protocol';

interface Sent {
  event: string;
  body: unknown;
  answer: (answer: unknown) => void;
  fail: () => void;
}

export class FakeSocket {
  connected = false;
  active = false;
  recovered = false;
  sent: Sent[] = [];
  readonly #listeners = new Map<string, (value: unknown) => void>();
  readonly io = {
    on: (event: string, listener: (value: unknown) => void) => this.#listeners.set(event, listener),
  };

  get volatile() {
    return this;
  }

  on(event: string, listener: (value: unknown) => void) {
    this.#listeners.set(event, listener);
  }

  timeout() {
    return this;
  }

  emit(event: string, body: unknown, ack?: (error: Error | null, answer?: unknown) => void) {
    this.sent.push({
      event,
      body,
      answer: (answer) => ack?.(null, answer),
      fail: () => ack?.(new Error('no answer')),
    });
  }

  connect() {
    this.active = true;
  }

  // What the test does

  asSocket(): ChatSocket {
    return this as unknown as ChatSocket;
  }

  fire(event: string, value?: unknown) {
    this.#listeners.get(event)?.(value);
  }

  comesUp() {
    this.connected = true;
    this.fire('connect');
  }

  goesDown() {
    this.connected = false;
    this.fire('disconnect', 'transport close');
  }

  /** The client does not come back by itself after this. */
  isThrownOut() {
    this.connected = this.active = false;
    this.fire('disconnect', 'io server disconnect');
  }

  /** Removes and returns what was sent under this name. */
  take(event: string): Sent[] {
    const taken = this.sent.filter((s) => s.event === event);
    this.sent = this.sent.filter((s) => s.event !== event);
    return taken;
  }
}
