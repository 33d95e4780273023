import { describe, expect, it } from 'vitest';
import type { Point } from '../../live/gateways';
import { columns, figures, maxSamples, sampleOf, withSamples, type Sample } from './samples';

function sample(at: number, value: number | null = at): Sample {
  return { at, ...Object.fromEntries(figures.map((f) => [f, value])) } as Sample;
}

const times = (samples: readonly Sample[]) => samples.map((s) => s.at);

describe('samples', () => {
  it('are in the order of their time, each once', () => {
    let all = withSamples([], [sample(5_000)]);
    all = withSamples(all, [sample(10_000)]);
    all = withSamples(all, [sample(10_000)]);
    expect(times(all)).toEqual([5_000, 10_000]);
    // The history comes behind the first update.
    all = withSamples(all, [sample(0), sample(5_000), sample(10_000)]);
    expect(times(all)).toEqual([0, 5_000, 10_000]);
  });

  it('are bounded: the oldest go', () => {
    let all: readonly Sample[] = [];
    for (let i = 0; i < maxSamples + 10; i++) all = withSamples(all, [sample(i * 5_000)]);
    expect(all.length).toBe(maxSamples);
    expect(all[0]!.at).toBe(50_000);
    all = withSamples(
      [],
      Array.from({ length: maxSamples + 1 }, (_, i) => sample(i)),
    );
    expect(times(all).slice(0, 1)).toEqual([1]);
  });

  it('become columns, in seconds', () => {
    expect(columns([sample(5_000, 1), sample(10_000, 2)], ['p50', 'p95'])).toEqual([
      [5, 10],
      [1, 2],
      [1, 2],
    ]);
    expect(columns([], ['heap'])).toEqual([[], []]);
  });

  it('are not joined by a line where some are missing', () => {
    expect(columns([sample(0, 1), sample(60_000, 2), sample(65_000, null)], ['heap'])).toEqual([
      [0, 30, 60, 65],
      [1, null, 2, null],
    ]);
  });
});

describe('a point', () => {
  const point: Point = {
    at: '1970-01-01T00:00:05Z',
    seconds: 5,
    connections: { websocket: 2, polling: 1 },
    sockets: 0,
    rooms: 0,
    messagesIn: 0,
    messagesOut: 7,
    bytesIn: 0,
    bytesOut: 9,
    calls: 1,
    errors: 0,
    latency: { p50: 1, p95: 2, p99: 3, max: 4 },
    heap: 10,
    rss: 20,
    goroutines: 30,
    gcPause: 0,
  };

  it('is a sample', () => {
    expect(sampleOf(point)).toMatchObject({
      at: 5_000,
      websocket: 2,
      messagesIn: 0,
      messagesOut: 7,
      p99: 3,
      rss: 20,
    });
  });

  it('has no rates where nobody watched, no latency where nothing was called, no zero for what is not known', () => {
    expect(sampleOf({ ...point, seconds: 0 })).toMatchObject({ messagesOut: null, p50: null, heap: 10 });
    expect(sampleOf({ ...point, calls: 0 })).toMatchObject({ messagesOut: 7, p50: null });
    expect(sampleOf({ ...point, rss: 0 }).rss).toBeNull();
  });
});
