import { describe, expect, it } from 'vitest';
import { reasonText, texts } from './text';

describe('the words', () => {
  it('are there for the same reasons in each language', () => {
    expect(Object.keys(texts.ko.reasons).sort()).toEqual(Object.keys(texts.en.reasons).sort());
  });
});

describe('a reason', () => {
  it('falls back to the words of the server, then to the code', () => {
    expect(reasonText(texts.en, 'unheard_of', 'Sorry.')).toBe('Sorry.');
    expect(reasonText(texts.en, 'unheard_of')).toBe('unheard_of');
  });
});
