import { expect, it } from 'vitest';
import { linkOf } from './link';
import { wordsOf } from './words';

const origin = 'https://kachi.example';

it.each([
  ['/chat/7?at=3#m', '/chat/7?at=3#m'],
  ['chat/7', '/chat/7'],
  ['https://kachi.example/map', '/map'],
])('%s leads to %s', (url, path) => {
  expect(linkOf({ data: { url } }, origin)).toBe(path);
});

it.each([
  { url: 'https://elsewhere.example/' },
  { url: '//elsewhere.example/' },
  { url: '/\\elsewhere.example/' },
  { url: 'javascript:alert(1)' },
  { url: 'data:text/html,x' },
  { url: 'http://[' },
  { url: 7 },
  {},
  null,
  'x',
  undefined,
])('%j leads nowhere', (data) => {
  expect(linkOf({ data }, origin)).toBeUndefined();
});

const invitation = { kind: 'invitation', room: '7', name: '둥지', by: { userId: '1', userName: 'Mina' } };

it('leads to the room that one is invited to, and says so in words of the page', () => {
  expect(linkOf({ data: invitation }, origin)).toBe('/chat/7');
  expect(linkOf({ data: { ...invitation, room: '../map?' } }, origin)).toBe('/chat/..%2Fmap%3F');
  expect(wordsOf({ title: 'x', body: 'y', data: invitation })).toEqual({
    title: 'Invitation to 둥지',
    body: 'Mina has invited you.',
  });
});

it.each([{ ...invitation, room: 7 }, { ...invitation, by: null }, { kind: 'invitation' }, { kind: 'party' }])(
  '%j is no invitation',
  (data) => {
    expect(linkOf({ data }, origin)).toBeUndefined();
    const said = { title: 'x', body: 'y', data };
    expect(wordsOf(said)).toBe(said);
  },
);
