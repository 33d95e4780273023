import { useEffect, useState } from 'preact/hooks';
import { DashboardClient, type Update } from '../../live/gateways';
import { useLive } from '../../shell/app';
import { Heading } from '../../shell/heading';
import { language } from '../../text/language';
import { Empty } from '../../ui/states';
import { name } from '.';
import { Chart, type ChartSpec } from './chart';
import './dashboard.css';
import { sampleOf, withSamples, type Sample } from './samples';
import { text } from './text';
import { formatFigure, formatUptime } from './units';

const charts: readonly ChartSpec[] = [
  { name: 'connections', unit: 'count', figures: ['websocket', 'polling'] },
  { name: 'messages', unit: 'perSecond', figures: ['messagesIn', 'messagesOut'] },
  { name: 'traffic', unit: 'bytesPerSecond', figures: ['bytesIn', 'bytesOut'] },
  { name: 'latency', unit: 'milliseconds', figures: ['p50', 'p95', 'p99'] },
  { name: 'memory', unit: 'bytes', figures: ['heap', 'rss'] },
  { name: 'goroutines', unit: 'count', figures: ['goroutines'] },
];

/** The figures of a server, as they are and as they were. */
interface Seen {
  update: Update | undefined;
  samples: readonly Sample[];
}

export function DashboardPage() {
  const t = text();
  const [seen, see] = useState<Seen>({ update: undefined, samples: [] });
  const [refused, refuse] = useState(false);
  const [online, setOnline] = useState(false);
  const looking = useLooking();
  if (refused) {
    return (
      <>
        <Heading title={name().title} />
        <Empty icon="chart" title={t.forbidden}>
          {t.forbiddenBody}
        </Empty>
      </>
    );
  }
  const { update, samples } = seen;
  const at = update && new Date(update.at).toLocaleTimeString(language.value);
  return (
    <>
      <Heading title={name().title} />
      {looking && <Figures see={see} refuse={refuse} setOnline={setOnline} />}
      <p class="dashboard-waiting" role="status">
        {!at ? t.waiting : !looking ? t.paused : online ? '' : t.old(at)}
      </p>
      {update && at ? (
        <div class="dashboard">
          <Tiles update={update} />
          <p class="hint">
            {t.updated(at)} · {t.server(update.version, update.database, formatUptime(update.uptime))}
          </p>
          <div class="dashboard-charts">
            {charts.map((spec) => (
              <Chart key={spec.name} spec={spec} samples={samples} />
            ))}
          </div>
          <Tables update={update} />
        </div>
      ) : (
        <div class="dashboard-tiles" aria-hidden="true">
          {Array.from({ length: 4 }, (_, i) => (
            <div key={i} class="tile">
              <span class="skeleton line" />
              <span class="skeleton figure" />
            </div>
          ))}
        </div>
      )}
    </>
  );
}

interface FiguresProps {
  see: (change: (seen: Seen) => Seen) => void;
  refuse: (refused: boolean) => void;
  setOnline: (online: boolean) => void;
}

/** Listens for as long as it is drawn. The server measures only while somebody does. */
function Figures({ see, refuse, setOnline }: FiguresProps) {
  const lease = useLive(DashboardClient);
  useEffect(() => {
    if (!lease) return;
    let node: string | undefined;
    // Another server after a reconnection has another history.
    const begin = (seen: Seen, its: string): Seen => {
      const other = node !== undefined && node !== its;
      node = its;
      return other ? { update: undefined, samples: [] } : seen;
    };
    lease.on('dashboardUpdate', (update) =>
      see((seen) => {
        const { samples } = begin(seen, update.node);
        return { update, samples: withSamples(samples, [sampleOf(update)]) };
      }),
    );
    lease.onConnect(async () => {
      try {
        const { node: its, points } = await lease.client.history();
        see((seen) => {
          const { update, samples } = begin(seen, its);
          return { update, samples: withSamples(samples, points.map(sampleOf)) };
        });
      } catch {
        // The charts begin with what comes now.
      }
    });
  }, [lease]);
  const state = lease?.state.value;
  useEffect(() => {
    setOnline(state?.kind === 'online');
    if (state?.kind === 'refused' && state.code === 'forbidden') refuse(true);
  }, [state]);
  return null;
}

function Tiles({ update }: { update: Update }) {
  const t = text();
  const now = sampleOf(update);
  const tiles = [
    [t.charts.connections, formatFigure(update.connections.websocket + update.connections.polling, 'count')],
    [
      t.charts.messages,
      formatFigure(now.messagesIn === null ? null : update.messagesIn + update.messagesOut, 'perSecond'),
    ],
    [`${t.charts.latency}, p95`, formatFigure(now.p95, 'milliseconds')],
    [t.charts.memory, formatFigure(now.rss ?? now.heap, 'bytes')],
  ];
  return (
    <section aria-label={t.now}>
      <dl class="dashboard-tiles">
        {tiles.map(([label, value]) => (
          <div key={label} class="tile">
            <dt class="hint">{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Tables({ update }: { update: Update }) {
  const t = text();
  return (
    <div class="dashboard-charts">
      <section class="card dashboard-chart" aria-labelledby="dashboard-slowest">
        <h2 id="dashboard-slowest">{t.slowest}</h2>
        {update.slowest.length === 0 ? (
          <p class="hint">{t.slowestNone}</p>
        ) : (
          <Table
            label={t.slowest}
            heads={[t.event, t.calls, t.errors, 'p50', 'p99']}
            rows={update.slowest.map((e) => [
              `${e.namespace} ${e.event || '?'}`,
              formatFigure(e.calls, 'count'),
              formatFigure(e.errors, 'count'),
              formatFigure(e.latency.p50, 'milliseconds'),
              formatFigure(e.latency.p99, 'milliseconds'),
            ])}
          />
        )}
      </section>
      <section class="card dashboard-chart" aria-labelledby="dashboard-namespaces">
        <h2 id="dashboard-namespaces">{t.namespaces}</h2>
        <Table
          label={t.namespaces}
          heads={[t.namespace, t.sockets, t.rooms]}
          rows={update.namespaces.map((n) => [
            n.name,
            formatFigure(n.sockets, 'count'),
            formatFigure(n.rooms, 'count'),
          ])}
        />
      </section>
    </div>
  );
}

/** The first column says what each row is of. */
function Table({
  label,
  heads,
  rows,
}: {
  label: string;
  heads: readonly string[];
  rows: readonly (readonly string[])[];
}) {
  return (
    <div class="dashboard-table" role="group" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([first, ...rest]) => (
            <tr key={first}>
              <th scope="row">{first}</th>
              {rest.map((cell, i) => (
                <td key={i}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Whether the page can be seen: a tab behind others cannot. */
function useLooking(): boolean {
  const [looking, set] = useState(document.visibilityState === 'visible');
  useEffect(() => {
    const look = () => set(document.visibilityState === 'visible');
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, []);
  return looking;
}
