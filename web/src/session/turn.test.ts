import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { channelTurn, lockTurn, type Turn, type TurnChannel } from './turn';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Tabs that hear each other after `delay` milliseconds. */
function channels(delay: number) {
  const members: ((event: { data: unknown }) => void)[][] = [];
  return (): TurnChannel => {
    const mine: ((event: { data: unknown }) => void)[] = [];
    members.push(mine);
    return {
      addEventListener: (_, listener) => void mine.push(listener),
      postMessage: (data) => {
        for (const member of members) {
          if (member !== mine) setTimeout(() => member.forEach((hear) => hear({ data })), delay);
        }
      },
    };
  };
}

/** Does work for a while, and notes who was at it. */
function worker() {
  let busy = 0;
  const log: string[] = [];
  const work = (name: string, time: number) => async () => {
    expect(++busy).toBe(1);
    log.push(name);
    await new Promise((resolve) => setTimeout(resolve, time));
    busy--;
    return name;
  };
  return { work, log };
}

describe('turns by messages', () => {
  it.each([0, 5, 50])('are one at a time when messages take %i ms', async (delay) => {
    const join = channels(delay);
    const { work, log } = worker();
    const tabs: [string, Turn][] = ['c', 'a', 'b'].map((id) => [id, channelTurn(join(), id)]);
    const all = tabs.flatMap(([id, turn]) => [turn(work(id, 500)), turn(work(id, 10))]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(await Promise.all(all)).toEqual(['c', 'c', 'a', 'a', 'b', 'b']);
    expect(log).toHaveLength(6);
  });

  it('let somebody in who comes while another is at it, afterwards', async () => {
    const join = channels(5);
    const { work, log } = worker();
    const first = channelTurn(join(), 'z')(work('z', 2_000));
    await vi.advanceTimersByTimeAsync(500);
    const second = channelTurn(join(), 'a')(work('a', 10)); // a new tab, which has heard nothing
    await vi.advanceTimersByTimeAsync(5_000);
    await Promise.all([first, second]);
    expect(log).toEqual(['z', 'a']);
  });

  it('go on when work fails, and when a tab is gone', async () => {
    const join = channels(5);
    const gone = join();
    const turn = channelTurn(join(), 'b');
    gone.postMessage({ kind: 'claim', id: 'a', ticket: 1 });
    await vi.advanceTimersByTimeAsync(10);
    const failing = turn(() => Promise.reject(new Error('no')));
    const failed = expect(failing).rejects.toThrow('no');
    await vi.advanceTimersByTimeAsync(41_000);
    await failed;
    const next = turn(async () => 'yes');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await next).toBe('yes');
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('turns by locks', () => {
  it('ask for the lock of that name', async () => {
    const request = vi.fn((_: string, work: () => Promise<unknown>) => work());
    const turn = lockTurn({ request } as unknown as LockManager, 'kachi');
    expect(await turn(async () => 7)).toBe(7);
    expect(request.mock.calls[0]![0]).toBe('kachi');
  });
});
