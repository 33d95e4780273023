// One room, kept in step with the server while somebody is signed in, also while another page is shown.

import { signal, type ReadonlySignal } from '@preact/signals';
import { KachiError } from '../../live/gateways';
import type { Person } from './protocol';
import {
  change,
  hear,
  merge,
  newest,
  nothing,
  withNewest,
  withOlder,
  type Message,
  type Timeline,
} from './timeline';
import { Typing } from './typing';
import type { Wire } from './wire';

/** A message that was written here, and that the server does not have yet. */
export interface Outgoing {
  /** Its clientId: sent again with that, it is stored once. */
  key: string;
  text: string;
  at: number;
  /** It waits for the connection or for those before it, is on its way, or was not taken. */
  delivery: 'waiting' | 'sending' | 'failed';
  /** Why it failed: a code. */
  reason?: string;
}

export type Access =
  | { kind: 'outside' }
  | { kind: 'entering' }
  | { kind: 'inside' }
  /** The server does not let one in, or no more. */
  | { kind: 'refused'; code: string };

export interface View {
  access: Access;
  timeline: Timeline;
  /** What is being asked for. */
  loading: 'newest' | 'older' | undefined;
  /** Why the last of that failed. */
  failed: { what: 'newest' | 'older'; error: unknown } | undefined;
  outgoing: readonly Outgoing[];
  present: readonly Person[];
  /** How many are there, of whom `present` may not name all. */
  total: number;
  typing: readonly Person[];
  /** How far each of the others has seen the conversation: a seq by user id. */
  seen: ReadonlyMap<string, number>;
  /** Where the mark of new messages stands. */
  unreadAfter: number | undefined;
}

/** Who is told of what the server has said yes to. */
export interface Told {
  /** The user is in the room, and a member of it. */
  entered(): void;
  /** The server has a message that was written here. */
  sent(m: Message): void;
  /** What was written here and the server does not have has changed. */
  unsent(outgoing: readonly Outgoing[]): void;
}

/** This many messages may wait to be sent. */
export const maxOutgoing = 50;
/** So many people are named. */
const maxPresent = 500;
/** A message that the server has no time for is sent again so often. */
const maxTries = 5;
/** How long to wait where the server does not say, in milliseconds. */
const defaultWait = 1_000;

export class Conversation {
  readonly room: string;
  readonly #view = signal<View>({
    access: { kind: 'outside' },
    timeline: nothing,
    loading: undefined,
    failed: undefined,
    outgoing: [],
    present: [],
    total: 0,
    typing: [],
    seen: new Map(),
    unreadAfter: undefined,
  });
  readonly #wire: Wire;
  readonly #me: Person;
  readonly #newId: () => string;
  readonly #told: Told;
  readonly #typing: Typing;
  /** Counts connections and departures: an answer to what was asked before no longer counts. */
  #round = 0;
  #back = false;
  #flushing = false;
  /** How often the server had no time for the message that is next. */
  #tries = 0;
  #seen = 0;
  /** The greatest seq that was heard of and could not be taken up. */
  #heard = 0;
  readonly #pauses = new Map<'load' | 'post', ReturnType<typeof setTimeout>>();

  /** `unsent` is what was written before the page was loaded. */
  constructor(
    room: string,
    me: Person,
    wire: Wire,
    newId: () => string,
    told: Told,
    unsent: readonly Outgoing[] = [],
  ) {
    this.room = room;
    this.#me = me;
    this.#wire = wire;
    this.#newId = newId;
    this.#told = told;
    if (unsent.length > 0) this.#set({ outgoing: unsent.map(waiting) });
    this.#typing = new Typing(
      (typing) => this.#set({ typing }),
      () => wire.typing(room),
    );
  }

  get view(): ReadonlySignal<View> {
    return this.#view;
  }

  get unsent(): boolean {
    return this.#view.peek().outgoing.length > 0;
  }

  /**
   * Enters the room, where one is not inside. Without a connection that waits for the next. `back`: only as
   * the member that one was, and does not become again.
   */
  async enter(back = false) {
    const { access } = this.#view.peek();
    if (access.kind === 'inside' || access.kind === 'entering') return;
    this.#back = back;
    this.#set({ access: { kind: 'entering' } });
    if (this.#wire.online()) await this.#join();
  }

  /** There is a connection. `recovered` says that nothing was missed since the last. */
  async connected(recovered: boolean) {
    const { access } = this.#view.peek();
    if (access.kind === 'outside' || access.kind === 'refused') return;
    if (recovered && access.kind === 'inside') return this.#flush();
    await this.#join();
  }

  /** The connection is lost. */
  lost() {
    this.#round++;
    for (const timer of this.#pauses.values()) clearTimeout(timer);
    this.#typing.forget();
    this.#set({ loading: undefined });
  }

  /** Ends timers; the conversation is not used any more. */
  close() {
    this.#round++;
    for (const timer of this.#pauses.values()) clearTimeout(timer);
    this.#typing.forget();
  }

  async #join() {
    const round = ++this.#round;
    const before = this.#view.peek();
    try {
      // Who was put out in the meantime does not come in again because their page does.
      const out = this.#back && !(await this.#wire.isMember(this.room));
      if (round !== this.#round) return;
      if (out) return this.refuse('excluded');
      const { present, total, seenUpTo } = await this.#wire.join(this.room);
      if (round !== this.#round) return;
      this.#back = true;
      this.#set({ access: { kind: 'inside' }, present, total });
      if (before.timeline.messages.length === 0) this.#set({ unreadAfter: seenUpTo });
      this.#seen = Math.max(this.#seen, seenUpTo);
      this.#told.entered();
    } catch (error) {
      if (round !== this.#round) return;
      if (lasting(error)) this.refuse((error as KachiError).code);
      else this.#later('load', () => void this.#join(), error);
      return;
    }
    void this.#flush();
    void this.#learnSeen(round);
    await this.#refresh(round, await this.loadNewest());
  }

  /** What was edited and deleted in the meantime, above the newest page, which begins there. */
  async #refresh(round: number, from: Message | undefined) {
    const first = this.#view.peek().timeline.messages[0];
    try {
      while (first && from && from.seq > first.seq) {
        const { messages } = await this.#wire.history(this.room, from);
        if (round !== this.#round) return;
        const { timeline } = this.#view.peek();
        this.#set({ timeline: { ...timeline, messages: merge(timeline.messages, messages) } });
        from = messages[0];
      }
    } catch {
      // They are as they were when they were loaded.
    }
  }

  async #learnSeen(round: number) {
    try {
      const seen = await this.#wire.seenBy(this.room);
      if (round === this.#round) for (const [userId, seq] of seen) this.hasSeen(userId, seq);
    } catch {
      // Not known; what others see from now on is told.
    }
  }

  /** The server does not let one in any more. */
  refuse(code: string) {
    this.#round++;
    this.#set({ access: { kind: 'refused', code }, present: [], total: 0, typing: [], loading: undefined });
  }

  /** Loads the newest page, and gives its first message. */
  async loadNewest(): Promise<Message | undefined> {
    const first = await this.#load('newest', undefined, (t, page, older) => withNewest(t, page, older));
    // What was said while it was asked for may not be in the answer.
    if (first && newest(this.#view.peek().timeline) < this.#heard) {
      this.#later('load', () => void this.loadNewest(), undefined, 0);
    }
    return first;
  }

  async loadOlder() {
    const { timeline, loading } = this.#view.peek();
    if (!timeline.older || loading !== undefined) return;
    await this.#load('older', timeline.messages[0], (t, page, older) => withOlder(t, page, older));
  }

  async #load(
    what: 'newest' | 'older',
    before: Message | undefined,
    take: (t: Timeline, page: readonly Message[], older: boolean) => Timeline,
  ): Promise<Message | undefined> {
    const round = this.#round;
    this.#set({ loading: what, failed: undefined });
    try {
      const { messages, older } = await this.#wire.history(this.room, before);
      if (round !== this.#round) return undefined;
      this.#set({ loading: undefined, timeline: take(this.#view.peek().timeline, messages, older) });
      return messages[0];
    } catch (error) {
      if (round !== this.#round) return undefined;
      if (lasting(error)) this.refuse((error as KachiError).code);
      else this.#set({ loading: undefined, failed: { what, error } });
      const held = this.#view.peek().timeline.messages.length > 0;
      if (what === 'newest' && held) this.#later('load', () => void this.loadNewest(), error);
      return undefined;
    }
  }

  // What is written here

  /** Sends a message, or keeps it until that is possible. False when too many wait already. */
  send(text: string): boolean {
    const { outgoing } = this.#view.peek();
    if (outgoing.length >= maxOutgoing) return false;
    this.#typing.told();
    const o: Outgoing = { key: this.#newId(), text, at: Date.now(), delivery: 'waiting' };
    this.#set({ outgoing: [...outgoing, o], unreadAfter: undefined });
    void this.#flush();
    return true;
  }

  retry(key: string) {
    const o = this.#view.peek().outgoing.find((o) => o.key === key);
    if (o?.delivery !== 'failed') return;
    this.#deliver(key, 'waiting');
    void this.#flush();
  }

  discard(key: string) {
    this.#set({ outgoing: this.#view.peek().outgoing.filter((o) => o.key !== key) });
  }

  /** Sends what waits, one after the other, so that it arrives in the order in which it was written. */
  async #flush() {
    if (this.#flushing) return;
    this.#flushing = true;
    clearTimeout(this.#pauses.get('post'));
    try {
      while (this.#inside()) {
        const next = this.#view.peek().outgoing.find((o) => o.delivery === 'waiting');
        if (!next) return;
        this.#deliver(next.key, 'sending');
        try {
          this.#settle(next.key, await this.#wire.post(this.room, next.text, next.key));
          this.#tries = 0;
        } catch (error) {
          const code = error instanceof KachiError ? error.code : 'unknown';
          // Whether the server has it nobody knows; with the same id it can be sent again.
          if (code === 'disconnected') return this.#deliver(next.key, 'waiting');
          if (busy.has(code) && ++this.#tries < maxTries) {
            this.#deliver(next.key, 'waiting');
            return this.#later('post', () => void this.#flush(), error);
          }
          this.#tries = 0;
          this.#deliver(next.key, 'failed', code);
          if (code === 'forbidden' || code === 'not_found') this.refuse(code);
        }
      }
    } finally {
      this.#flushing = false;
    }
  }

  #settle(key: string, m: Message) {
    this.#told.sent(m);
    const { outgoing, timeline } = this.#view.peek();
    if (!outgoing.some((o) => o.key === key)) return; // thrown away in the meantime
    const known = timeline.messages.findIndex((k) => k.id === m.id);
    this.#set({ outgoing: outgoing.filter((o) => o.key !== key) });
    if (known < 0) return this.hear({ ...m, key });
    const messages = timeline.messages.with(known, { ...timeline.messages[known]!, key });
    this.#set({ timeline: { ...timeline, messages } });
  }

  async edit(id: string, text: string) {
    const { version } = await this.#wire.edit(id, text);
    this.changed(id, version, { text, edited: true });
  }

  async remove(id: string) {
    const { version } = await this.#wire.remove(id);
    this.changed(id, version, { text: '', deleted: true });
  }

  tellTyping() {
    if (this.#inside()) this.#typing.tell();
  }

  /** The user has looked at everything up to this message. */
  see(m: Message) {
    if (m.seq <= this.#seen || !this.#inside()) return;
    this.#seen = m.seq;
    this.#wire.seen(this.room, m);
  }

  /** How far the user has looked. */
  get seenUpTo(): number {
    return this.#seen;
  }

  /** The mark of new messages has been read. */
  unmark() {
    this.#set({ unreadAfter: undefined });
  }

  // What the server tells

  hear(m: Message) {
    this.#typing.stop(m.sender.userId);
    const { timeline, gap } = hear(this.#view.peek().timeline, m);
    if (!gap) return this.#set({ timeline });
    // Something in between is missing.
    this.#heard = Math.max(this.#heard, m.seq);
    if (this.#view.peek().loading !== 'newest') void this.loadNewest();
  }

  changed(id: string, version: number, to: Partial<Message>) {
    this.#set({ timeline: change(this.#view.peek().timeline, id, version, to) });
  }

  came(who: Person) {
    const { present, total } = this.#view.peek();
    if (present.some((p) => p.userId === who.userId)) return;
    this.#set({ present: present.length < maxPresent ? [...present, who] : present, total: total + 1 });
  }

  went(userId: string) {
    this.#typing.stop(userId);
    const { present, total } = this.#view.peek();
    const left = present.filter((p) => p.userId !== userId);
    if (left.length < present.length || total > present.length)
      this.#set({ present: left, total: total - 1 });
  }

  list(present: readonly Person[], total: number) {
    this.#set({ present, total });
  }

  isTyping(who: Person) {
    if (who.userId !== this.#me.userId) this.#typing.show(who);
  }

  hasSeen(userId: string, seq: number) {
    const { seen } = this.#view.peek();
    if (userId === this.#me.userId) {
      this.#seen = Math.max(this.#seen, seq); // in another window
    } else if ((seen.get(userId) ?? 0) < seq) {
      this.#set({ seen: new Map(seen).set(userId, seq) });
    }
  }

  #inside(): boolean {
    return this.#view.peek().access.kind === 'inside' && this.#wire.online();
  }

  #deliver(key: string, delivery: Outgoing['delivery'], reason?: string) {
    const outgoing = this.#view.peek().outgoing.map((o): Outgoing => {
      if (o.key !== key) return o;
      const { key: k, text, at } = o;
      return reason === undefined ? { key: k, text, at, delivery } : { key: k, text, at, delivery, reason };
    });
    this.#set({ outgoing });
  }

  #later(what: 'load' | 'post', again: () => void, error: unknown, otherwise = defaultWait) {
    const wait = (error instanceof KachiError && error.retryAfter) || otherwise;
    const round = this.#round;
    clearTimeout(this.#pauses.get(what));
    const timer = setTimeout(() => {
      if (round === this.#round && this.#wire.online()) again();
    }, wait);
    this.#pauses.set(what, timer);
  }

  #set(change: Partial<View>) {
    const view = { ...this.#view.peek(), ...change };
    if (change.timeline) view.outgoing = this.#without(view.outgoing, view.timeline.messages);
    const before = this.#view.peek().outgoing;
    this.#view.value = view;
    if (view.outgoing !== before) this.#told.unsent(view.outgoing);
  }

  /** What the server has is no longer on its way: it tells the room before it answers. */
  #without(outgoing: readonly Outgoing[], messages: readonly Message[]): readonly Outgoing[] {
    if (outgoing.length === 0) return outgoing;
    const stored = new Set(messages.filter((m) => m.sender.userId === this.#me.userId).map((m) => m.key));
    return outgoing.some((o) => stored.has(o.key)) ? outgoing.filter((o) => !stored.has(o.key)) : outgoing;
  }
}

/** Whether it was sent before the page was loaded is not known. */
function waiting(o: Outgoing): Outgoing {
  return o.delivery === 'failed' ? o : { ...o, delivery: 'waiting' };
}

const busy = new Set(['rate_limited', 'overloaded', 'unavailable']);

/** The server has decided; asking again changes nothing. */
function lasting(error: unknown): boolean {
  return (
    error instanceof KachiError &&
    ['forbidden', 'not_found', 'conflict', 'invalid', 'bad_request'].includes(error.code)
  );
}
