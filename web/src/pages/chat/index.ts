import type { Page } from '../../shell/page';
import { dictionary } from '../../text/dictionary';

export const name = dictionary({ en: { title: 'Chat' }, ko: { title: '채팅' } });

export const chat: Page = {
  paths: ['/chat', '/chat/{room}'],
  for: 'members',
  load: async () => (await import('./page')).ChatPage,
  entry: { icon: 'chat', label: () => name().title },
};
