import { describe, expect, it } from 'vitest';
import {
  change,
  hear,
  maxHeld,
  merge,
  newest,
  nothing,
  withNewest,
  withOlder,
  type Message,
  type Timeline,
} from './timeline';

function message(seq: number, more: Partial<Message> = {}): Message {
  const sender = { userId: '1', userName: 'Mina' };
  return {
    key: `k${seq}`,
    id: `i${seq}`,
    seq,
    version: 1,
    sender,
    text: `m${seq}`,
    at: seq * 1000,
    edited: false,
    deleted: false,
    ...more,
  };
}

const messages = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => message(from + i));
const held = (from: number, to: number): Timeline => ({
  messages: messages(from, to),
  older: from > 1,
  newer: false,
});
const seqs = (t: Timeline) => t.messages.map((m) => m.seq);

describe('the messages of a room', () => {
  it('stand in the order of seq, each once, whatever order they come in', () => {
    const [a, b, c] = messages(1, 3) as [Message, Message, Message];
    expect(merge(merge(merge([], [c]), [a]), [b, c]).map((m) => m.seq)).toEqual([1, 2, 3]);
  });

  it('are replaced by newer versions alone, and keep their keys', () => {
    const edited = message(2, { key: 'other', version: 3, text: 'edited' });
    const [m] = merge([message(2)], [edited]);
    expect(m).toMatchObject({ key: 'k2', text: 'edited', version: 3 });
    expect(merge([m!], [message(2, { version: 2, text: 'late' })])[0]!.text).toBe('edited');
  });

  it('take what is said now at their end', () => {
    const { timeline, gap } = hear(held(1, 3), message(4));
    expect(gap).toBe(false);
    expect(seqs(timeline)).toEqual([1, 2, 3, 4]);
    expect(hear(timeline, message(4)).timeline.messages).toHaveLength(4);
  });

  it('say so when something in between is missing', () => {
    const before = held(1, 3);
    expect(hear(before, message(5))).toEqual({ timeline: before, gap: true });
  });

  it('take the first of a room in which nothing was said, or of which nothing is known', () => {
    expect(seqs(hear(nothing, message(1)).timeline)).toEqual([1]);
  });

  it('leave alone what is older than what they hold', () => {
    const t = held(10, 12);
    expect(hear(t, message(3)).timeline).toBe(t);
  });

  it('are continued by the newest page where it reaches them', () => {
    expect(seqs(withNewest(held(1, 5), messages(4, 8), true))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(seqs(withNewest(held(1, 5), messages(6, 8), true))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(withNewest(held(1, 5), messages(4, 8), true).older).toBe(false);
  });

  it('are replaced by the newest page where it does not', () => {
    const t = withNewest(held(1, 5), messages(7, 9), true);
    expect(seqs(t)).toEqual([7, 8, 9]);
    expect(t.older).toBe(true);
  });

  it('are bounded at both ends', () => {
    const full = held(101, 100 + maxHeld);
    const down = hear(full, message(101 + maxHeld)).timeline;
    expect([down.messages.length, down.messages[0]!.seq, down.older]).toEqual([maxHeld, 102, true]);
    const up = withOlder(full, messages(51, 100), true);
    expect([up.messages.length, up.messages[0]!.seq, newest(up), up.newer]).toEqual([
      maxHeld,
      51,
      50 + maxHeld,
      true,
    ]);
    // What is said now is not heard up there, and is there again with the newest page.
    expect(hear(up, message(200 + maxHeld)).timeline).toBe(up);
    const back = withNewest(up, messages(maxHeld, maxHeld + 200), true);
    expect([back.newer, back.messages[0]!.seq]).toEqual([false, maxHeld]);
  });

  it('change by newer versions alone', () => {
    const t = held(1, 2);
    const deleted = change(t, 'i1', 2, { text: '', deleted: true });
    expect(deleted.messages[0]).toMatchObject({ deleted: true, version: 2 });
    expect(change(deleted, 'i1', 2, { text: 'late' })).toBe(deleted);
    expect(change(t, 'unknown', 9, { text: 'x' })).toBe(t);
  });
});
