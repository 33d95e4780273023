import { useLive } from '../../shell/app';
import { Heading } from '../../shell/heading';
import { name } from '.';
import './dashboard.css';
import { text } from './text';

export function DashboardPage() {
  const t = text();
  useLive('/dashboard');
  return (
    <>
      <Heading title={name().title} />
      <p class="dashboard-waiting" role="status">
        {t.waiting}
      </p>
      <div class="dashboard-tiles" aria-hidden="true">
        {Array.from({ length: 4 }, (_, i) => (
          <div key={i} class="tile">
            <span class="skeleton line" />
            <span class="skeleton figure" />
          </div>
        ))}
      </div>
    </>
  );
}
