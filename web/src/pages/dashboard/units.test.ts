import { afterEach, expect, it } from 'vitest';
import { speak } from '../../text/language';
import { formatFigure, formatUptime } from './units';

afterEach(() => speak('en'));

it('shows figures shortly', () => {
  expect(formatFigure(null, 'count')).toBe('–');
  expect([0, 1_234, 123_456].map((n) => formatFigure(n, 'count'))).toEqual(['0', '1,234', '123K']);
  expect([0, 0.25, 12_345].map((n) => formatFigure(n, 'perSecond'))).toEqual(['0/s', '0.25/s', '12.3K/s']);
  expect([0.0421, 12.345].map((n) => formatFigure(n, 'milliseconds'))).toEqual(['0.0421 ms', '12.3 ms']);
  expect([999, 15_400_000].map((n) => formatFigure(n, 'bytes'))).toEqual(['999 B', '15.4 MB']);
  expect(formatFigure(2_000, 'bytesPerSecond')).toBe('2 kB/s');
});

it('shows them in the language of the page', () => {
  expect(formatFigure(20_000, 'perSecond')).toBe('20K/s');
  speak('ko');
  expect(formatFigure(20_000, 'perSecond')).toBe('2만/s');
  expect(formatFigure(512, 'bytesPerSecond')).toBe('512 B/s');
});

it('says how long', () => {
  expect([0.4, 59, 61, 7_500, 90_000].map(formatUptime)).toEqual([
    '0 sec',
    '59 sec',
    '1 min 1 sec',
    '2 hr 5 min',
    '1 day 1 hr',
  ]);
});
