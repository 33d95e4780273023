import { signal } from '@preact/signals';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../api/error';
import type { User } from '../api/contract';
import { FakeSockets, type FakeSocket } from '../testing/sockets';
import { ChatClient, DashboardClient } from './gateways';
import type { AnyClient, ClientOf } from './lease';
import type { Holder } from './link';
import { Live } from './live';
import { online } from './network';

/** Somebody whose tokens are t1, t2, …. */
class FakeHolder implements Holder {
  token: string | undefined = 't1';
  renewals = 0;
  failure: Error | undefined;

  async fresh() {
    return this.token!;
  }

  async renew(refused?: string) {
    if (this.failure) throw this.failure;
    if (refused !== this.token) return this.token!;
    this.renewals++;
    return (this.token = `t${this.renewals + 1}`);
  }
}

let sockets: FakeSockets;
let holder: FakeHolder;
let live: Live;
const user = signal<User | undefined>(undefined);

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  online.value = true;
  user.value = { id: 'u1', name: 'Mina' };
  sockets = new FakeSockets();
  holder = new FakeHolder();
  live = new Live(sockets, holder, user);
});
afterEach(() => void vi.useRealTimers());

function open<C extends AnyClient>(Client: ClientOf<C>) {
  const lease = live.open(Client);
  return { lease, socket: sockets.made.get(Client.namespace)! };
}

async function connected() {
  const { lease, socket } = open(ChatClient);
  await shows(socket, 't1');
  socket.comesUp();
  return { lease, socket };
}

async function shows(socket: FakeSocket, token: string) {
  expect(await socket.shown()).toEqual({ token });
}

const settled = () => vi.advanceTimersByTimeAsync(0);

describe('a namespace', () => {
  it('is connected while somebody needs it, and a moment longer', async () => {
    const { lease, socket } = await connected();
    const other = live.open(ChatClient);
    expect(socket.connects).toBe(1);
    lease.release();
    lease.release();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(socket.connected).toBe(true);
    other.release();
    await vi.advanceTimersByTimeAsync(4_000);
    const again = live.open(ChatClient); // the next page
    await vi.advanceTimersByTimeAsync(60_000);
    expect(socket.connected).toBe(true);
    again.release();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(socket.connected).toBe(false);
    expect(lease.state.value.kind).toBe('closed');
  });

  it('tells how it stands with the server', async () => {
    const { lease, socket } = open(ChatClient);
    expect(lease.state.value.kind).toBe('connecting');
    socket.fails();
    expect(lease.state.value).toEqual({ kind: 'reconnecting', attempt: 0 });
    sockets.attempt(3);
    expect(lease.state.value).toEqual({ kind: 'reconnecting', attempt: 3 });
    socket.comesUp();
    expect(lease.state.value.kind).toBe('online');
    online.value = false;
    expect(lease.state.value.kind).toBe('online'); // the socket knows better
    socket.breaks();
    expect(lease.state.value.kind).toBe('offline');
    online.value = true;
    expect(lease.state.value.kind).toBe('reconnecting');
  });

  it('stays refused until it is tried again', async () => {
    const { lease, socket } = open(ChatClient);
    socket.isRefused('forbidden');
    expect(lease.state.value).toEqual({ kind: 'refused', code: 'forbidden', message: 'forbidden' });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(socket.connects).toBe(1);
    live.tryAgain();
    expect(socket.connects).toBe(2);
    expect(lease.state.value.kind).toBe('connecting');
  });

  it('that the server ended without a word is refused', async () => {
    const { lease, socket } = await connected();
    socket.isEnded();
    expect(lease.state.value).toMatchObject({ kind: 'refused', code: 'disconnected' });
  });

  it('tries again by itself when the refusal passes, not before it may', async () => {
    const { lease, socket } = open(ChatClient);
    socket.isRefused('rate_limited', { retryAfter: 20_000 });
    expect(lease.state.value.kind).toBe('reconnecting');
    await vi.advanceTimersByTimeAsync(19_000);
    expect(socket.connects).toBe(1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(socket.connects).toBe(2);
    for (const wait of [2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      const before = socket.connects;
      socket.isRefused('unavailable');
      await vi.advanceTimersByTimeAsync(wait - 1);
      expect(socket.connects).toBe(before);
      await vi.advanceTimersByTimeAsync(1);
      expect(socket.connects).toBe(before + 1);
    }
  });

  it('is counted among those in use: the worst is what the user is told', async () => {
    expect(live.state.value.kind).toBe('closed');
    const { socket } = await connected();
    const other = open(DashboardClient);
    expect(live.state.value.kind).toBe('connecting');
    other.socket.comesUp();
    expect(live.state.value.kind).toBe('online');
    socket.isEnded();
    expect(live.state.value.kind).toBe('refused');
  });
});

describe('a token', () => {
  it('that expires soon is replaced without a new connection', async () => {
    const { socket } = await connected();
    socket.fire('tokenExpiring', { expiresAt: '' });
    await settled();
    const [sent] = socket.sent;
    expect(sent).toMatchObject({ event: 'refreshToken', values: [{ token: 't2' }] });
    sent!.answer({ expiresAt: '' });
    await settled();
    socket.fire('tokenExpiring', { expiresAt: '' });
    await settled();
    expect(socket.sent[1]!.values).toEqual([{ token: 't3' }]);
    expect(socket.connects).toBe(1);
  });

  it('that is somebody else’s by now has the socket connect anew', async () => {
    const { socket } = await connected();
    socket.fire('tokenExpiring', {});
    await settled();
    socket.sent[0]!.answer({
      status: 'error',
      code: 'unauthorized',
      message: '',
      details: { reason: 'principal' },
    });
    await settled();
    expect(socket.connects).toBe(2);
  });

  it('that has expired is renewed, and the socket comes back', async () => {
    const { lease, socket } = await connected();
    socket.isEnded('unauthorized', { reason: 'expired' });
    expect(lease.state.value.kind).toBe('reconnecting');
    await settled();
    expect(socket.connects).toBe(2);
    await shows(socket, 't2');
    socket.comesUp();
    expect(lease.state.value.kind).toBe('online');
  });

  it('of several namespaces is renewed once', async () => {
    const { socket } = await connected();
    const other = open(DashboardClient);
    await shows(other.socket, 't1');
    other.socket.comesUp();
    for (const s of [socket, other.socket]) s.isEnded('unauthorized', { reason: 'expired' });
    await settled();
    expect(holder.renewals).toBe(1);
    expect([socket.connects, other.socket.connects]).toEqual([2, 2]);
  });

  it('that is refused again and again is not renewed for ever', async () => {
    const { lease, socket } = open(ChatClient);
    for (let i = 0; i < 10 && lease.state.value.kind !== 'refused'; i++) {
      await socket.shown();
      socket.isRefused('unauthorized', { reason: 'signature' });
      await vi.advanceTimersByTimeAsync(30_000);
    }
    expect(lease.state.value).toMatchObject({ kind: 'refused', code: 'unauthorized' });
    expect(holder.renewals).toBe(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that cannot be renewed now is tried again', async () => {
    const { lease, socket } = await connected();
    holder.failure = ApiError.local('unreachable');
    socket.isEnded('unauthorized', { reason: 'expired' });
    await settled();
    expect(lease.state.value.kind).toBe('reconnecting');
    holder.failure = undefined;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(socket.connects).toBe(2);
  });
});

describe('who is signed in', () => {
  it('signs out: the sockets end, and come back for whoever is next', async () => {
    const { lease, socket } = await connected();
    user.value = undefined;
    expect(socket.connected).toBe(false);
    expect(lease.state.value.kind).toBe('expired');
    holder.token = 't9';
    user.value = { id: 'u2', name: 'Jun' };
    expect(lease.state.value.kind).toBe('connecting');
    await shows(socket, 't9');
  });

  it('changes: no socket of one is used for the other', async () => {
    const { socket } = await connected();
    user.value = { id: 'u2', name: 'Jun' };
    expect(socket.connected).toBe(false);
    expect(socket.connects).toBe(2);
    user.value = { id: 'u2', name: 'Juno' }; // the same, with a new name
    expect(socket.connects).toBe(2);
  });
});

describe('a lease', () => {
  it('listens until it is released', async () => {
    const { lease, socket } = await connected();
    const heard: string[] = [];
    const recoveries: boolean[] = [];
    lease.on('message', (m) => heard.push(m.message));
    lease.onConnect((recovered) => recoveries.push(recovered));
    socket.fire('message', { message: 'hello' });
    socket.breaks();
    socket.recovered = true;
    socket.comesUp();
    lease.release();
    socket.fire('message', { message: 'nobody hears this' });
    socket.comesUp();
    expect(heard).toEqual(['hello']);
    expect(recoveries).toEqual([false, true]);
  });

  it('asks, and gives the answer or the error', async () => {
    const { lease, socket } = await connected();
    const asked = lease.client.join('nest');
    socket.sent[0]!.answer({ room: 'nest' });
    expect(await asked).toEqual({ room: 'nest' });

    const refused = lease.client.join('attic');
    socket.sent[1]!.answer({
      status: 'error',
      code: 'rate_limited',
      message: '',
      details: { retryAfter: 500 },
    });
    await expect(refused).rejects.toMatchObject({ code: 'rate_limited', retryAfter: 500 });

    const late = lease.client.join('cellar');
    socket.sent[2]!.fail();
    await expect(late).rejects.toMatchObject({ code: 'timeout' });

    const lost = lease.client.join('roof');
    socket.breaks();
    socket.sent[3]!.fail();
    await expect(lost).rejects.toMatchObject({ code: 'disconnected' });
  });
});
