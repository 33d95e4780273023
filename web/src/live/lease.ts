import type { ReadonlySignal } from '@preact/signals';
import type { ClientOptions, KachiClient } from './gateways';
import type { AnySocket, Link } from './link';
import type { LinkState } from './state';

/** A client of any namespace. */
export type AnyClient = KachiClient<any, any>;

/** The class of a namespace's clients, of the generated ones. */
export interface ClientOf<C extends AnyClient> {
  readonly namespace: string;
  new (socket: AnySocket, options: ClientOptions): C;
}

/** What the server sends in a namespace: functions of the arguments, by the events' names. */
type FromServer<C> = C extends KachiClient<infer From, any> ? From : never;

type Listener = (...values: any[]) => void;

/** The use of a namespace by one part of the page, from its coming to its going. */
export class Lease<C extends AnyClient> {
  /** Asks the server, now or with the next connection. Calls fail with a KachiError. */
  readonly client: C;
  readonly #link: Link;
  readonly #release: () => void;
  readonly #listening: [event: string, listener: Listener][] = [];
  #released = false;

  constructor(link: Link, client: C, release: () => void) {
    this.#link = link;
    this.client = client;
    this.#release = release;
  }

  get state(): ReadonlySignal<LinkState> {
    return this.#link.state;
  }

  tryAgain() {
    this.#link.tryAgain();
  }

  /** Listens until the lease is released. */
  on<E extends Extract<keyof FromServer<C>, string>>(event: E, listener: FromServer<C>[E]) {
    this.#listen(event, listener as Listener);
  }

  /**
   * Calls the function at each connection, also now if there is one. `recovered` says that the server has
   * sent, or sends now, what was missed since the one before.
   */
  onConnect(listener: (recovered: boolean) => void) {
    const { socket } = this.client;
    this.#listen('connect', () => listener(socket.recovered));
    if (socket.connected) listener(socket.recovered);
  }

  /** Calls the function whenever the connection is lost or closed. */
  onDisconnect(listener: () => void) {
    this.#listen('disconnect', listener);
  }

  release() {
    if (this.#released) return;
    this.#released = true;
    for (const [event, listener] of this.#listening) this.client.socket.off(event, listener);
    this.#release();
  }

  #listen(event: string, listener: Listener) {
    this.#listening.push([event, listener]);
    this.client.socket.on(event, listener);
  }
}
