import type { Person } from './protocol';

/** How long "is typing" stays, and how often it is told to others, in milliseconds. */
const shown = 4_000;
const told = 2_000;
/** So many are told apart; a room may have many more. */
const maxShown = 5;

/** Who is writing in a room: who is shown until when, and when the others are told of the user. */
export class Typing {
  readonly #ends = new Map<string, { who: Person; end: ReturnType<typeof setTimeout> }>();
  readonly #changed: (typing: readonly Person[]) => void;
  readonly #send: () => void;
  #last = 0;

  constructor(changed: (typing: readonly Person[]) => void, send: () => void) {
    this.#changed = changed;
    this.#send = send;
  }

  /** Tells the others, unless that has been done a moment ago. */
  tell() {
    const now = Date.now();
    if (now - this.#last < told) return;
    this.#last = now;
    this.#send();
  }

  /** What was written has been sent: whatever comes next is told at once. */
  told() {
    this.#last = 0;
  }

  show(who: Person) {
    const known = this.#ends.get(who.userId);
    if (known) clearTimeout(known.end);
    else if (this.#ends.size >= maxShown) return;
    this.#ends.set(who.userId, { who, end: setTimeout(() => this.stop(who.userId), shown) });
    if (!known) this.#tellChange();
  }

  stop(userId: string) {
    const known = this.#ends.get(userId);
    if (!known) return;
    clearTimeout(known.end);
    this.#ends.delete(userId);
    this.#tellChange();
  }

  forget() {
    for (const { end } of this.#ends.values()) clearTimeout(end);
    if (this.#ends.size === 0) return;
    this.#ends.clear();
    this.#tellChange();
  }

  #tellChange() {
    this.#changed([...this.#ends.values()].map((t) => t.who));
  }
}
