import { language } from '../../text/language';

/** A length in metres as people say it: 12 m, 3.4 km. */
export function formatLength(metres: number): string {
  const far = metres >= 1_000;
  return new Intl.NumberFormat(language.value, {
    style: 'unit',
    unit: far ? 'kilometer' : 'meter',
    maximumFractionDigits: far && metres < 10_000 ? 1 : 0,
  }).format(far ? metres / 1_000 : metres);
}

/** The longest round length, in metres, that is drawn no longer than so many pixels. */
export function roundLength(metresPerPixel: number, pixels: number): number {
  const longest = metresPerPixel * pixels;
  const power = 10 ** Math.floor(Math.log10(longest));
  return [5, 2, 1].map((n) => n * power).find((length) => length <= longest) ?? power;
}
