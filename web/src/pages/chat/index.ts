import type { Page } from '../../shell/page';
import { dictionary } from '../../text/dictionary';
import { plural } from '../../text/format';
import { unread } from './unread';

export const name = dictionary({
  en: {
    title: 'Chat',
    unread: (n: number) => plural(n, { one: '# room with new messages', other: '# rooms with new messages' }),
  },
  ko: {
    title: '채팅',
    unread: (n) => plural(n, { other: '새 메시지가 있는 방 #개' }),
  },
});

export const chat: Page = {
  paths: ['/chat', '/chat/{room}'],
  for: 'members',
  load: async () => (await import('./page')).ChatPage,
  entry: {
    icon: 'chat',
    label: () => name().title,
    badge: () => unread.value,
    badgeText: (n) => name().unread(n),
  },
  serve: (app) => {
    let over = false;
    let stop = () => {};
    import('./chat').then(
      ({ serve }) => {
        if (!over) stop = serve(app);
      },
      () => {}, // the page itself says that it could not be loaded
    );
    return () => {
      over = true;
      stop();
    };
  },
};
