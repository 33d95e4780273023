import { signal } from '@preact/signals';
import { NotificationsClient } from '../../live/gateways';
import type { App } from '../../shell/app';
import type { Page } from '../../shell/page';
import { dictionary } from '../../text/dictionary';
import { plural } from '../../text/format';
import { toast } from '../../ui/toast';
import { showOnDesktop } from './desktop';
import { Inbox } from './inbox';
import { linkOf } from './link';
import { wordsOf } from './words';

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

/** The inbox of whoever is signed in. */
export const inbox = signal<Inbox | undefined>(undefined);

/** How many notifications a page of the list has. */
const pageSize = 30;

export const notifications: Page = {
  paths: ['/notifications'],
  for: 'members',
  load: async () => (await import('./page')).NotificationsPage,
  entry: {
    icon: 'bell',
    label: () => name().title,
    badge: () => inbox.value?.unread.value ?? 0,
    badgeText: (n) => name().unread(n),
  },
  serve,
};

function serve({ api, live, router }: App): () => void {
  const its = new Inbox(
    {
      list: (before, signal) =>
        api.call('GET /api/notifications', {
          query: before === undefined ? { limit: pageSize } : { before, limit: pageSize },
          signal,
        }),
      read: (id) => api.call('PUT /api/notifications/{id}/read', { path: { id } }),
      readAll: (upTo) => api.call('PUT /api/notifications/read', { body: { upTo } }),
    },
    (notification) => {
      const path = linkOf(notification) ?? '/notifications';
      toast(() => wordsOf(notification).title, { href: path });
      showOnDesktop({ ...notification, ...wordsOf(notification) }, () => {
        if (router.find(path.split(/[?#]/, 1)[0]!)) router.go(path);
        else location.assign(path);
      });
    },
  );
  const lease = live.open(NotificationsClient);
  its.follow(lease);
  inbox.value = its;
  return () => {
    its.stop();
    lease.release();
    inbox.value = undefined;
  };
}
