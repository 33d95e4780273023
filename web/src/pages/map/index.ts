import type { Page } from '../../shell/page';
import { dictionary } from '../../text/dictionary';

export const name = dictionary({ en: { title: 'Map' }, ko: { title: '지도' } });

export const map: Page = {
  paths: ['/map'],
  for: 'members',
  load: async () => (await import('./page')).MapPage,
  entry: { icon: 'map', label: () => name().title },
};
