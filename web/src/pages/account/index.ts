import type { Page } from '../../shell/page';
import { dictionary } from '../../text/dictionary';

export const name = dictionary({ en: { title: 'Account' }, ko: { title: '내 계정' } });

export const account: Page = {
  paths: ['/account'],
  for: 'members',
  load: async () => (await import('./page')).AccountPage,
  entry: { icon: 'user', label: () => name().title },
};
