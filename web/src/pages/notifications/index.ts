import type { Page } from '../../shell/page';
import { dictionary } from '../../text/dictionary';
import { plural } from '../../text/format';
import { unread } from './unread';

export const name = dictionary({
  en: {
    title: 'Notifications',
    unread: (n: number) => plural(n, { one: '# unread notification', other: '# unread notifications' }),
  },
  ko: {
    title: '알림',
    unread: (n) => plural(n, { other: '읽지 않은 알림 #개' }),
  },
});

export const notifications: Page = {
  paths: ['/notifications'],
  for: 'members',
  load: async () => (await import('./page')).NotificationsPage,
  entry: {
    icon: 'bell',
    label: () => name().title,
    badge: () => unread.value,
    badgeText: (n) => name().unread(n),
  },
};
