// The figures of the last while, as charts want them.

/** What is drawn, by name. What a server does not tell, or could not measure, is null. */
export const figures = [
  'websocket',
  'polling',
  'messagesIn',
  'messagesOut',
  'bytesIn',
  'bytesOut',
  'p50',
  'p95',
  'p99',
  'heap',
  'rss',
  'goroutines',
] as const;

export type Figure = (typeof figures)[number];

/** The figures of one moment. */
export type Sample = { at: number } & Readonly<Record<Figure, number | null>>;

/** So many samples are kept: at one every five seconds, a quarter of an hour. */
export const maxSamples = 180;
/** Samples that are further apart, in milliseconds, have something missing between them: no line is drawn. */
export const gap = 12_500;

/** The samples with others among them: by time, each once, the last ones. */
export function withSamples(samples: readonly Sample[], more: readonly Sample[]): readonly Sample[] {
  const last = samples.at(-1);
  if (more.length === 1 && (!last || more[0]!.at > last.at)) return [...samples, ...more].slice(-maxSamples);
  const byTime = new Map([...samples, ...more].map((sample) => [sample.at, sample]));
  return [...byTime.values()].sort((a, b) => a.at - b.at).slice(-maxSamples);
}

/** Columns of seconds and figures. Where samples are missing there is a row without figures between. */
export function columns(
  samples: readonly Sample[],
  wanted: readonly Figure[],
): [number[], ...(number | null)[][]] {
  const times: number[] = [];
  const values = wanted.map((): (number | null)[] => []);
  let before: Sample | undefined;
  for (const sample of samples) {
    if (before && sample.at - before.at > gap) {
      times.push((before.at + sample.at) / 2_000);
      for (const column of values) column.push(null);
    }
    times.push(sample.at / 1_000);
    wanted.forEach((figure, i) => values[i]!.push(sample[figure]));
    before = sample;
  }
  return [times, ...values];
}
