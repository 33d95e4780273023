import { describe, expect, it, vi } from 'vitest';
import type { Notification, NotificationPage } from '../../api/contract';
import { ApiError } from '../../api/error';
import { Inbox, type InboxLease } from './inbox';

/** A server with notifications 1, 2, 3… of one user, two to a page, and one of the user's devices. */
class Server {
  version = 0;
  readonly notes: Notification[] = [];
  readonly lists: (string | undefined)[] = [];
  /** Called before a list is answered. */
  meanwhile = () => {};
  failing: ApiError | undefined;
  readonly #listeners = new Map<string, (value: never) => void>();
  #connected: (recovered: boolean) => void = () => {};

  readonly lease = {
    on: (event: string, listener: (value: never) => void) => this.#listeners.set(event, listener),
    onConnect: (listener: (recovered: boolean) => void) => {
      this.#connected = listener;
      listener(false);
    },
    client: { subscribeToNotifications: async () => this.state },
  } as unknown as InboxLease;

  readonly calls = {
    list: async (before: string | undefined): Promise<NotificationPage> => {
      this.lists.push(before);
      if (this.failing) throw this.failing;
      const older = this.notes.filter((n) => before === undefined || Number(n.id) < Number(before));
      const notifications = older.slice(0, 2);
      const page = { notifications, ...this.state, next: older.length > 2 ? notifications[1]!.id : null };
      this.meanwhile();
      return page;
    },
    read: async (id: string) => {
      if (this.failing) throw this.failing;
      return this.#read((n) => n.id === id);
    },
    readAll: async (upTo: string) => this.#read((n) => Number(n.id) <= Number(upTo)),
  };

  get state() {
    return { unread: this.notes.filter((n) => !n.readAt).length, version: this.version };
  }

  /** Stores one more; tells the device unless it is not to hear of it. */
  add({ told = true } = {}) {
    const id = String(this.notes.length + 1);
    const note: Notification = { id, title: `title ${id}`, body: '', createdAt: '2026-01-02T00:00:00Z' };
    this.notes.unshift(note);
    this.version++;
    if (told) this.fire('notification', { ...note, ...this.state });
    return { ...note, ...this.state };
  }

  /** Another device has read some. */
  readElsewhere(ids: string[]) {
    const state = this.#read((n) => ids.includes(n.id));
    this.fire('read', { ids, readAt: '2026-01-02T00:00:01Z', ...state });
  }

  fire(event: string, value: unknown) {
    this.#listeners.get(event)!(value as never);
  }

  reconnect() {
    this.#connected(false);
  }

  #read(which: (n: Notification) => boolean) {
    this.notes.forEach((n, i) => {
      if (which(n) && !n.readAt) this.notes[i] = { ...n, readAt: '2026-01-02T00:00:01Z' };
    });
    this.version++;
    return this.state;
  }
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

async function setUp(notes = 0) {
  const server = new Server();
  for (let i = 0; i < notes; i++) {
    server.notes.unshift({ id: String(i + 1), title: '', body: '', createdAt: '2026-01-02T00:00:00Z' });
    server.version++;
  }
  const arrived = vi.fn();
  const inbox = new Inbox(server.calls, arrived);
  inbox.follow(server.lease);
  await settled();
  const ids = () => inbox.items.value?.map((n) => n.id + (n.readAt ? ' read' : '')).join(', ');
  return { server, inbox, arrived, ids };
}

describe('the badge', () => {
  it('is right before the list is looked at, which is not loaded for it', async () => {
    const { server, inbox, arrived } = await setUp(3);
    expect(inbox.unread.value).toBe(3);
    server.add();
    expect(inbox.unread.value).toBe(4);
    expect(arrived).toHaveBeenCalledTimes(1);
    server.readElsewhere(['1', '2']);
    expect(inbox.unread.value).toBe(2);
    server.add({ told: false });
    server.reconnect();
    await settled();
    expect(inbox.unread.value).toBe(3);
    expect(server.lists).toEqual([]);
  });

  it('does not go back when old news comes late', async () => {
    const { server, inbox, arrived } = await setUp(1);
    const late = server.add({ told: false });
    server.add();
    server.fire('notification', late);
    server.fire('unread', { unread: 99, version: 1 });
    expect(inbox.unread.value).toBe(3);
    expect(arrived).toHaveBeenCalledTimes(1);
  });
});

describe('the list', () => {
  it('is loaded when it is looked at, page by page', async () => {
    const { server, inbox, ids } = await setUp(3);
    inbox.open();
    inbox.open();
    expect(inbox.loading.value.kind).toBe('first');
    await settled();
    expect(ids()).toBe('3, 2');
    expect(inbox.more.value).toBe(true);
    await inbox.loadMore();
    expect(ids()).toBe('3, 2, 1');
    expect(inbox.more.value).toBe(false);
    await inbox.loadMore();
    expect(server.lists).toEqual([undefined, '2']);
  });

  it('has at its top what comes, once', async () => {
    const { server, inbox, arrived, ids } = await setUp(1);
    inbox.open();
    await settled();
    const told = server.add();
    server.fire('notification', told);
    expect(ids()).toBe('2, 1');
    expect(arrived).toHaveBeenCalledTimes(1);
    expect(server.lists.length).toBe(1);
  });

  it('is loaded again when something was missed', async () => {
    const { server, inbox, ids } = await setUp(1);
    inbox.open();
    await settled();
    server.add({ told: false });
    server.add();
    await settled();
    expect(ids()).toBe('3, 2');
    server.add({ told: false });
    server.reconnect();
    await settled();
    await settled();
    expect(ids()).toBe('4, 3');
  });

  it('has what comes while it is loaded', async () => {
    const { server, inbox, ids } = await setUp(1);
    server.meanwhile = () => {
      server.meanwhile = () => {};
      server.add();
    };
    inbox.open();
    await settled();
    expect(ids()).toBe('2, 1');
    expect(inbox.unread.value).toBe(2);
  });

  it('says that it could not be loaded, and tries again', async () => {
    const { server, inbox, ids } = await setUp(3);
    server.failing = new ApiError('unavailable', '');
    inbox.open();
    await settled();
    expect(inbox.loading.value).toMatchObject({ kind: 'failed', more: false });
    server.failing = undefined;
    inbox.again();
    await settled();
    expect(ids()).toBe('3, 2');
    server.failing = new ApiError('timeout', '');
    await inbox.loadMore();
    expect(inbox.loading.value).toMatchObject({ kind: 'failed', more: true });
    server.failing = undefined;
    inbox.again();
    await settled();
    expect(ids()).toBe('3, 2, 1');
  });
});

describe('reading', () => {
  it('shows at once, and is undone when the server does not take it', async () => {
    const { server, inbox, ids } = await setUp(2);
    inbox.open();
    await settled();
    const reading = inbox.read('1');
    expect(ids()).toBe('2, 1 read');
    await reading;
    expect([ids(), inbox.unread.value]).toEqual(['2, 1 read', 1]);
    server.failing = new ApiError('unavailable', '');
    await expect(inbox.read('2')).rejects.toMatchObject({ code: 'unavailable' });
    expect([ids(), inbox.unread.value]).toEqual(['2, 1 read', 1]);
  });

  it('of all does not take what comes meanwhile', async () => {
    const { server, inbox, ids } = await setUp(2);
    inbox.open();
    await settled();
    const upTo = vi.spyOn(server.calls, 'readAll');
    const reading = inbox.readAll();
    server.add();
    await reading;
    await settled();
    expect(upTo).toHaveBeenCalledWith('2');
    expect([ids(), inbox.unread.value]).toEqual(['3, 2 read', 1]);
  });

  it('on another device is seen here', async () => {
    const { server, inbox, ids } = await setUp(2);
    inbox.open();
    await settled();
    server.readElsewhere(['2']);
    expect([ids(), inbox.unread.value]).toEqual(['2 read, 1', 1]);
    server.fire('read', {
      upTo: '2',
      readAt: '2026-01-02T00:00:02Z',
      unread: 0,
      version: server.version + 1,
    });
    expect([ids(), inbox.unread.value]).toEqual(['2 read, 1 read', 0]);
  });
});
