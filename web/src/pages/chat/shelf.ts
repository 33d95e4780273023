// What was written and is not sent, for each room, for as long as the tab is there: also when the page is loaded anew.

import { forget, keep, kept } from '../../kept';
import type { Outgoing } from './conversation';

/** So many rooms have something on a shelf: those in which something was written last. */
const max = 20;

export class Shelf<T> {
  readonly #name: string;
  readonly #user: string;
  readonly #storage: Storage | undefined;
  readonly #all: Map<string, T>;

  /**
   * What is on it is this user's. What another user of the tab has left there is thrown away. `read` makes
   * a value of what was stored, or undefined.
   */
  constructor(
    name: string,
    user: string,
    storage: Storage | undefined,
    read: (stored: unknown) => T | undefined,
  ) {
    this.#name = name;
    this.#user = user;
    this.#storage = storage;
    this.#all = new Map(this.#stored(read));
    if (this.#all.size === 0) this.clear();
  }

  /** The rooms of which something is on it. */
  get rooms(): string[] {
    return [...this.#all.keys()];
  }

  get(room: string): T | undefined {
    return this.#all.get(room);
  }

  set(room: string, value: T | undefined) {
    if (value === this.#all.get(room)) return;
    this.#all.delete(room);
    if (value !== undefined) this.#all.set(room, value);
    for (const oldest of this.rooms.slice(0, -max)) this.#all.delete(oldest);
    if (this.#all.size === 0) this.clear();
    else if (this.#storage) {
      keep(this.#name, JSON.stringify({ user: this.#user, rooms: [...this.#all] }), this.#storage);
    }
  }

  clear() {
    this.#all.clear();
    if (this.#storage) forget(this.#name, this.#storage);
  }

  #stored(read: (stored: unknown) => T | undefined): [string, T][] {
    if (!this.#storage) return [];
    try {
      const { user, rooms } = JSON.parse(kept(this.#name, this.#storage) ?? '{}');
      if (user !== this.#user) return [];
      return (rooms as [string, unknown][]).flatMap(([room, stored]) => {
        const value = typeof room === 'string' ? read(stored) : undefined;
        return value === undefined ? [] : [[room, value]];
      });
    } catch {
      return []; // written by something else
    }
  }
}

export const drafts = (user: string, storage: Storage | undefined) =>
  new Shelf('drafts', user, storage, (stored) => (typeof stored === 'string' ? stored : undefined));

export const outbox = (user: string, storage: Storage | undefined) =>
  new Shelf('outbox', user, storage, (stored) => {
    const messages = (stored as Outgoing[]).filter(
      (o) => typeof o?.key === 'string' && typeof o.text === 'string' && typeof o.at === 'number',
    );
    return messages.length > 0 ? messages : undefined;
  });
