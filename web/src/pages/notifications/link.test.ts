import { expect, it } from 'vitest';
import { linkOf } from './link';

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
