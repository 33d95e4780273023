import { useEffect } from 'preact/hooks';
import { useLoad } from '../../api/load';
import { useApp } from '../../shell/app';
import { Heading } from '../../shell/heading';
import { formatDistance } from '../../text/format';
import { Empty, Failed, SkeletonList } from '../../ui/states';
import { name } from '.';
import './notifications.css';
import { text } from './text';
import { unread } from './unread';

export function NotificationsPage() {
  const { api } = useApp();
  const t = text();
  const list = useLoad((signal) => api.call('GET /api/notifications', { signal }), []);
  useEffect(() => {
    if (list.kind === 'ready') unread.value = list.value.unread;
  }, [list.value]);
  return (
    <>
      <Heading title={name().title} />
      {list.kind === 'failed' && <Failed title={t.failed} error={list.error} onAgain={list.again} />}
      {list.kind === 'loading' && !list.value && <SkeletonList />}
      {list.value?.notifications.length === 0 && (
        <Empty icon="bell" title={t.empty}>
          {t.emptyBody}
        </Empty>
      )}
      {list.value && list.value.notifications.length > 0 && (
        <ul class="list" aria-label={t.list}>
          {list.value.notifications.map((n) => (
            <li key={n.id} class={`list-row notification ${n.readAt ? '' : 'new'}`}>
              <div class="list-text">
                <strong dir="auto">{n.title}</strong>
                <p dir="auto">{n.body}</p>
              </div>
              <time dateTime={n.createdAt}>{formatDistance(Date.parse(n.createdAt))}</time>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
