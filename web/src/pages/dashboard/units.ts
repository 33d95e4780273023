import { language } from '../../text/language';

/** What a figure is measured in. */
export type Unit = 'count' | 'perSecond' | 'bytes' | 'bytesPerSecond' | 'milliseconds';

const byteUnits = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

/** A figure as it is shown: short, in the language of the page. */
export function formatFigure(value: number | null, unit: Unit): string {
  if (value === null) return '–';
  switch (unit) {
    case 'count':
      return number(value, { maximumFractionDigits: 0, notation: value < 100_000 ? 'standard' : 'compact' });
    case 'perSecond':
      return `${number(value, { maximumSignificantDigits: 3, notation: 'compact' })}/s`;
    case 'milliseconds':
      return number(value, { style: 'unit', unit: 'millisecond', maximumSignificantDigits: 3 });
    case 'bytes':
      return bytes(value);
    case 'bytesPerSecond':
      return `${bytes(value)}/s`;
  }
}

/** In steps of 1,000, as the names of the units have it. */
function bytes(value: number): string {
  let i = 0;
  for (; Math.abs(value) >= 1_000 && i < byteUnits.length - 1; i++) value /= 1_000;
  if (i === 0) return `${number(value, { maximumSignificantDigits: 3 })} B`; // languages differ, and some spell it out
  const unit = byteUnits[i]!;
  return number(value, {
    style: 'unit',
    unit,
    unitDisplay: 'short',
    maximumSignificantDigits: 3,
  });
}

/** How long a server has run, in its two largest units: 2 h 5 min. */
export function formatUptime(seconds: number): string {
  const parts = [
    ['day', Math.floor(seconds / 86_400)],
    ['hour', Math.floor(seconds / 3_600) % 24],
    ['minute', Math.floor(seconds / 60) % 60],
    ['second', Math.floor(seconds) % 60],
  ] as const;
  const first = Math.max(
    0,
    parts.findIndex(([, n]) => n > 0),
  );
  return (first === parts.length - 1 || seconds < 1 ? parts.slice(-1) : parts.slice(first, first + 2))
    .map(([unit, n]) => number(n, { style: 'unit', unit, unitDisplay: 'short' }))
    .join(' ');
}

const formats = new Map<string, Intl.NumberFormat>();

function number(value: number, options: Intl.NumberFormatOptions): string {
  const key = language.value + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.NumberFormat(language.value, options)));
  return format.format(value);
}
