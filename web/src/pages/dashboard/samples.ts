// The figures of the last while, as charts want them.

import type { Point } from '../../live/gateways';

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

/** A point as charts want it: what was not measured is not 0. */
export function sampleOf(point: Point): Sample {
  const rate = (value: number) => (point.seconds > 0 ? value : null);
  const took = (value: number) => (point.seconds > 0 && point.calls > 0 ? value : null);
  return {
    at: Date.parse(point.at),
    websocket: point.connections.websocket,
    polling: point.connections.polling,
    messagesIn: rate(point.messagesIn),
    messagesOut: rate(point.messagesOut),
    bytesIn: rate(point.bytesIn),
    bytesOut: rate(point.bytesOut),
    p50: took(point.latency.p50),
    p95: took(point.latency.p95),
    p99: took(point.latency.p99),
    heap: point.heap,
    rss: point.rss > 0 ? point.rss : null,
    goroutines: point.goroutines,
  };
}

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
