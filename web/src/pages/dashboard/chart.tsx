import { useEffect, useId, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { theme } from '../../shell/theme';
import { formatClock } from '../../text/format';
import { language } from '../../text/language';
import { columns, type Figure, type Sample } from './samples';
import { text } from './text';
import { formatFigure, type Unit } from './units';

export interface ChartSpec {
  name: 'connections' | 'messages' | 'traffic' | 'latency' | 'memory' | 'goroutines';
  unit: Unit;
  figures: readonly Figure[];
}

/** Lines differ in how they are broken, too, for those who see no difference in the colours. */
const dashes = [[], [8, 4], [2, 4]];

const height = 170;
/** A chart is this long at least, in seconds. */
const shortest = 180;
/** How far apart times are that are named, in seconds. */
const minutes = [1, 2, 5, 10].map((n) => n * 60);
/** How far apart counts are that are named: there is no half a connection. */
const wholes = Array.from({ length: 10 }, (_, i) => [1, 2, 5].map((n) => n * 10 ** i)).flat();
/** Rows of the table: the last ones. */
const rows = 12;

/** Lines over the last minutes, with what they say in words and as a table. */
export function Chart({ spec, samples }: { spec: ChartSpec; samples: readonly Sample[] }) {
  const t = text();
  const id = useId();
  const title = t.charts[spec.name];
  const ground = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const [pointed, point] = useState<number>();
  const data = columns(samples, spec.figures);
  const shown =
    pointed === undefined ? samples.at(-1) : samples.find((s) => s.at / 1_000 === data[0][pointed]);

  useEffect(() => {
    const box = ground.current!;
    const colour = (i: number) => () => getComputedStyle(box).getPropertyValue(`--dashboard-line-${i + 1}`);
    const quiet = () => getComputedStyle(box).getPropertyValue('--dashboard-words');
    const grid = { stroke: () => getComputedStyle(box).getPropertyValue('--dashboard-grid'), width: 1 };
    const font = `12px ${getComputedStyle(box).fontFamily}`;
    const made = new uPlot(
      {
        width: Math.max(120, box.clientWidth),
        height,
        legend: { show: false },
        cursor: { drag: { setScale: false, x: false, y: false }, y: false, points: { size: 7 } },
        padding: [10, 36, 0, 0], // half a time may stand beside the end
        scales: {
          x: { range: (_, from, to) => [Math.min(from ?? 0, (to ?? 0) - shortest), to ?? 0] },
          y: { range: (_, low, high) => [Math.min(0, low ?? 0), high > 0 ? high * 1.1 : 1] },
        },
        axes: [
          {
            stroke: quiet,
            font,
            grid,
            ticks: grid,
            space: 80,
            size: 30,
            incrs: minutes,
            values: (_, splits) => splits.map((s) => formatClock(s * 1_000)),
          },
          {
            stroke: quiet,
            font,
            grid,
            ticks: { show: false },
            size: 74,
            gap: 4,
            ...(spec.unit === 'count' && { incrs: wholes }),
            values: (_, splits) => splits.map((v) => formatFigure(v, spec.unit)),
          },
        ],
        series: [
          {},
          ...spec.figures.map((_, i) => ({
            stroke: colour(i),
            width: 2,
            dash: dashes[i]!,
            points: { show: false },
          })),
        ],
        hooks: { setCursor: [(u) => point(u.cursor.idx ?? undefined)] },
      },
      [[], ...spec.figures.map(() => [])],
      box,
    );
    plot.current = made;
    const size = new ResizeObserver(() => made.setSize({ width: Math.max(120, box.clientWidth), height }));
    size.observe(box);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => made.redraw(false);
    dark.addEventListener('change', redraw);
    return () => {
      size.disconnect();
      dark.removeEventListener('change', redraw);
      made.destroy();
      plot.current = undefined;
    };
  }, []);
  useEffect(() => plot.current?.setData(data as uPlot.AlignedData), [samples]);
  useEffect(() => plot.current?.redraw(false, true), [theme.value, language.value]);

  const label = samples.length
    ? t.chart(title, formatClock(samples[0]!.at), formatClock(samples.at(-1)!.at))
    : title;
  return (
    <section class="card dashboard-chart" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <dl class="dashboard-legend">
        {spec.figures.map((figure, i) => (
          <div key={figure}>
            <dt>
              <svg
                viewBox="0 0 26 8"
                width="26"
                height="8"
                aria-hidden="true"
                class={`dashboard-key line-${i + 1}`}
              >
                <path d="M1 4h24" stroke-dasharray={dashes[i]!.join(' ') || undefined} />
              </svg>
              {t.figures[figure]}
            </dt>
            <dd>{formatFigure(shown?.[figure] ?? null, spec.unit)}</dd>
          </div>
        ))}
      </dl>
      <div class="dashboard-plot" role="img" aria-label={label} ref={ground} />
      <details>
        <summary>{t.table(title)}</summary>
        <div class="dashboard-table" role="group" aria-label={t.table(title)} tabIndex={0}>
          <table>
            <thead>
              <tr>
                <th scope="col">{t.time}</th>
                {spec.figures.map((figure) => (
                  <th key={figure} scope="col">
                    {t.figures[figure]}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {samples
                .slice(-rows)
                .reverse()
                .map((sample) => (
                  <tr key={sample.at}>
                    <th scope="row">{new Date(sample.at).toLocaleTimeString(language.value)}</th>
                    {spec.figures.map((figure) => (
                      <td key={figure}>{formatFigure(sample[figure], spec.unit)}</td>
                    ))}
                  </tr>
                ))}
            </tbody>
          </table>
        </div>
      </details>
    </section>
  );
}
