// Numbers, dates and plurals in the language of the page.

import { language } from './language';
import type { Language } from './languages';

/** Making a formatter takes the browser a hundred times as long as using it. */
function perLanguage<T>(make: (language: Language) => T): () => T {
  const made = new Map<Language, T>();
  return () => {
    let formatter = made.get(language.value);
    if (!formatter) made.set(language.value, (formatter = make(language.value)));
    return formatter;
  };
}

const numbers = perLanguage((l) => new Intl.NumberFormat(l));
const plurals = perLanguage((l) => new Intl.PluralRules(l));
const clocks = perLanguage((l) => new Intl.DateTimeFormat(l, { hour: 'numeric', minute: '2-digit' }));
const days = perLanguage(
  (l) => new Intl.DateTimeFormat(l, { year: 'numeric', month: 'long', day: 'numeric' }),
);
const dates = perLanguage((l) => new Intl.DateTimeFormat(l, { month: 'short', day: 'numeric' }));
const moments = perLanguage((l) => new Intl.DateTimeFormat(l, { dateStyle: 'medium', timeStyle: 'short' }));
const distances = perLanguage((l) => new Intl.RelativeTimeFormat(l, { numeric: 'auto' }));

export const formatNumber = (n: number) => numbers().format(n);

/** The time of day: 3:04 PM, 오후 3:04. */
export const formatClock = (at: number | Date) => clocks().format(at);

/** The day: January 2, 2026. */
export const formatDay = (at: number | Date) => days().format(at);

/** As short as it can be told from now: the time of day, and before today the day. */
export function formatShort(at: number, now = Date.now()): string {
  const [then, today] = [new Date(at), new Date(now)];
  if (then.toDateString() === today.toDateString()) return formatClock(at);
  return then.getFullYear() === today.getFullYear() ? dates().format(at) : formatDay(at);
}

/** Day and time, short. */
export const formatMoment = (at: number | Date) => moments().format(at);

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/** How long ago, or how long until: 5 minutes ago. Less than a minute is "now". */
export function formatDistance(at: number, now = Date.now()): string {
  for (const [unit, length] of units) {
    if (Math.abs(at - now) >= length) return distances().format(Math.trunc((at - now) / length), unit);
  }
  return distances().format(0, 'second');
}

/** A time span as a clock that runs down shows it: 1:05. */
export function formatSpan(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** The form of each number that the language has; `#` stands for the number. */
export type Forms = { other: string } & Partial<Record<Intl.LDMLPluralRule, string>>;

export function plural(n: number, forms: Forms): string {
  return (forms[plurals().select(n)] ?? forms.other).replace('#', formatNumber(n));
}
