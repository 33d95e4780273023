import type { ReadonlySignal } from '@preact/signals';
import type { Socket } from 'socket.io-client';
import { ApiError } from '../api/error';
import { isRefusal, retryAfter, type Refusal } from '../api/refusal';
import { answerTimeout, type Link } from './link';
import type { LinkState } from './state';

/** Events by name, as functions of their arguments; the last one of an event that is answered takes the answer. */
export type Events = object;

type Listener = (...values: never[]) => void;

type Name<E> = Extract<keyof E, string>;

type Arguments<F> = F extends (...values: infer A) => unknown ? A : never;

/** The arguments without the function that takes the answer. */
type Asked<F> = Arguments<F> extends [...infer A, (answer: never) => void] ? A : never;

/** What an event is answered with when the server does not refuse. */
export type Answered<F> =
  Arguments<F> extends [...unknown[], (answer: infer A) => void] ? Exclude<A, Refusal> : never;

/** The use of a namespace by one part of the page, from its coming to its going. */
export class Lease<From extends Events, To extends Events> {
  readonly #link: Link;
  readonly #release: () => void;
  readonly #listening: [event: string, listener: Listener][] = [];
  #released = false;

  constructor(link: Link, release: () => void) {
    this.#link = link;
    this.#release = release;
  }

  get state(): ReadonlySignal<LinkState> {
    return this.#link.state;
  }

  /** The socket itself, for what the lease does not do. Listeners on it are the caller's to remove. */
  get socket(): Socket {
    return this.#link.socket as unknown as Socket;
  }

  tryAgain() {
    this.#link.tryAgain();
  }

  /** Listens until the lease is released. */
  on<E extends Name<From>>(event: E, listener: (...values: Arguments<From[E]>) => void) {
    this.#listen(event, listener as unknown as Listener);
  }

  /**
   * Calls the function at each connection, also now if there is one. `recovered` says that the server has
   * sent, or sends now, what was missed since the one before.
   */
  onConnect(listener: (recovered: boolean) => void) {
    this.#listen('connect', () => listener(this.socket.recovered));
    if (this.socket.connected) listener(this.socket.recovered);
  }

  /** Calls the function whenever the connection is lost or closed. */
  onDisconnect(listener: () => void) {
    this.#listen('disconnect', listener);
  }

  /** Sends an event that is not answered, if there is a connection: nobody wants to hear of it later. */
  tell<E extends Name<To>>(event: E, ...values: Arguments<To[E]>) {
    this.socket.volatile.emit(event, ...values);
  }

  /**
   * Sends an event, now or with the next connection, and gives the answer. Fails with an ApiError: the
   * server's, or `timeout` after ten seconds, also without a connection, or `disconnected`.
   */
  async ask<E extends Name<To>>(event: E, ...values: Asked<To[E]>): Promise<Answered<To[E]>> {
    let answer: unknown;
    try {
      answer = await this.socket.timeout(answerTimeout).emitWithAck(event, ...values);
    } catch (error) {
      throw ApiError.local(this.socket.connected ? 'timeout' : 'disconnected', error);
    }
    if (!isRefusal(answer)) return answer as Answered<To[E]>;
    const wait = retryAfter(answer.details);
    throw ApiError.refused(answer, wait === undefined ? {} : { retryAfter: wait });
  }

  release() {
    if (this.#released) return;
    this.#released = true;
    for (const [event, listener] of this.#listening) this.socket.off(event, listener as never);
    this.#release();
  }

  #listen(event: string, listener: Listener) {
    this.#listening.push([event, listener]);
    this.socket.on(event, listener as never);
  }
}
