import type { Page } from '../../shell/page';
import { dictionary } from '../../text/dictionary';

export const name = dictionary({ en: { title: 'Dashboard' }, ko: { title: '현황' } });

export const dashboard: Page = {
  paths: ['/dashboard'],
  for: 'members',
  load: async () => (await import('./page')).DashboardPage,
  entry: { icon: 'chart', label: () => name().title },
};
