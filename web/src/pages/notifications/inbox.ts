// What the user is told: how much of it is unread, on every page, and the list, once it is looked at. The
// server counts the changes of it all; where one was missed the list is asked for again.

import { computed, signal, type ReadonlySignal } from '@preact/signals';
import type { Notification, NotificationPage, NotificationState } from '../../api/contract';
import type { NotificationsClient, ReadElsewhere } from '../../live/gateways';
import type { Lease } from '../../live/lease';

export type InboxLease = Pick<Lease<NotificationsClient>, 'client' | 'on' | 'onConnect'>;

/** What the inbox asks of the server. */
export interface Calls {
  list(before: string | undefined, signal: AbortSignal): Promise<NotificationPage>;
  read(id: string): Promise<NotificationState>;
  readAll(upTo: string): Promise<NotificationState>;
}

export type Loading =
  | { kind: 'waiting' }
  | { kind: 'first' }
  | { kind: 'ready' }
  | { kind: 'more' }
  /** `more`: the list is there, the next page is not. */
  | { kind: 'failed'; more: boolean; error: unknown };

/** A list that changes while it is loaded is loaded again so many times. */
const maxTries = 3;
/** The server keeps no more for a user than these. */
const maxItems = 1_000;

export class Inbox {
  readonly #calls: Calls;
  readonly #arrived: (notification: Notification) => void;
  readonly #state = signal<NotificationState>({ unread: 0, version: 0 });
  readonly #items = signal<readonly Notification[] | undefined>(undefined);
  readonly #next = signal<string | null>(null);
  readonly #loading = signal<Loading>({ kind: 'waiting' });
  /** What is being marked as read: it looks so at once. */
  readonly #marking = signal<ReadonlySet<string>>(new Set());
  readonly #end = new AbortController();
  #reloading: Promise<void> | undefined;

  readonly unread: ReadonlySignal<number> = computed(() => this.#state.value.unread);

  /** The notifications that are loaded, the newest first; undefined before any are. */
  readonly items: ReadonlySignal<readonly Notification[] | undefined> = computed(() =>
    this.#items.value?.map((n) =>
      this.#marking.value.has(n.id) && !n.readAt ? { ...n, readAt: n.createdAt } : n,
    ),
  );

  /** Whether there are older ones. */
  readonly more: ReadonlySignal<boolean> = computed(() => this.#next.value !== null);

  /** `arrived` is told of each notification the moment it comes. */
  constructor(calls: Calls, arrived: (notification: Notification) => void) {
    this.#calls = calls;
    this.#arrived = arrived;
  }

  get loading(): ReadonlySignal<Loading> {
    return this.#loading;
  }

  /** Listens to a connection, which is the caller's to release. */
  follow(lease: InboxLease) {
    lease.on('notification', (told) => {
      const { unread, version, ...notification } = told;
      const before = this.#state.peek().version;
      if (version <= before) return;
      this.#take({ unread, version }, () => {
        const items = this.#items.peek();
        if (items)
          this.#items.value = [notification, ...items.filter((n) => n.id !== notification.id)].slice(
            0,
            maxItems,
          );
      });
      this.#arrived(notification);
    });
    lease.on('read', (read) => this.#take(read, () => this.#markRead(read)));
    lease.on('unread', (state) => this.#take(state, () => void this.#reload()));
    lease.onConnect(() => void this.#subscribe(lease));
  }

  /** Loads the list, unless that has been done. */
  open() {
    if (this.#loading.peek().kind !== 'waiting') return;
    this.#loading.value = { kind: 'first' };
    void this.#reload();
  }

  /** Tries again what failed. */
  again() {
    const loading = this.#loading.peek();
    if (loading.kind === 'failed') void (loading.more ? this.loadMore() : this.#reload());
  }

  /** Loads the next page. */
  async loadMore() {
    const before = this.#next.peek();
    const kind = this.#loading.peek().kind;
    if (before === null || (kind !== 'ready' && kind !== 'failed')) return;
    this.#loading.value = { kind: 'more' };
    try {
      const page = await this.#calls.list(before, this.#end.signal);
      if (this.#end.signal.aborted || this.#next.peek() !== before) return;
      const known = this.#items.peek() ?? [];
      const ids = new Set(known.map((n) => n.id));
      this.#items.value = [...known, ...page.notifications.filter((n) => !ids.has(n.id))];
      this.#next.value = page.next ?? null;
      this.#loading.value = { kind: 'ready' };
    } catch (error) {
      if (!this.#end.signal.aborted) this.#loading.value = { kind: 'failed', more: true, error };
    }
  }

  /** Marks one as read. Fails with an ApiError, and then it is unread again. */
  async read(id: string) {
    if (this.#items.peek()?.some((n) => n.id === id && n.readAt)) return;
    await this.#mark([id], () => this.#calls.read(id));
  }

  /** Marks all as read that are here. What comes meanwhile is not among them. */
  async readAll() {
    const items = this.#items.peek() ?? [];
    const newest = items[0];
    if (!newest) return;
    await this.#mark(
      items.map((n) => n.id),
      () => this.#calls.readAll(newest.id),
    );
  }

  stop() {
    this.#end.abort();
  }

  async #mark(ids: readonly string[], call: () => Promise<NotificationState>) {
    this.#marking.value = new Set([...this.#marking.peek(), ...ids]);
    try {
      const state = await call();
      const readAt = new Date().toISOString();
      this.#take(state, () => {});
      this.#setRead((n) => ids.includes(n.id), readAt);
    } finally {
      this.#marking.value = new Set([...this.#marking.peek()].filter((id) => !ids.includes(id)));
    }
  }

  #markRead({ ids, upTo, readAt }: ReadElsewhere) {
    this.#setRead((n) => (ids ? ids.includes(n.id) : upTo !== undefined && !isNewer(n.id, upTo)), readAt);
  }

  #setRead(which: (n: Notification) => boolean, readAt: string) {
    this.#items.value = this.#items.peek()?.map((n) => (!n.readAt && which(n) ? { ...n, readAt } : n));
  }

  async #subscribe(lease: InboxLease) {
    let state: NotificationState;
    try {
      state = await lease.client.subscribeToNotifications(null);
    } catch {
      return; // the banner tells of the connection; the next one subscribes again
    }
    this.#take(state, () => {}, true);
  }

  /**
   * Takes a newer state over. `change` does to the list what it stands for, if it is the next one; where
   * others were missed, or the server counts anew, the list is loaded again.
   */
  #take({ unread, version }: NotificationState, change: () => void, all = false) {
    const before = this.#state.peek().version;
    if (version <= before && !(all && version < before)) return;
    this.#state.value = { unread, version };
    change();
    if (version !== before + 1 || all) void this.#reload();
  }

  /** Loads the first page again, if somebody has looked at the list. */
  async #reload(): Promise<void> {
    if (this.#loading.peek().kind === 'waiting') return;
    await (this.#reloading ??= this.#loadFirst().finally(() => (this.#reloading = undefined)));
  }

  async #loadFirst() {
    if (!this.#items.peek()) this.#loading.value = { kind: 'first' };
    try {
      for (let tries = 1; ; tries++) {
        const page = await this.#calls.list(undefined, this.#end.signal);
        if (this.#end.signal.aborted) return;
        // Something has changed since: it is in the next answer.
        if (page.version < this.#state.peek().version && tries < maxTries) continue;
        this.#items.value = page.notifications;
        this.#next.value = page.next ?? null;
        if (!(page.version < this.#state.peek().version)) {
          this.#state.value = { unread: page.unread, version: page.version };
        }
        this.#loading.value = { kind: 'ready' };
        return;
      }
    } catch (error) {
      if (!this.#end.signal.aborted) this.#loading.value = { kind: 'failed', more: false, error };
    }
  }
}

/** Ids are numbers in strings: the longer is the greater. */
function isNewer(id: string, than: string): boolean {
  return id.length === than.length ? id > than : id.length > than.length;
}
