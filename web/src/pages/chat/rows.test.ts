import { describe, expect, it } from 'vitest';
import type { Outgoing } from './conversation';
import { rows } from './rows';
import type { Message } from './timeline';

const noon = new Date(2026, 0, 2, 12).getTime();
const minute = 60_000;

function said(seq: number, userId: string, at: number): Message {
  const sender = { userId, userName: userId };
  return {
    key: `k${seq}`,
    id: `i${seq}`,
    seq,
    version: 1,
    sender,
    text: 'x',
    at,
    edited: false,
    deleted: false,
  };
}

const outgoing = (key: string, at: number): Outgoing => ({ key, text: 'x', at, delivery: 'waiting' });

/** Each row in a word: a day, the mark, or whose message it is with its place among those of one go. */
const words = (...input: Parameters<typeof rows>) =>
  rows(...input).map((r) =>
    r.kind === 'message'
      ? `${r.own ? 'own' : 'other'}${r.first ? ' first' : ''}${r.last ? ' last' : ''}`
      : r.kind,
  );

describe('the rows of a conversation', () => {
  it('stand together by sender and by time', () => {
    const list = [
      said(1, 'me', noon),
      said(2, 'me', noon + minute),
      said(3, 'jun', noon + 2 * minute),
      said(4, 'jun', noon + 10 * minute),
    ];
    expect(words(list, [], 'me', undefined)).toEqual([
      'day',
      'own first',
      'own last',
      'other first last',
      'other first last',
    ]);
  });

  it('begin anew with each day', () => {
    const midnight = new Date(2026, 0, 3).getTime();
    expect(words([said(1, 'jun', midnight - 1), said(2, 'jun', midnight)], [], 'me', undefined)).toEqual([
      'day',
      'other first last',
      'day',
      'other first last',
    ]);
  });

  it('have a mark before the first message of others that is new', () => {
    const list = [said(1, 'jun', noon), said(2, 'me', noon), said(3, 'jun', noon), said(4, 'jun', noon)];
    expect(words(list, [], 'me', 1)).toEqual([
      'day',
      'other first last',
      'own first last',
      'new',
      'other first',
      'other last',
    ]);
    expect(words(list, [], 'me', 4)).not.toContain('new');
    expect(words(list, [], 'me', undefined)).not.toContain('new');
  });

  it('end with what is not sent yet, whatever the clock here says', () => {
    const list = [said(1, 'me', noon)];
    expect(words(list, [outgoing('a', noon - 86_400_000)], 'me', undefined)).toEqual([
      'day',
      'own first',
      'own last',
    ]);
  });

  it('have keys that differ', () => {
    const list = [said(1, 'jun', noon), said(2, 'jun', noon + 86_400_000)];
    const keys = rows(list, [outgoing('a', noon)], 'me', 0).map((r) => r.key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});
