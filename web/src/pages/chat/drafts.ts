// What was begun and not sent, for each room, as long as the tab is there.

import { forget, keep, kept } from '../../kept';

/** So many rooms' drafts are kept. */
const max = 20;

export class Drafts {
  readonly #name: string;
  readonly #storage: Storage | undefined;
  readonly #all: Map<string, string>;

  /** They are this user's, and nobody else's who uses the same tab later. */
  constructor(user: string, storage: Storage | undefined) {
    this.#name = `drafts.${user}`;
    this.#storage = storage;
    this.#all = new Map(this.#read());
  }

  get(room: string): string {
    return this.#all.get(room) ?? '';
  }

  set(room: string, draft: string) {
    if (draft === this.get(room)) return;
    this.#all.delete(room);
    if (draft !== '') this.#all.set(room, draft);
    for (const oldest of [...this.#all.keys()].slice(0, -max)) this.#all.delete(oldest);
    if (!this.#storage) return;
    if (this.#all.size === 0) forget(this.#name, this.#storage);
    else keep(this.#name, JSON.stringify([...this.#all]), this.#storage);
  }

  #read(): [string, string][] {
    if (!this.#storage) return [];
    try {
      const read: unknown = JSON.parse(kept(this.#name, this.#storage) ?? '[]');
      return Array.isArray(read)
        ? read.filter((e) => typeof e?.[0] === 'string' && typeof e?.[1] === 'string')
        : [];
    } catch {
      return []; // written by something else
    }
  }
}
