import { describe, expect, it } from 'vitest';
import { pickLanguage, reasonText, texts } from './text';

describe('the language', () => {
  it('is the first that the page speaks', () => {
    expect(pickLanguage(['fr-FR', 'ko-KR', 'en'])).toBe('ko');
    expect(pickLanguage(['', 'EN-gb', 'ko'])).toBe('en');
    expect(pickLanguage(['fr'])).toBe('en');
  });

  it('has words for the same reasons in each', () => {
    expect(Object.keys(texts.ko.reasons).sort()).toEqual(Object.keys(texts.en.reasons).sort());
  });
});

describe('a reason', () => {
  it('falls back to the words of the server, then to the code', () => {
    expect(reasonText(texts.en, 'unheard_of', 'Sorry.')).toBe('Sorry.');
    expect(reasonText(texts.en, 'unheard_of')).toBe('unheard_of');
  });
});
