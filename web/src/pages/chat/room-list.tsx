import { useState } from 'preact/hooks';
import { formatShort } from '../../text/format';
import { Avatar } from '../../ui/avatar';
import { Button } from '../../ui/button';
import { Icon } from '../../ui/icon';
import { Empty, Failed, SkeletonList } from '../../ui/states';
import type { Chat } from './chat';
import { unreadIn, type Room } from './rooms';
import { text } from './text';

/** With this many rooms one of them is searched for. */
const many = 8;

interface Props {
  chat: Chat;
  /** The room that is shown. */
  open: string | undefined;
  onCreate: () => void;
}

/** The rooms one is in, those with the latest messages first, and those that are open to everyone. */
export function RoomList({ chat, open, onCreate }: Props) {
  const t = text().list;
  const list = chat.rooms.value;
  const [filter, setFilter] = useState('');
  if (list.kind === 'failed' && list.rooms.length === 0) {
    return <Failed title={t.failed} error={list.error} onAgain={() => void chat.load()} />;
  }
  if (list.kind === 'loading' && list.rooms.length === 0) return <SkeletonList avatars />;
  if (list.rooms.length === 0) {
    return (
      <Empty
        icon="chat"
        title={t.empty}
        action={
          <Button kind="primary" icon="plus" onClick={onCreate}>
            {text().create.action}
          </Button>
        }
      >
        {t.emptyBody}
      </Empty>
    );
  }
  const wanted = filter.trim().toLocaleLowerCase();
  const rooms =
    wanted === '' ? list.rooms : list.rooms.filter((r) => r.name.toLocaleLowerCase().includes(wanted));
  const mine = rooms.filter((r) => r.member);
  const others = rooms.filter((r) => !r.member);
  return (
    <>
      {list.rooms.length >= many && (
        <input
          class="chat-filter"
          type="search"
          aria-label={t.filter}
          placeholder={t.filter}
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      )}
      {rooms.length === 0 && <p class="hint chat-none">{t.none}</p>}
      {mine.length > 0 && <Rooms title={t.mine} rooms={mine} chat={chat} open={open} />}
      {others.length > 0 && <Rooms title={t.others} rooms={others} chat={chat} open={open} />}
    </>
  );
}

function Rooms({
  title,
  rooms,
  chat,
  open,
}: {
  title: string;
  rooms: readonly Room[];
  chat: Chat;
  open: string | undefined;
}) {
  return (
    <section class="chat-rooms">
      <h2>{title}</h2>
      <ul>
        {rooms.map((room) => (
          <li key={room.id}>
            <RoomRow room={room} me={chat.me.userId} open={room.id === open} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function RoomRow({ room, me, open }: { room: Room; me: string; open: boolean }) {
  const t = text().list;
  const { last } = room;
  const unread = unreadIn(room);
  const said = !last ? undefined : last.deleted ? t.deleted : last.text.replace(/\s+/g, ' ');
  return (
    <a
      class={`chat-room-row ${unread > 0 ? 'unread' : ''}`}
      href={`/chat/${encodeURIComponent(room.id)}`}
      aria-current={open ? 'page' : undefined}
    >
      <Avatar name={room.name} />
      <span class="chat-room-text">
        <span class="chat-room-name">
          {room.private && (
            <>
              <Icon name="lock" size={15} />
              <span class="unseen">{t.private}</span>
            </>
          )}
          <bdi>{room.name}</bdi>
        </span>
        <span class="chat-room-last">
          {!room.member
            ? t.members(room.members)
            : said === undefined
              ? t.nothingYet
              : last!.sender.userId === me
                ? t.mineSaid(said)
                : `${last!.sender.userName}: ${said}`}
        </span>
      </span>
      <span class="chat-room-side">
        {room.member && last && (
          <time dateTime={new Date(last.at).toISOString()}>{formatShort(last.at)}</time>
        )}
        {unread > 0 && (
          <span class="chat-count">
            <span aria-hidden="true">{unread > 99 ? '99+' : unread}</span>
            <span class="unseen">{t.unread(unread)}</span>
          </span>
        )}
      </span>
    </a>
  );
}
