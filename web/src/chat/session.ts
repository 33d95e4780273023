// One user's stay in the chat: keeps the state in step with the server over one socket.

import { isRefusal, type ChatSocket, type Member, type Receipt, type Refusal } from './protocol';
import {
  append,
  holdBack,
  initial,
  maxPending,
  pending,
  receive,
  update,
  withMember,
  withoutMember,
  type MessageLine,
  type State,
} from './state';

/** How long the server may take to answer, in milliseconds. */
const answerTimeout = 10_000;
/** How long "is typing" stays, and how often it is told to others, in milliseconds. */
const typingShown = 4_000;
const typingTold = 2_000;

export class Session {
  state: State = initial;
  readonly #socket: ChatSocket;
  readonly #changed: () => void;
  readonly #newId: () => string;
  readonly #typingEnds = new Map<string, ReturnType<typeof setTimeout>>();
  #inside = false;
  #lostAt = 0;
  #toldTyping = 0;
  #notices = 0;

  /** Listens to the socket, which is not connected yet, and connects it. `changed` is called after each change of `state`. */
  constructor(socket: ChatSocket, changed: () => void, newId: () => string = randomId) {
    this.#socket = socket;
    this.#changed = changed;
    this.#newId = newId;

    socket.on('connect', () => {
      this.#set({ link: { kind: 'connected' } });
      if (this.state.room !== undefined) this.#join();
    });
    socket.on('disconnect', (reason) => {
      this.#lose();
      // Ended by the server on purpose: the client does not come back by itself.
      if (socket.active) this.#set({ link: { kind: 'offline', attempt: 0 } });
      else this.#refused('disconnected', reason);
    });
    socket.on('connect_error', (error) => {
      if (!socket.active) this.#refused('refused', error.message);
      else if (this.state.link.kind === 'connecting') this.#set({ link: { kind: 'offline', attempt: 0 } });
    });
    socket.io.on('reconnect_attempt', (attempt) => this.#set({ link: { kind: 'offline', attempt } }));

    socket.on('userJoined', (event) => this.#came(event));
    socket.on('userLeft', (event) => this.#went(event));
    socket.on('message', (event) => {
      if (event.room === this.state.room) this.#replace(receive(this.state, event));
    });
    socket.on('typing', (event) => this.#typing(event));
    socket.connect();
  }

  /** Enters a room, now or as soon as there is a connection. */
  enter(name: string, room: string) {
    this.#set({ room, me: { userId: '', userName: name }, entering: true, entryError: undefined });
    if (this.#socket.connected) this.#join();
  }

  leave() {
    if (this.#inside && this.state.room !== undefined) this.#socket.emit('exit', this.state.room);
    this.#forgetRoom();
  }

  /** Tries again after the server refused the connection or the way into the room. */
  tryAgain() {
    this.#set({ link: { kind: 'connecting' } });
    if (!this.#socket.connected) {
      this.#socket.connect();
      return;
    }
    this.#set({ link: { kind: 'connected' } });
    if (this.state.room !== undefined) this.#join();
  }

  /** Sends a message, or keeps it until there is a connection. False when too many wait already. */
  send(text: string): boolean {
    if (this.state.me === undefined || pending(this.state).length >= maxPending) return false;
    const line: MessageLine = {
      kind: 'message',
      key: this.#newId(),
      sender: this.state.me,
      text,
      at: Date.now(),
      delivery: 'waiting',
      own: true,
    };
    this.#toldTyping = 0;
    this.#set({ lines: append(this.state.lines, line) });
    if (this.#inside) this.#post(line);
    return true;
  }

  retry(key: string) {
    const line = this.state.lines.find((l) => l.key === key);
    if (line?.kind !== 'message' || line.delivery !== 'failed') return;
    this.#replace(update(this.state, key, { delivery: 'waiting', reason: undefined }));
    if (this.#inside) this.#post(line);
  }

  discard(key: string) {
    this.#set({ lines: this.state.lines.filter((l) => l.key !== key) });
  }

  /** Tells the room that the user is writing, at most every two seconds and only while connected. */
  tellTyping() {
    const now = Date.now();
    if (!this.#inside || this.state.room === undefined || now - this.#toldTyping < typingTold) return;
    this.#toldTyping = now;
    this.#socket.volatile.emit('typing', { room: this.state.room });
  }

  #join() {
    const { room, me } = this.state;
    if (room === undefined || me === undefined) return;
    this.#socket.timeout(answerTimeout).emit('join', { name: me.userName, room }, (error, answer) => {
      if (this.state.room !== room || this.#inside) return; // left, or joined, in the meantime
      if (error) {
        // No answer: after a lost connection the next `connect` joins; otherwise ask again.
        if (this.#socket.connected) this.#join();
      } else if (isRefusal(answer)) this.#notLetIn(answer);
      else this.#entered(answer.user, answer.members);
    });
  }

  #entered(me: Member, members: Member[]) {
    this.#inside = true;
    let lines = this.state.lines;
    // A recovered connection was sent what it missed; any other has a gap here.
    if (this.#lostAt > 0 && !this.#socket.recovered) {
      lines = append(lines, { kind: 'away', key: this.#noticeKey(), from: this.#lostAt, to: Date.now() });
    }
    this.#lostAt = 0;
    this.#set({ me, members, lines, entering: false, link: { kind: 'connected' } });
    for (const line of pending(this.state)) this.#post(line);
  }

  #notLetIn(refusal: Refusal) {
    if (this.state.entering) {
      this.#forgetRoom();
      this.#set({ entryError: refusal.code });
    } else this.#refused(refusal.code, refusal.message);
  }

  #post(line: MessageLine) {
    const room = this.state.room;
    if (room === undefined) return;
    this.#replace(update(this.state, line.key, { delivery: 'sending' }));
    const body = { room, message: line.text, clientId: line.key };
    this.#socket.timeout(answerTimeout).emit('message', body, (error, answer) => {
      if (this.state.room !== room) return;
      this.#answered(line.key, error, answer);
    });
  }

  #answered(key: string, error: Error | null, answer: Receipt | Refusal) {
    const line = this.state.lines.find((l) => l.key === key);
    // An answer that comes late, while the message waits to be sent once more, still counts.
    if (line?.kind !== 'message' || line.delivery === 'delivered') return;
    if (error) {
      if (this.#inside) this.#replace(update(this.state, key, { delivery: 'failed', reason: 'no_answer' }));
    } else if (isRefusal(answer)) {
      this.#replace(update(this.state, key, { delivery: 'failed', reason: answer.code }));
    } else {
      const at = Date.parse(answer.sentAt);
      this.#replace(update(this.state, key, { delivery: 'delivered', reason: undefined, id: answer.id, at }));
    }
  }

  #came({ room, ...who }: Member & { room: string }) {
    if (room !== this.state.room) return;
    const { members, lines } = this.state;
    this.#set({
      members: withMember(members, who),
      lines: append(lines, { kind: 'joined', key: this.#noticeKey(), name: who.userName }),
    });
  }

  #went({ room, ...who }: Member & { room: string }) {
    if (room !== this.state.room) return;
    this.#endTyping(who.userId);
    const { members, lines } = this.state;
    this.#set({
      members: withoutMember(members, who.userId),
      lines: append(lines, { kind: 'left', key: this.#noticeKey(), name: who.userName }),
    });
  }

  #typing({ room, ...who }: Member & { room: string }) {
    if (room !== this.state.room) return;
    clearTimeout(this.#typingEnds.get(who.userId));
    this.#typingEnds.set(
      who.userId,
      setTimeout(() => this.#endTyping(who.userId), typingShown),
    );
    this.#set({ typing: withMember(this.state.typing, who) });
  }

  #endTyping(userId: string) {
    clearTimeout(this.#typingEnds.get(userId));
    this.#typingEnds.delete(userId);
    this.#set({ typing: withoutMember(this.state.typing, userId) });
  }

  #lose() {
    if (this.#inside) this.#lostAt = Date.now();
    this.#inside = false;
    this.#clearTyping();
    this.#set({ lines: holdBack(this.state.lines), typing: [] });
  }

  #refused(code: string, message: string) {
    this.#set({ link: { kind: 'refused', code, message } });
  }

  #forgetRoom() {
    this.#inside = false;
    this.#lostAt = 0;
    this.#clearTyping();
    this.#set({
      room: undefined,
      me: undefined,
      entering: false,
      entryError: undefined,
      members: [],
      typing: [],
      lines: [],
    });
  }

  #clearTyping() {
    for (const timer of this.#typingEnds.values()) clearTimeout(timer);
    this.#typingEnds.clear();
  }

  #noticeKey(): string {
    return `notice-${this.#notices++}`;
  }

  #set(change: Partial<State>) {
    this.#replace({ ...this.state, ...change });
  }

  #replace(state: State) {
    if (state === this.state) return;
    this.state = state;
    this.#changed();
  }
}

/** A 128-bit random id; crypto.randomUUID exists on https and localhost only. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join(
    '',
  );
}
