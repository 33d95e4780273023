import { useEffect, useState } from 'preact/hooks';
import { Heading } from '../../shell/heading';
import type { PageProps } from '../../shell/page';
import { IconButton } from '../../ui/button';
import { Empty, SkeletonList } from '../../ui/states';
import { name } from '.';
import { current } from './chat';
import './chat.css';
import './messages.css';
import { RoomView } from './room';
import { CreateRoom } from './room-form';
import { RoomList } from './room-list';
import { text } from './text';

/** The list of rooms, and beside it, or on a phone in its place, one of them. */
export function ChatPage({ params }: PageProps) {
  const t = text();
  const chat = current.value;
  const [creating, create] = useState(false);
  useEffect(() => {
    // Nobody is told of rooms that others have opened to everyone.
    if (chat && chat.rooms.peek().kind !== 'loading') void chat.load();
  }, [chat]);
  const add = <IconButton icon="plus" label={t.create.action} onClick={() => create(true)} />;
  return (
    <div class={`chat ${params.room === undefined ? '' : 'in-room'}`}>
      <div class="chat-side">
        {params.room === undefined ? (
          <Heading title={name().title} actions={add} />
        ) : (
          <div class="page-heading">
            <p class="chat-side-title">{name().title}</p>
            <div class="page-actions">{add}</div>
          </div>
        )}
        <div class="chat-side-list">
          {chat ? (
            <RoomList chat={chat} open={params.room} onCreate={() => create(true)} />
          ) : (
            <SkeletonList avatars />
          )}
        </div>
      </div>
      {params.room === undefined ? (
        <div class="chat-choose">
          <Empty icon="chat" title={t.room.choose}>
            {t.room.chooseBody}
          </Empty>
        </div>
      ) : chat ? (
        <RoomView key={params.room} chat={chat} id={params.room} />
      ) : (
        <section class="chat-room">
          <Heading title={t.room.opening} />
        </section>
      )}
      {creating && chat && <CreateRoom chat={chat} onClose={() => create(false)} />}
    </div>
  );
}
