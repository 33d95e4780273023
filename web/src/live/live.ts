// The live connection: one for the page, with a socket for each namespace that something on it needs.

import { computed, effect, signal, untracked, type ReadonlySignal } from '@preact/signals';
import type { User } from '../api/contract';
import { Lease, type AnyClient, type ClientOf } from './lease';
import { answerTimeout, Link, type Holder, type Sockets } from './link';
import { worst, type LinkState } from './state';

/** A namespace that nobody needs any more is left after this time, in milliseconds: the next page may need it. */
const linger = 5_000;

interface Place {
  link: Link;
  client: AnyClient;
  leases: number;
  leaving: ReturnType<typeof setTimeout> | undefined;
}

export class Live {
  readonly #sockets: Sockets;
  readonly #holder: Holder;
  readonly #places = signal<ReadonlyMap<string, Place>>(new Map());

  /** The worst state among the namespaces in use; closed where there are none. */
  readonly state: ReadonlySignal<LinkState> = computed(() =>
    worst([...this.#places.value.values()].map((place) => place.link.state.value)),
  );

  /** `user` is who is signed in: sockets of one are never those of another. */
  constructor(sockets: Sockets, holder: Holder, user: ReadonlySignal<User | undefined>) {
    this.#sockets = sockets;
    this.#holder = holder;
    let before: string | undefined;
    effect(() => {
      const now = user.value?.id;
      untracked(() => {
        for (const { link } of this.#places.peek().values()) {
          if (now === undefined) link.expire();
          else if (now !== before) link.restart();
        }
      });
      before = now;
    });
  }

  /** Connects to a namespace, unless that has been done, until the lease is released. */
  open<C extends AnyClient>(Client: ClientOf<C>): Lease<C> {
    const place = this.#place(Client);
    clearTimeout(place.leaving);
    place.leases++;
    place.link.open();
    return new Lease(place.link, place.client as C, () => {
      if (--place.leases > 0) return;
      place.leaving = setTimeout(() => place.link.close(), linger);
    });
  }

  /** Tries all again that were refused, or wait. */
  tryAgain() {
    for (const { link } of this.#places.peek().values()) link.tryAgain();
  }

  #place(Client: ClientOf<AnyClient>): Place {
    const { namespace } = Client;
    const known = this.#places.peek().get(namespace);
    if (known) return known;
    const link = new Link(this.#sockets, namespace, this.#holder);
    const place: Place = {
      link,
      client: new Client(link.socket, { timeout: answerTimeout }),
      leases: 0,
      leaving: undefined,
    };
    this.#places.value = new Map(this.#places.peek()).set(namespace, place);
    return place;
  }
}
