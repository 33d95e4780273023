import { afterEach, describe, expect, it } from 'vitest';
import type { Dictionary } from './dictionary';
import { formatDistance, formatSpan, plural } from './format';
import { speak } from './language';
import { pickLanguage } from './languages';

// Every dictionary of the pages, wherever it stands.
const modules: Record<string, Record<string, unknown>> = import.meta.glob(
  ['./*.ts', '../**/text.ts', '../pages/*/index.ts', '!./*.test.ts'],
  { eager: true },
);

const dictionaries = Object.entries(modules).flatMap(([file, module]) =>
  Object.entries(module)
    .filter(([, value]) => typeof value === 'function' && 'in' in value)
    .map(([name, value]) => [`${file} ${name}`, value as Dictionary<never>] as const),
);

afterEach(() => speak('en'));

/** Every text by its key; functions are given numbers for whatever they ask for. */
function flatten(words: object, prefix = ''): Map<string, string> {
  const all = new Map<string, string>();
  for (const [key, value] of Object.entries(words)) {
    if (typeof value === 'string') all.set(prefix + key, value);
    else if (typeof value === 'function') all.set(prefix + key, String(value(3, 3, 3)));
    else for (const [k, v] of flatten(value as object, `${prefix}${key}.`)) all.set(k, v);
  }
  return all;
}

describe('the dictionaries', () => {
  it('are found', () => {
    expect(dictionaries.length).toBeGreaterThanOrEqual(10);
  });

  it.each(dictionaries)('%s says the same in both languages', (_, dictionary) => {
    speak('en');
    const en = flatten(dictionary.in.en);
    speak('ko');
    const ko = flatten(dictionary.in.ko);
    expect([...ko.keys()].sort()).toEqual([...en.keys()].sort());
    for (const [key, text] of en) {
      expect(text.trim(), key).not.toBe('');
      expect(text, key).not.toMatch(/[가-힣]/);
    }
    for (const [key, text] of ko) expect(text, key).toMatch(/[가-힣]/);
  });

  it('speak the language of the page', () => {
    const [, dictionary] = dictionaries.find(([name]) => name.endsWith('common'))! as unknown as [
      string,
      Dictionary<{ close: string }>,
    ];
    expect(dictionary().close).toBe('Close');
    speak('ko');
    expect(dictionary().close).toBe('닫기');
  });
});

describe('the language', () => {
  it('is the first that the pages speak', () => {
    expect(pickLanguage(['fr-FR', 'ko-KR', 'en'])).toBe('ko');
    expect(pickLanguage(['', 'EN-gb', 'ko'])).toBe('en');
    expect(pickLanguage(['fr'])).toBe('en');
  });
});

describe('numbers and times', () => {
  it('have the forms of the language', () => {
    const forms = { one: '# message', other: '# messages' };
    expect([0, 1, 1234].map((n) => plural(n, forms))).toEqual(['0 messages', '1 message', '1,234 messages']);
    speak('ko');
    expect(plural(1, { other: '메시지 #개' })).toBe('메시지 1개');
  });

  it('are told as people do', () => {
    const now = Date.parse('2026-01-02T12:00:00Z');
    const ago = (seconds: number) => formatDistance(now - seconds * 1000, now);
    expect([10, 60, 7_199, 86_400].map(ago)).toEqual(['now', '1 minute ago', '1 hour ago', 'yesterday']);
    speak('ko');
    expect([10, 300, 172_800].map(ago)).toEqual(['지금', '5분 전', '그저께']);
    expect([0, 900, 65_000].map(formatSpan)).toEqual(['0:00', '0:01', '1:05']);
  });
});
