import { describe, expect, it } from 'vitest';
import { isJumbo, pieces } from './links';

const links = (text: string) => pieces(text).flatMap((p) => (p.href === undefined ? [] : [[p.text, p.href]]));

describe('addresses in a text', () => {
  it.each([
    ['see https://example.com/a?b=1#c now', 'https://example.com/a?b=1#c'],
    ['(https://example.com/a).', 'https://example.com/a'],
    ['https://en.wikipedia.org/wiki/Magpie_(bird), they say', 'https://en.wikipedia.org/wiki/Magpie_(bird)'],
    ['https://example.com에서 봐요', 'https://example.com'],
    ['https://example.com/까치!', 'https://example.com/까치'],
    ['HTTP://EXAMPLE.COM', 'HTTP://EXAMPLE.COM'],
    ['http://localhost:3000/docs', 'http://localhost:3000/docs'],
  ])('are found in %s', (text, written) => {
    expect(links(text)).toEqual([[written, new URL(written).href]]);
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,hello',
    'ftp://example.com',
    'example.com',
    'https://',
    'https://bank.example@evil.example/',
    '<a href=x>',
  ])('are not seen in %s', (text) => {
    expect(pieces(text)).toEqual([{ text }]);
  });

  it('leave every letter of the text as it was', () => {
    const text = 'a https://b.c/d, <b>https://x.y</b>\n"https://q.r" http://e@f.g 끝';
    expect(
      pieces(text)
        .map((p) => p.text)
        .join(''),
    ).toBe(text);
    expect(links(text).map(([written]) => written)).toEqual(['https://b.c/d', 'https://x.y', 'https://q.r']);
  });

  it('take no longer for long texts that are nearly addresses', () => {
    expect(links('https://a.b/' + '('.repeat(5000) + ')'.repeat(5000)).length).toBe(1);
    expect(links('https://'.repeat(2000)).length).toBeLessThanOrEqual(1);
  });
});

describe('emoji alone', () => {
  it.each(['🎉', '👍🏽', '👨‍👩‍👧‍👦', '🇰🇷🐦', '😀 😀 😀'])('%s is large', (text) => expect(isJumbo(text)).toBe(true));
  it.each(['', '1', 'ok 🎉', '😀😀😀😀', '까치', '*'])('%s is not', (text) =>
    expect(isJumbo(text)).toBe(false),
  );
});
