import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Api } from '../api/api';
import { sender } from '../api/request';
import { FakeServer, refusal } from '../testing/server';
import { Session, type Mark } from './session';
import type { Turn } from './turn';

const mina = { name: 'Mina', password: 'the nest is high' };

let server: FakeServer;
/** The locks of one browser, shared by its tabs. */
let turn: Turn;
let tabs: Room;
let mark: Mark & { on: boolean };

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer();
  turn = queue();
  tabs = new Room();
  mark = { on: false, get: () => mark.on, set: (on) => void (mark.on = on) };
});
afterEach(() => void vi.useRealTimers());

/** The tabs of a browser, each of which hears what the others say, a moment later. */
class Room {
  readonly #members: ((event: { data: unknown }) => void)[][] = [];

  join() {
    const mine: ((event: { data: unknown }) => void)[] = [];
    this.#members.push(mine);
    return {
      addEventListener: (_: 'message', listener: (event: { data: unknown }) => void) =>
        void mine.push(listener),
      postMessage: (data: unknown) => {
        for (const member of this.#members) {
          if (member !== mine)
            queueMicrotask(() => member.forEach((hear) => hear({ data: structuredClone(data) })));
        }
      },
    };
  }
}

/** Turns as locks give them. */
function queue(): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work, work);
    last = done.catch(() => {});
    return done;
  };
}

function open(jar?: { cookie: string | undefined }) {
  const browser = server.browser(jar);
  const send = sender(browser.fetch);
  const session = new Session({ send, turn, tabs: tabs.join(), leaving: mark, now: () => server.now });
  return { session, jar: browser.jar, api: new Api(send, session) };
}

async function signedIn() {
  const tab = open();
  await tab.session.signIn(mina);
  return tab;
}

describe('opening the page', () => {
  it('finds nobody without a cookie', async () => {
    const { session } = open();
    expect(session.state.value.kind).toBe('starting');
    await session.start();
    expect(session.state.value).toEqual({ kind: 'signedOut', why: 'new' });
  });

  it('finds who was signed in before', async () => {
    const { jar } = await signedIn();
    const { session } = open(jar);
    await session.start();
    expect(session.user.value).toEqual({ id: 'Mina', name: 'Mina' });
  });

  it('tries again while the server cannot be reached', async () => {
    const { jar } = await signedIn();
    const { session } = open(jar);
    const broken = { path: '/api/auth/refresh', answer: () => Promise.reject(new TypeError('no network')) };
    server.instead.push(broken, broken);
    await session.start();
    expect(session.state.value).toMatchObject({ kind: 'unreachable', error: { code: 'unreachable' } });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(session.state.value.kind).toBe('unreachable');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(session.state.value.kind).toBe('signedIn');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('signing in', () => {
  it('fails with the reason, and nobody is signed in', async () => {
    const { session } = open();
    await session.start();
    await expect(session.signIn({ ...mina, password: 'wrong' })).rejects.toMatchObject({
      code: 'unauthorized',
    });
    expect(session.user.value).toBeUndefined();
  });

  it('registers, once per name', async () => {
    const { session } = open();
    await session.register({ name: 'Jun', password: 'a good one' });
    expect(session.user.value?.name).toBe('Jun');
    await expect(open().session.register({ name: 'Jun', password: 'x' })).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('is refused an answer that is none', async () => {
    const { session } = open();
    server.instead.push({ path: '/api/auth/login', answer: () => new Response('{"ok":true}') });
    await expect(session.signIn(mina)).rejects.toMatchObject({ code: 'bad_answer' });
    expect(session.token).toBeUndefined();
  });

  it('does so in the other tabs of the browser', async () => {
    const other = open();
    await other.session.start();
    const { session } = await signedIn();
    await vi.advanceTimersByTimeAsync(0);
    expect(other.session.user.value).toEqual(session.user.value);
    expect(other.session.token).toBe(session.token);
  });
});

describe('a token', () => {
  it('is renewed once for all who ask at the same time', async () => {
    const { session } = await signedIn();
    const old = session.token!;
    const renewed = await Promise.all([session.renew(old), session.renew(old), session.renew()]);
    expect(new Set(renewed).size).toBe(1);
    expect(renewed[0]).not.toBe(old);
    expect(server.count('/api/auth/refresh')).toBe(1);
  });

  it('is not renewed for whoever was refused an older one', async () => {
    const { session } = await signedIn();
    const old = session.token!;
    const renewed = await session.renew(old);
    expect(await session.renew(old)).toBe(renewed);
    expect(server.count('/api/auth/refresh')).toBe(1);
  });

  it('is renewed by one tab for all', async () => {
    const { session, jar } = await signedIn();
    const others = [open(jar), open(jar)];
    for (const { session } of others) await session.start();
    await vi.advanceTimersByTimeAsync(0);
    const before = server.count('/api/auth/refresh');
    const all = [session, ...others.map((o) => o.session)];
    expect(new Set(all.map((s) => s.token)).size).toBe(1);
    await Promise.all(all.map((s) => s.renew()));
    await vi.advanceTimersByTimeAsync(0);
    expect(new Set(all.map((s) => s.token)).size).toBe(1);
    expect(server.count('/api/auth/refresh')).toBe(before + 1);
    expect(server.reused).toBe(0);
  });

  it('is renewed before use when it is about to expire, by the server’s clock', async () => {
    const { session } = open();
    const behind = 3 * 3_600_000; // this machine's clock is wrong
    const wrong = new Session({ send: sender(server.browser().fetch), turn, now: () => server.now - behind });
    for (const s of [session, wrong]) {
      await s.signIn(mina);
      const token = s.token;
      server.now += 40_000;
      expect(await s.fresh()).toBe(token);
      server.now += 10_000;
      expect(await s.fresh()).not.toBe(token);
    }
  });

  it('that cannot be renewed now leaves everything as it is', async () => {
    const { session } = await signedIn();
    const token = session.token;
    server.instead.push({ path: '/api/auth/refresh', answer: () => refusal(503, 'unavailable') });
    await expect(session.renew()).rejects.toMatchObject({ code: 'unavailable' });
    expect(session.user.value?.name).toBe('Mina');
    expect(session.token).toBe(token);
    await session.renew();
    expect(session.token).not.toBe(token);
  });

  it('that is not renewed any more ends the session', async () => {
    const { session } = await signedIn();
    server.endSessions();
    await expect(session.renew()).rejects.toMatchObject({ code: 'unauthorized' });
    expect(session.state.value).toEqual({ kind: 'signedOut', why: 'expired' });
    await expect(session.fresh()).rejects.toMatchObject({ code: 'signed_out' });
    await expect(session.renew('token-1')).rejects.toMatchObject({ code: 'signed_out' });
    expect(server.count('/api/auth/refresh')).toBe(1);
  });
});

describe('signing out', () => {
  it('ends the session here, in the other tabs and on the server', async () => {
    const { session, jar } = await signedIn();
    const other = open(jar);
    await other.session.start();
    expect(await session.signOut()).toBe(true);
    await vi.advanceTimersByTimeAsync(0);
    for (const s of [session, other.session])
      expect(s.state.value).toEqual({ kind: 'signedOut', why: 'left' });
    expect(mark.on).toBe(false);
    await open(jar).session.start();
    expect(server.reused).toBe(0);
  });

  it('wins over a renewal that is under way', async () => {
    const { session, jar } = await signedIn();
    const letGo = server.hold('/api/auth/refresh');
    const renewal = session.renew();
    await vi.advanceTimersByTimeAsync(0);
    const out = session.signOut();
    letGo();
    await expect(renewal).rejects.toMatchObject({ code: 'signed_out' });
    expect(await out).toBe(true);
    expect(session.state.value).toEqual({ kind: 'signedOut', why: 'left' });
    expect(jar.cookie).toBeUndefined();
  });

  it('is made up for at the next opening when the server could not be reached', async () => {
    const { session, jar } = await signedIn();
    server.instead.push({
      path: '/api/auth/logout',
      answer: () => Promise.reject(new TypeError('no network')),
    });
    expect(await session.signOut()).toBe(false);
    expect(session.user.value).toBeUndefined();
    expect(mark.on).toBe(true);
    const next = open(jar);
    await next.session.start();
    expect(next.session.state.value).toEqual({ kind: 'signedOut', why: 'left' });
    expect(jar.cookie).toBeUndefined();
    expect(mark.on).toBe(false);
    expect(server.count('/api/auth/refresh')).toBe(0);
  });

  it('is not made up for when somebody has signed in since', async () => {
    const { session } = await signedIn();
    server.instead.push({
      path: '/api/auth/logout',
      answer: () => Promise.reject(new TypeError('no network')),
    });
    await session.signOut();
    await session.signIn(mina);
    await session.start();
    expect(session.user.value?.name).toBe('Mina');
    expect(server.count('/api/auth/logout')).toBe(1);
  });
});

describe('a call', () => {
  it('is made again with another token, once', async () => {
    const { api } = await signedIn();
    server.revokeTokens();
    expect(await api.call('GET /api/rooms', {})).toEqual({ rooms: [] });
    expect(server.count('/api/rooms')).toBe(2);
    server.instead.push(
      { path: '/api/rooms', answer: () => refusal(401, 'unauthorized') },
      { path: '/api/rooms', answer: () => refusal(401, 'unauthorized') },
    );
    await expect(api.call('GET /api/rooms', {})).rejects.toMatchObject({ code: 'unauthorized' });
    expect(server.count('/api/rooms')).toBe(4);
  });

  it('of many that are refused at once renews the token once', async () => {
    const { api } = await signedIn();
    server.revokeTokens();
    await Promise.all(Array.from({ length: 5 }, () => api.call('GET /api/rooms', {})));
    expect(server.count('/api/auth/refresh')).toBe(1);
  });

  it('is not made for nobody', async () => {
    const { session, api } = open();
    await session.start();
    await expect(api.call('GET /api/rooms', {})).rejects.toMatchObject({ code: 'signed_out' });
    expect(server.count('/api/rooms')).toBe(0);
  });

  it('that nobody waits for any more is not made again', async () => {
    const { api } = await signedIn();
    const stop = new AbortController();
    server.revokeTokens();
    const letGo = server.hold('/api/auth/refresh');
    const call = api.call('GET /api/rooms', { signal: stop.signal });
    await vi.advanceTimersByTimeAsync(0);
    stop.abort();
    letGo();
    await expect(call).rejects.toBe(stop.signal.reason);
    expect(server.count('/api/rooms')).toBe(1);
  });
});
