// Where the reader of a conversation is. What is added above or below does not move what they look at.

/** So close to the end, in pixels, the reader is at it. */
const nearEnd = 60;

export class Scroll {
  readonly #box: () => HTMLElement | null;
  readonly #ended: (is: boolean) => void;
  /** The end is followed as the conversation goes on. */
  #following = true;
  /**
   * The first message that can be seen, and how far below the upper edge it ends: above its end it may
   * lose its sender's name to an older one, or a day that begins with it.
   */
  #anchor: { key: string; end: number } | undefined;
  #placed = false;

  constructor(box: () => HTMLElement | null, ended: (is: boolean) => void) {
    this.#box = box;
    this.#ended = ended;
  }

  /** The reader has scrolled. */
  moved() {
    const b = this.#box();
    if (!b) return;
    this.#follow(b.scrollHeight - b.scrollTop - b.clientHeight < nearEnd);
    this.#remember(b);
  }

  /** Something was drawn. `content` says that there are messages. */
  drawn(content: boolean) {
    const b = this.#box();
    if (!b) return;
    if (!this.#placed && content) {
      this.#placed = true;
      const mark = b.querySelector<HTMLElement>('.chat-new');
      if (mark && b.scrollHeight - start(b, mark) > b.clientHeight) {
        b.scrollTop += start(b, mark) - 80;
        this.#follow(false);
        return this.#remember(b);
      }
    }
    this.resized();
  }

  /** The box, or what is in it, has another size. */
  resized() {
    const b = this.#box();
    if (!b) return; // the observer of its size calls once more when it is gone
    if (this.#following) b.scrollTop = b.scrollHeight;
    else {
      const row = this.#anchor && b.querySelector(selector(this.#anchor.key));
      if (row) b.scrollTop += end(b, row) - this.#anchor!.end;
    }
    this.#remember(b);
  }

  toEnd() {
    const b = this.#box();
    this.#follow(true);
    if (b) b.scrollTop = b.scrollHeight;
  }

  /** The key of the last message whose end can be seen. */
  lastVisible(): string | undefined {
    const b = this.#box();
    if (!b) return undefined;
    const messages = b.querySelectorAll<HTMLElement>('.chat-message');
    for (let i = messages.length - 1; i >= 0; i--) {
      if (end(b, messages[i]!) <= b.clientHeight + 24) return messages[i]!.dataset.key;
    }
    return undefined;
  }

  #follow(is: boolean) {
    this.#following = is;
    this.#ended(is);
  }

  #remember(b: HTMLElement) {
    const all = b.querySelectorAll<HTMLElement>('.chat-message');
    // They are in order, so the first one that reaches below the edge is found by halving.
    let from = 0;
    let to = all.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (end(b, all[middle]!) > 0) to = middle;
      else from = middle + 1;
    }
    const row = all[from];
    this.#anchor = row && { key: row.dataset.key!, end: end(b, row) };
  }
}

const selector = (key: string) => `[data-key="${CSS.escape(key)}"]`;

/** How far below the upper edge of the box a row begins. */
function start(box: Element, row: Element): number {
  return row.getBoundingClientRect().top - box.getBoundingClientRect().top;
}

/** How far below the upper edge of the box a row ends. */
function end(box: Element, row: Element): number {
  return row.getBoundingClientRect().bottom - box.getBoundingClientRect().top;
}
