import { afterEach, expect, it } from 'vitest';
import { speak } from '../../text/language';
import { formatLength, roundLength } from './measure';

afterEach(() => speak('en'));

it('says lengths as people do', () => {
  expect([0.4, 12, 999, 1_200, 45_678, 1_500_000].map(formatLength)).toEqual([
    '0 m',
    '12 m',
    '999 m',
    '1.2 km',
    '46 km',
    '1,500 km',
  ]);
  speak('ko');
  expect(formatLength(2_000)).toBe('2km');
});

it('finds a round length for the scale', () => {
  expect([1, 3, 0.3, 70_000].map((m) => roundLength(m, 100))).toEqual([100, 200, 20, 5_000_000]);
});
