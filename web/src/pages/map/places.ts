// The places that the user may see, kept up to date: loaded by the API, then told of by the live connection.

import { computed, signal, type ReadonlySignal } from '@preact/signals';
import type { Place } from '../../api/contract';
import { KachiError, type LocationClient } from '../../live/gateways';
import type { Lease } from '../../live/lease';

export type LocationLease = Pick<Lease<LocationClient>, 'client' | 'on' | 'onConnect'>;

/** What the user may see at the moment. */
export type LoadPlaces = (signal: AbortSignal) => Promise<readonly Place[]>;

/** No more places than these are watched live; the others are as they were when they were loaded. */
export const maxWatched = 200;

/** What somebody has done with a place of theirs. */
export type News = 'shared' | 'revoked' | 'deleted';

export type Loading = { kind: 'loading' } | { kind: 'ready' } | { kind: 'failed'; error: unknown };

export class Places {
  readonly #load: LoadPlaces;
  readonly #me: string;
  readonly #places = signal<ReadonlyMap<string, Place>>(new Map());
  readonly #loading = signal<Loading>({ kind: 'loading' });
  /** Versions of what was deleted here: the news of a change may come behind that of the end. */
  readonly #deleted = new Set<string>();
  /** Counts changes, so that what was loaded before one does not undo it. */
  readonly #changed = new Map<string, number>();
  #changes = 0;
  #lease: LocationLease | undefined;
  /** The places that are watched over this connection. */
  #watched = new Set<string>();
  #watching: Promise<void> | undefined;
  #reloading: Promise<void> | undefined;
  readonly #end = new AbortController();
  readonly #wait: (milliseconds: number) => Promise<void>;

  /** All, by their names; the user's own first. */
  readonly all: ReadonlySignal<readonly Place[]> = computed(() =>
    [...this.#places.value.values()].sort(
      (a, b) =>
        Number(b.ownerId === this.#me) - Number(a.ownerId === this.#me) ||
        a.name.localeCompare(b.name) ||
        compareIds(a.id, b.id),
    ),
  );

  /** `me` is the user's id. */
  constructor(
    me: string,
    load: LoadPlaces,
    wait = (ms: number) => new Promise<void>((r) => setTimeout(r, ms)),
  ) {
    this.#me = me;
    this.#load = load;
    this.#wait = wait;
  }

  get loading(): ReadonlySignal<Loading> {
    return this.#loading;
  }

  get(id: string): Place | undefined {
    return this.#places.value.get(id);
  }

  /**
   * Begins to watch over a connection, which is the caller's to release. `news` is told of what others do with
   * places of theirs: that they share one with the user, no longer share it, or have deleted it.
   */
  follow(lease: LocationLease, news: (what: News, place: Place) => void = () => {}) {
    this.#lease = lease;
    lease.on('chat', ({ message }) => void this.put(message));
    lease.on('granted', ({ message }) => {
      const known = this.get(message.id) !== undefined;
      if (this.put(message) && !known && message.ownerId !== this.#me) news('shared', message);
    });
    lease.on('left_room', ({ roomName, reason }) => {
      const known = this.get(roomName);
      if (reason === 'deleted') this.delete(roomName);
      else this.hide(roomName);
      if (known && known.ownerId !== this.#me) news(reason, known);
    });
    lease.onConnect((recovered) => {
      // The server knows a socket that came back in time, and what it has missed is on its way.
      if (!recovered) this.#watched = new Set();
      void this.reload();
    });
  }

  /** Loads all again. Needed after a connection that was not recovered; else what changes is told. */
  reload(): Promise<void> {
    return (this.#reloading ??= this.#loadAll().finally(() => (this.#reloading = undefined)));
  }

  async #loadAll(): Promise<void> {
    const before = this.#changes;
    if (this.#loading.peek().kind === 'failed') this.#loading.value = { kind: 'loading' };
    try {
      const loaded = await this.#load(this.#end.signal);
      if (this.#end.signal.aborted) return;
      this.#merge(loaded, before);
      this.#loading.value = { kind: 'ready' };
    } catch (error) {
      if (!this.#end.signal.aborted) this.#loading.value = { kind: 'failed', error };
      return;
    }
    await this.#watch();
  }

  /** Takes a place as it is now; returns false where a version is known that is not older. */
  put(place: Place): boolean {
    if (this.#deleted.has(place.id)) return false;
    const known = this.#places.peek().get(place.id);
    if (known && known.version >= place.version) return false;
    this.#note(place.id);
    this.#places.value = new Map(this.#places.peek()).set(place.id, place);
    if (!known) void this.#watch();
    return true;
  }

  /** The place is gone, for good. */
  delete(id: string) {
    this.#deleted.add(id);
    this.hide(id);
  }

  /** The user may not see the place any more. */
  hide(id: string) {
    this.#note(id);
    this.#watched.delete(id);
    const rest = new Map(this.#places.peek());
    if (rest.delete(id)) this.#places.value = rest;
  }

  stop() {
    this.#end.abort();
  }

  #note(id: string) {
    this.#changed.set(id, ++this.#changes);
  }

  /** Takes what was loaded, but for places of which something newer has been heard since it was asked for. */
  #merge(loaded: readonly Place[], before: number) {
    const known = this.#places.peek();
    const next = new Map<string, Place>();
    for (const place of loaded) {
      const here = known.get(place.id);
      const since = (this.#changed.get(place.id) ?? 0) > before;
      if (this.#deleted.has(place.id) || (since && !here)) continue;
      next.set(place.id, here && here.version >= place.version ? here : place);
    }
    for (const [id, place] of known) {
      if (!next.has(id) && (this.#changed.get(id) ?? 0) > before) next.set(id, place);
    }
    for (const id of this.#watched) if (!next.has(id)) this.#watched.delete(id);
    this.#places.value = next;
  }

  /** Watches what is not watched yet, one after the other. */
  #watch(): Promise<void> {
    return (this.#watching ??= this.#joinAll().finally(() => (this.#watching = undefined)));
  }

  async #joinAll() {
    for (;;) {
      const lease = this.#lease;
      const watched = this.#watched;
      const next = this.all.peek().find((place) => !watched.has(place.id))?.id;
      if (!lease || next === undefined || watched.size >= maxWatched || this.#end.signal.aborted) return;
      watched.add(next);
      try {
        await lease.client.join_room({ locationId: next });
      } catch (error) {
        watched.delete(next);
        const { code, retryAfter } = error instanceof KachiError ? error : new KachiError('unknown', '');
        if (code === 'not_found' || code === 'forbidden') this.hide(next);
        else if (code === 'rate_limited') await this.#wait(retryAfter ?? 1_000);
        else return; // the next connection, or the next change, tries again
      }
    }
  }
}

/** Ids are numbers in strings: the shorter is the less. */
function compareIds(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}
