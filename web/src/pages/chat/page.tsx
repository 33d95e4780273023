import { useLoad } from '../../api/load';
import { useApp, useLive } from '../../shell/app';
import { Heading } from '../../shell/heading';
import type { PageProps } from '../../shell/page';
import { Avatar } from '../../ui/avatar';
import { Icon } from '../../ui/icon';
import { Empty, Failed, SkeletonList } from '../../ui/states';
import { name } from '.';
import './chat.css';
import { text } from './text';

/** The list of rooms, and beside it, or on a phone in its place, one of them. */
export function ChatPage({ params }: PageProps) {
  const { api } = useApp();
  const t = text();
  useLive('/chat');
  const rooms = useLoad((signal) => api.call('GET /api/rooms', { signal }), []);
  const room = rooms.value?.rooms.find((r) => String(r.id) === params.room);
  const title = params.room === undefined ? name().title : (room?.name ?? params.room);
  return (
    <>
      <Heading
        title={title}
        before={
          params.room !== undefined && (
            <a class="icon-button" href="/chat" aria-label={t.back} title={t.back}>
              <Icon name="back" />
            </a>
          )
        }
      />
      {params.room !== undefined ? (
        <p class="chat-waiting" role="status">
          {t.waiting}
        </p>
      ) : rooms.kind === 'failed' ? (
        <Failed title={t.failed} error={rooms.error} onAgain={rooms.again} />
      ) : !rooms.value ? (
        <SkeletonList avatars />
      ) : rooms.value.rooms.length === 0 ? (
        <Empty icon="chat" title={t.empty}>
          {t.emptyBody}
        </Empty>
      ) : (
        <ul class="list" aria-label={t.rooms}>
          {rooms.value.rooms.map((r) => (
            <li key={r.id}>
              <a class="list-row" href={`/chat/${encodeURIComponent(r.id)}`}>
                <Avatar name={r.name} />
                <span class="list-text" dir="auto">
                  {r.name}
                </span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
