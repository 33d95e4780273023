import { expect, it } from 'vitest';
import type { Outgoing } from './conversation';
import { drafts, outbox } from './shelf';

class FakeStorage {
  readonly all = new Map<string, string>();
  getItem = (name: string) => this.all.get(name) ?? null;
  setItem = (name: string, value: string) => void this.all.set(name, value);
  removeItem = (name: string) => void this.all.delete(name);
}

const tab = () => new FakeStorage() as FakeStorage & Storage;
const hello: Outgoing = { key: 'c1', text: 'hello', at: 7, delivery: 'waiting' };

it('has what was put there before the page was loaded anew', () => {
  const storage = tab();
  outbox('1', storage).set('7', [hello]);
  drafts('1', storage).set('8', 'not yet');
  expect(outbox('1', storage).get('7')).toEqual([hello]);
  expect(outbox('1', storage).rooms).toEqual(['7']);
  expect(drafts('1', storage).get('8')).toBe('not yet');
});

it('is the user’s who wrote it: another finds nothing, and nothing is left', () => {
  const storage = tab();
  outbox('1', storage).set('7', [hello]);
  expect(outbox('2', storage).rooms).toEqual([]);
  expect(storage.all.size).toBe(0);
  expect(outbox('1', storage).rooms).toEqual([]);
});

it('keeps nothing of what is empty', () => {
  const storage = tab();
  const shelf = drafts('1', storage);
  shelf.set('7', 'x');
  shelf.set('7', undefined);
  expect([storage.all.size, shelf.get('7')]).toEqual([0, undefined]);
});

it('has room for the twenty rooms in which something was written last', () => {
  const storage = tab();
  const shelf = drafts('1', storage);
  for (let i = 0; i < 25; i++) shelf.set(`${i}`, 'x');
  shelf.set('5', 'y');
  expect(drafts('1', storage).rooms).toEqual([...Array.from({ length: 19 }, (_, i) => `${i + 6}`), '5']);
});

it('works where nothing can be stored', () => {
  const shelf = drafts('1', undefined);
  shelf.set('7', 'x');
  expect(shelf.get('7')).toBe('x');
});

it.each(['', 'null', '7', '{"user":"1"}', '{"user":"1","rooms":[7,["7"],["7",[{"key":1}]],["8","x"]]}'])(
  'takes nothing of what something else has written: %s',
  (written) => {
    const storage = tab();
    storage.setItem('kachi.outbox', written);
    expect(outbox('1', storage).rooms).toEqual([]);
  },
);
