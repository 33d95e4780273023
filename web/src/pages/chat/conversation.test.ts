import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KachiError } from '../../live/gateways';
import { Conversation, maxOutgoing, type Outgoing, type View } from './conversation';
import type { Message } from './timeline';
import type { Joined, Wire } from './wire';

const me = { userId: '1', userName: 'Mina' };
const jun = { userId: '2', userName: 'Jun' };

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-01-02T00:00:00Z') }));
afterEach(() => void vi.useRealTimers());

function said(seq: number, more: Partial<Message> = {}): Message {
  return {
    key: `i${seq}`,
    id: `i${seq}`,
    seq,
    version: 1,
    sender: jun,
    text: `m${seq}`,
    at: seq,
    edited: false,
    deleted: false,
    ...more,
  };
}

/** A room on a server, which answers at once, unless the test says otherwise. */
class FakeRoom implements Wire {
  up = true;
  messages: Message[] = [];
  page = 3;
  /** So many of the last messages are not in the next answer. */
  late = 0;
  readonly calls: string[] = [];
  readonly failures: unknown[] = [];
  joined: Joined = { present: [me, jun], total: 2, seenUpTo: 0 };
  seenByOthers: [string, number][] = [];
  /** Answers that are held back until the test gives them. */
  held: (() => void)[] | undefined;

  online = () => this.up;

  async #call<T>(name: string, answer: () => T): Promise<T> {
    this.calls.push(name);
    if (this.held) await new Promise<void>((go) => this.held!.push(go));
    if (this.failures.length > 0) throw this.failures.shift();
    return answer();
  }

  member = true;
  isMember = () => Promise.resolve(this.member);
  join = () => this.#call('join', () => this.joined);
  seenBy = () => Promise.resolve(new Map(this.seenByOthers));
  history = (_: string, before: Message | undefined) =>
    this.#call(`history ${before?.seq ?? ''}`.trim(), () => {
      const there = this.messages.slice(0, this.messages.length - this.late);
      this.late = 0;
      const all = there.filter((m) => !before || m.seq < before.seq);
      return { messages: all.slice(-this.page), older: all.length > this.page };
    });
  post = (_: string, text: string, clientId: string) =>
    this.#call(`post ${text} ${clientId}`, () => {
      const known = this.messages.find((m) => m.key === clientId);
      if (known) return known;
      const m = said(this.messages.length + 1, { key: clientId, sender: me, text });
      this.messages.push(m);
      return m;
    });
  edit = (id: string) => this.#call(`edit ${id}`, () => ({ version: 2 }));
  remove = (id: string) => this.#call(`remove ${id}`, () => ({ version: 3 }));
  seen = (_: string, m: Message) => void this.calls.push(`seen ${m.seq}`);
  typing = () => void this.calls.push('typing');
}

function start(before: readonly Outgoing[] = []) {
  const unsent = vi.fn<(all: readonly Outgoing[]) => void>();
  let ids = 0;
  const room = new FakeRoom();
  const entered = vi.fn();
  const sent = vi.fn();
  const c = new Conversation('7', me, room, () => `c${++ids}`, { entered, sent, unsent }, before);
  return { room, c, entered, sent, unsent, view: (): View => c.view.value };
}

async function inside(n = 0) {
  const all = start();
  for (let seq = 1; seq <= n; seq++) all.room.messages.push(said(seq));
  await all.c.enter();
  all.room.calls.length = 0;
  return all;
}

const texts = (v: View) => v.timeline.messages.map((m) => m.text);
const outgoing = (v: View) =>
  v.outgoing.map((o) => `${o.text} ${o.delivery}${o.reason ? ` ${o.reason}` : ''}`);
const settle = () => vi.advanceTimersByTimeAsync(0);

describe('a conversation', () => {
  it('is joined, and shows its newest messages and who is there', async () => {
    const { view, room } = await inside(5);
    expect(view().access).toEqual({ kind: 'inside' });
    expect(texts(view())).toEqual(['m3', 'm4', 'm5']);
    expect(view().timeline.older).toBe(true);
    expect(view().present).toEqual([me, jun]);
    expect(room.calls).toEqual([]);
  });

  it('waits for a connection', async () => {
    const { c, room, view, entered } = start();
    room.up = false;
    await c.enter();
    expect([room.calls, view().access.kind]).toEqual([[], 'entering']);
    expect(entered).not.toHaveBeenCalled();
    room.up = true;
    await c.connected(false);
    expect(entered).toHaveBeenCalledOnce();
    expect(view().access.kind).toBe('inside');
  });

  it('says that one may not enter', async () => {
    const { c, room, view } = start();
    room.failures.push(new KachiError('forbidden', ''));
    await c.enter();
    expect(view().access).toEqual({ kind: 'refused', code: 'forbidden' });
    await c.connected(false);
    expect(room.calls).toEqual(['join']);
  });

  it('asks again when the server has no time', async () => {
    const { c, room, view } = start();
    room.failures.push(new KachiError('rate_limited', '', { retryAfter: 5000 }));
    await c.enter();
    expect(view().access.kind).toBe('entering');
    await vi.advanceTimersByTimeAsync(5000);
    expect(view().access.kind).toBe('inside');
  });

  it('loads older messages, one page at a time', async () => {
    const { c, room, view } = await inside(8);
    await Promise.all([c.loadOlder(), c.loadOlder()]);
    expect(room.calls).toEqual(['history 6']);
    expect(texts(view())).toEqual(['m3', 'm4', 'm5', 'm6', 'm7', 'm8']);
    await c.loadOlder();
    expect(view().timeline.older).toBe(false);
    await c.loadOlder();
    expect(room.calls).toEqual(['history 6', 'history 3']);
  });

  it('says that older messages could not be loaded, and loads them later', async () => {
    const { c, room, view } = await inside(8);
    room.failures.push(new KachiError('unreachable', ''));
    await c.loadOlder();
    expect(view().failed?.what).toBe('older');
    await c.loadOlder();
    expect([view().failed, view().timeline.messages.length]).toEqual([undefined, 6]);
  });

  it('fetches what it missed when a message arrives that does not follow', async () => {
    const { c, room, view } = await inside(2);
    for (let seq = 3; seq <= 5; seq++) room.messages.push(said(seq));
    c.hear(room.messages[4]!);
    await settle();
    expect(room.calls).toEqual(['history']);
    expect(texts(view())).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);
  });

  it('fetches once more what was said while it fetched', async () => {
    const { c, room, view } = await inside(2);
    for (let seq = 3; seq <= 5; seq++) room.messages.push(said(seq));
    room.late = 1; // the answer was made before the last message
    c.hear(room.messages[3]!);
    c.hear(room.messages[4]!);
    await vi.advanceTimersByTimeAsync(0);
    expect(room.calls).toEqual(['history', 'history']);
    expect(texts(view())).toEqual(['m1', 'm2', 'm3', 'm4', 'm5']);
  });

  it('fetches what it missed while the connection was gone, and nothing when that was sent', async () => {
    const { c, room, view } = await inside(2);
    c.lost();
    room.messages.push(said(3));
    await c.connected(true);
    expect(room.calls).toEqual([]);
    await c.connected(false);
    expect(room.calls).toEqual(['join', 'history']);
    expect(texts(view())).toEqual(['m1', 'm2', 'm3']);
  });

  it('hears what was edited while the connection was gone, however far up', async () => {
    const { c, room, view } = await inside(8);
    await c.loadOlder();
    await c.loadOlder();
    c.lost();
    room.messages[0] = said(1, { version: 2, text: 'edited' });
    room.messages.push(said(9));
    room.calls.length = 0;
    await c.connected(false);
    expect(texts(view())).toEqual(['edited', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8', 'm9']);
    expect(room.calls).toEqual(['join', 'history', 'history 7', 'history 4']);
  });

  it('is not entered again by who was put out while the connection was gone', async () => {
    const { c, room, view } = await inside(2);
    c.lost();
    room.member = false;
    await c.connected(false);
    expect(room.calls).toEqual([]);
    expect(view().access).toEqual({ kind: 'refused', code: 'excluded' });
    await c.enter(); // because the user wants to
    expect(view().access).toEqual({ kind: 'inside' });
  });

  it('takes no answer that was asked for before the connection was lost', async () => {
    const { c, room, view } = start();
    room.held = [];
    void c.enter();
    c.lost();
    const late = room.held;
    room.held = undefined;
    room.messages.push(said(1));
    await c.connected(false);
    room.joined = { ...room.joined, present: [] };
    late.forEach((go) => go());
    await settle();
    expect(view().present).toEqual([me, jun]);
    expect(texts(view())).toEqual(['m1']);
  });
});

describe('what is written', () => {
  it('is shown at once, and keeps its place when the server has it', async () => {
    const { c, room, view, sent } = await inside();
    room.held = [];
    c.send('hello');
    expect(outgoing(view())).toEqual(['hello sending']);
    expect(sent).not.toHaveBeenCalled();
    room.held.shift()!();
    await settle();
    expect(sent).toHaveBeenCalledOnce();
    expect(outgoing(view())).toEqual([]);
    expect(view().timeline.messages[0]).toMatchObject({ key: 'c1', text: 'hello' });
  });

  it('is there once when it is heard before the answer', async () => {
    const { c, room, view, sent } = await inside();
    room.held = [];
    c.send('hello');
    c.send('bye');
    const theirs = said(1, { key: 'c1' }); // what another calls theirs is another's
    room.messages.push(theirs);
    c.hear(theirs);
    expect(outgoing(view())).toEqual(['hello sending', 'bye waiting']);
    c.hear(said(2, { key: 'c1', sender: me, text: 'hello' }));
    expect(outgoing(view())).toEqual(['bye waiting']);
    expect(sent).not.toHaveBeenCalled();
    room.held.shift()!();
    await settle();
    expect(sent).toHaveBeenCalledOnce();
    expect(texts(view())).toEqual(['m1', 'hello']);
    expect(room.calls).toEqual(['post hello c1', 'post bye c2']);
  });

  it('is on its way no more when it is found in the history', async () => {
    const { c, room, view } = await inside(2);
    room.held = [];
    c.send('hello');
    room.messages.push(said(3, { key: 'c1', sender: me, text: 'hello' }), said(4));
    c.hear(said(4));
    room.held.pop()!();
    await settle();
    expect([texts(view()).slice(-2), outgoing(view())]).toEqual([['hello', 'm4'], []]);
  });

  it('goes out one after the other, in its order', async () => {
    const { c, room, view } = await inside();
    room.held = [];
    c.send('a');
    c.send('b');
    expect(outgoing(view())).toEqual(['a sending', 'b waiting']);
    room.held.shift()!();
    await settle();
    expect(room.calls).toEqual(['post a c1', 'post b c2']);
  });

  it('waits for the connection, with a bound', async () => {
    const { c, room, view } = await inside();
    room.up = false;
    c.lost();
    for (let i = 0; i < maxOutgoing; i++) expect(c.send(`m${i}`)).toBe(true);
    expect(c.send('one more')).toBe(false);
    expect(room.calls).toEqual([]);
    room.up = true;
    await c.connected(false);
    await settle();
    expect(view().outgoing).toEqual([]);
    expect(room.messages).toHaveLength(maxOutgoing);
  });

  it('is sent again with its id when the connection broke, and stored once', async () => {
    const { c, room, view } = await inside();
    room.held = [];
    c.send('hello');
    room.up = false;
    c.lost();
    // The server has stored it; the answer was lost.
    room.messages.push(said(1, { key: 'c1', sender: me, text: 'hello' }));
    room.failures.push(new KachiError('disconnected', ''));
    room.held.shift()!();
    room.held = undefined;
    await settle();
    expect(outgoing(view())).toEqual(['hello waiting']);
    room.up = true;
    await c.connected(true);
    await settle();
    expect(room.calls).toEqual(['post hello c1', 'post hello c1']);
    expect(texts(view())).toEqual(['hello']);
    expect(outgoing(view())).toEqual([]);
  });

  it('waits as long as the server asks for, and then goes out by itself', async () => {
    const { c, room, view } = await inside();
    room.failures.push(new KachiError('rate_limited', '', { retryAfter: 2000 }));
    c.send('hello');
    await settle();
    expect(outgoing(view())).toEqual(['hello waiting']);
    await vi.advanceTimersByTimeAsync(2000);
    expect(texts(view())).toEqual(['hello']);
  });

  it('is given up after some tries, and does not hold up what follows for ever', async () => {
    const { c, room, view } = await inside();
    for (let i = 0; i < 20; i++) room.failures.push(new KachiError('unavailable', ''));
    c.send('hello');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(outgoing(view())).toEqual(['hello failed unavailable']);
  });

  it('can be sent again or thrown away when it failed', async () => {
    const { c, room, view } = await inside();
    room.failures.push(new KachiError('timeout', ''), new KachiError('too_large', ''));
    c.send('a');
    c.send('b');
    await settle();
    expect(outgoing(view())).toEqual(['a failed timeout', 'b failed too_large']);
    c.retry('c1');
    await settle();
    c.discard('c2');
    expect(texts(view())).toEqual(['a']);
    expect(room.calls).toEqual(['post a c1', 'post b c2', 'post a c1']);
    expect(view().outgoing).toEqual([]);
  });

  it('goes out with the id that it had when the page was loaded anew', async () => {
    const { c, room, view, unsent } = start([
      { key: 'a1', text: 'a', at: 1, delivery: 'sending' },
      { key: 'a2', text: 'b', at: 2, delivery: 'failed', reason: 'timeout' },
      { key: 'a3', text: 'c', at: 3, delivery: 'waiting' },
    ]);
    expect(outgoing(view())).toEqual(['a waiting', 'b failed timeout', 'c waiting']);
    await c.enter();
    await settle();
    expect(room.calls.filter((call) => call.startsWith('post'))).toEqual(['post a a1', 'post c a3']);
    expect(outgoing(view())).toEqual(['b failed timeout']);
    expect(unsent.mock.lastCall![0].map((o) => o.key)).toEqual(['a2']);
    c.discard('a2');
    expect(unsent.mock.lastCall).toEqual([[]]);
  });

  it('stays where the user was put out of the room while it was written', async () => {
    const { c, room, view } = await inside();
    room.failures.push(new KachiError('not_found', ''));
    c.send('too late');
    await settle();
    expect(view().access).toEqual({ kind: 'refused', code: 'not_found' });
    expect(outgoing(view())).toEqual(['too late failed not_found']);
    c.refuse('closed');
    expect(view().access).toEqual({ kind: 'refused', code: 'closed' });
  });

  it('is edited and deleted as soon as the server says so', async () => {
    const { c, view } = await inside(2);
    await c.edit('i2', 'better');
    expect(view().timeline.messages[1]).toMatchObject({ text: 'better', edited: true, version: 2 });
    c.changed('i2', 2, { text: 'the same, told', edited: true });
    expect(texts(view())).toEqual(['m1', 'better']);
    await c.remove('i2');
    expect(view().timeline.messages[1]).toMatchObject({ text: '', deleted: true });
  });
});

describe('people', () => {
  it('come and go', async () => {
    const { c, view } = await inside();
    const sora = { userId: '3', userName: 'Sora' };
    c.came(sora);
    c.came(sora);
    expect(view().present).toEqual([me, jun, sora]);
    c.went('2');
    expect(view().present).toEqual([me, sora]);
  });

  it('are shown as typing for a while, until they have written, and never oneself', async () => {
    const { c, view } = await inside();
    c.isTyping(me);
    c.isTyping(jun);
    expect(view().typing).toEqual([jun]);
    await vi.advanceTimersByTimeAsync(3000);
    c.isTyping(jun);
    await vi.advanceTimersByTimeAsync(3000);
    expect(view().typing).toEqual([jun]);
    c.hear(said(1));
    expect(view().typing).toEqual([]);
    c.isTyping(jun);
    await vi.advanceTimersByTimeAsync(4000);
    expect(view().typing).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('are told of one’s own typing now and then', async () => {
    const { c, room } = await inside();
    c.tellTyping();
    c.tellTyping();
    expect(room.calls).toEqual(['typing']);
    await vi.advanceTimersByTimeAsync(2000);
    c.tellTyping();
    expect(room.calls).toEqual(['typing', 'typing']);
    room.up = false;
    await vi.advanceTimersByTimeAsync(2000);
    c.tellTyping();
    expect(room.calls).toHaveLength(2);
  });

  it('have seen what they have seen', async () => {
    const { c, room, view } = await inside(3);
    c.see(said(2));
    c.see(said(1));
    c.see(said(2));
    expect(room.calls).toEqual(['seen 2']);
    c.hasSeen('1', 3); // in another window
    c.see(said(3));
    expect(room.calls).toEqual(['seen 2']);
    c.hasSeen('2', 2);
    c.hasSeen('2', 1);
    expect([...view().seen]).toEqual([['2', 2]]);
  });
});
