// One tab at a time does what concerns the refresh cookie, which all tabs share: a refresh that
// overtakes another one would show the server a cookie that it has already replaced.

/** Does the work when nobody else, in this tab or another, does theirs. Work is done in the order asked for within a tab. */
export type Turn = <T>(work: () => Promise<T>) => Promise<T>;

/** Turns by the Web Locks API, which browsers have on https and localhost only. */
export function lockTurn(locks: LockManager, name: string): Turn {
  return <T>(work: () => Promise<T>) => locks.request(name, () => work()) as Promise<T>;
}

/** What channelTurn needs of a BroadcastChannel. */
export interface TurnChannel {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}

interface Claim {
  kind: 'claim' | 'done';
  id: string;
  ticket: number;
}

/** The ticket of whoever has the turn. */
const held = 0;
/** How long other tabs have for saying that they were first, in milliseconds. */
const settling = 60;
/** After this long, in milliseconds, a tab that has not said that it is done is taken to be gone. */
const patience = 40_000;

/**
 * Turns by messages between the tabs, for plain http. Who wants a turn claims it with a ticket higher than
 * all it has heard of; who has a lower one, or the same and a lower id, goes first.
 */
export function channelTurn(channel: TurnChannel, id: string): Turn {
  const others = new Map<string, { ticket: number; until: number }>();
  let mine: number | undefined;
  let highest = 0;
  let wake = () => {};
  let queue: Promise<unknown> = Promise.resolve();

  channel.addEventListener('message', ({ data }) => {
    const claim = data as Partial<Claim> | null;
    if (typeof claim?.id !== 'string' || claim.id === id || typeof claim.ticket !== 'number') return;
    if (claim.kind === 'done') others.delete(claim.id);
    else if (claim.kind === 'claim') {
      const known = others.get(claim.id)?.ticket === claim.ticket;
      highest = Math.max(highest, claim.ticket);
      others.set(claim.id, { ticket: claim.ticket, until: Date.now() + patience });
      // Whoever comes later has to know of this one.
      if (mine !== undefined && !known) tell('claim', mine);
    }
    wake();
  });
  const tell = (kind: Claim['kind'], ticket: number) => channel.postMessage({ kind, id, ticket });

  /** How long to wait for those who go first, in milliseconds. */
  const wait = (ticket: number): number => {
    let longest = 0;
    const now = Date.now();
    for (const [other, claim] of others) {
      if (claim.until <= now) others.delete(other);
      else if (claim.ticket < ticket || (claim.ticket === ticket && other < id)) {
        longest = Math.max(longest, claim.until - now);
      }
    }
    return longest;
  };
  const sleep = (time: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, time);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  async function take<T>(work: () => Promise<T>): Promise<T> {
    const ticket = (mine = ++highest);
    tell('claim', ticket);
    try {
      await new Promise((resolve) => setTimeout(resolve, settling));
      for (let time = wait(ticket); time > 0; time = wait(ticket)) await sleep(time);
      mine = held; // whoever comes now has a higher ticket, also if they have heard of none
      tell('claim', held);
      return await work();
    } finally {
      mine = undefined;
      tell('done', ticket);
    }
  }
  return (work) => {
    const done = queue.then(() => take(work));
    queue = done.catch(() => {});
    return done;
  };
}
