import { useEffect, useRef, useState } from 'preact/hooks';
import { Heading } from '../../shell/heading';
import { errorText } from '../../text/errors';
import { Avatar } from '../../ui/avatar';
import { Button, IconButton } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Icon } from '../../ui/icon';
import { Empty, SkeletonList } from '../../ui/states';
import { toast } from '../../ui/toast';
import type { Chat } from './chat';
import { Composer } from './composer';
import { Gone } from './gone';
import { Invite } from './invite';
import { Log } from './log';
import { Members } from './members';
import { MessageDialog } from './message-dialog';
import { People } from './people';
import { maxMessage } from './protocol';
import { ChangeRoom } from './room-form';
import { LeaveRoom, RemoveRoom, RoomMenu, type RoomAction } from './room-menu';
import { text } from './text';
import type { Message } from './timeline';

type Asked = { kind: 'people' | 'invite' | 'menu' | RoomAction } | { kind: 'message'; message: Message };

/** One room: what is said there, and by whom. */
export function RoomView({ chat, id }: { chat: Chat; id: string }) {
  const conversation = chat.conversation(id);
  const view = conversation.view.value;
  const room = chat.rooms.value.rooms.find((r) => r.id === id);
  const listed = chat.rooms.value.kind !== 'loading';
  const t = text();
  const [asked, ask] = useState<Asked>();
  const [editing, edit] = useState<Message>();
  const [draft, write] = useState(() => chat.drafts.get(id) ?? '');

  useEffect(() => {
    // A room that is open to all is entered when its visitor says so.
    if (room?.member) void conversation.enter();
    else if (listed && !room) void chat.find(id);
  }, [room?.member, listed && !room]);
  useEffect(() => () => conversation.unmark(), [conversation]);
  const refused = view.access.kind === 'refused' ? view.access.code : undefined;
  useEffect(() => {
    if (refused !== undefined) ask(undefined);
  }, [refused]);

  // A room that is gone for the user is not in the list any more.
  const known = useRef('');
  const name = (known.current = room?.name ?? known.current);
  const heading = (
    <Heading
      title={name || t.room.opening}
      before={
        <>
          <a class="icon-button chat-back" href="/chat" aria-label={t.room.back} title={t.room.back}>
            <Icon name="back" />
          </a>
          {name && <Avatar name={name} />}
        </>
      }
      actions={
        room?.member && view.access.kind !== 'refused' ? (
          <>
            <button
              type="button"
              class="chat-here"
              title={t.people.here(view.total)}
              onClick={() => ask({ kind: 'people' })}
            >
              <Icon name="people" />
              <span aria-hidden="true">{view.total}</span>
              <span class="unseen">{t.people.here(view.total)}</span>
            </button>
            <IconButton icon="invite" label={t.people.invite} onClick={() => ask({ kind: 'invite' })} />
            <IconButton icon="more" label={t.room.menu} onClick={() => ask({ kind: 'menu' })} />
          </>
        ) : undefined
      }
    >
      {name ? (
        <span class="chat-title">
          <bdi>{name}</bdi>
          {room?.private && (
            <>
              <Icon name="lock" size={16} />
              <span class="unseen">{t.list.private}</span>
            </>
          )}
        </span>
      ) : undefined}
    </Heading>
  );

  if (refused !== undefined || (listed && !room && chat.missing.value.has(id))) {
    const written = view.outgoing.map((o) => o.text);
    if (draft.trim() !== '' && !editing) written.push(draft);
    return (
      <section class="chat-room">
        {heading}
        <Gone
          why={refused ?? 'not_found'}
          was={view.timeline.messages.length > 0}
          unsent={written}
          onJoin={room && !room.member ? () => void conversation.enter() : undefined}
          onDiscard={() => {
            for (const { key } of view.outgoing) conversation.discard(key);
            chat.drafts.set(id, undefined);
            write('');
          }}
        />
      </section>
    );
  }
  if (!room) {
    return (
      <section class="chat-room">
        {heading}
        <SkeletonList avatars rows={6} />
      </section>
    );
  }
  if (!room.member) {
    return (
      <section class="chat-room">
        {heading}
        <Join chat={chat} id={id} />
      </section>
    );
  }

  const startEdit = (message: Message) => {
    ask(undefined);
    edit(message);
    write(message.text);
  };
  const stopEdit = () => {
    edit(undefined);
    write(chat.drafts.get(id) ?? '');
  };
  const send = (written: string): boolean => {
    if (editing) {
      if (written !== editing.text) {
        conversation.edit(editing.id, written).catch((error: unknown) => {
          toast(() => errorText(error), { tone: 'bad' });
        });
      }
      stopEdit();
      return true;
    }
    if (!conversation.send(written)) return false;
    write('');
    chat.drafts.set(id, undefined);
    return true;
  };
  const last = () => view.timeline.messages.findLast((m) => m.sender.userId === chat.me.userId && !m.deleted);

  return (
    <section class="chat-room">
      {heading}
      <div class="chat-middle">
        <div class="chat-main">
          <Log
            conversation={conversation}
            view={view}
            room={name}
            me={chat.me}
            owner={room.owner === chat.me.userId}
            onSeen={(m) => chat.see(id, m)}
            actions={{
              onMore: (message) => ask({ kind: 'message', message }),
              onRetry: (key) => conversation.retry(key),
              onDiscard: (key) => conversation.discard(key),
            }}
          />
          <p class="chat-typing">
            {view.typing.length > 0 && t.log.typing(view.typing.map((p) => p.userName))}
          </p>
          <Composer
            room={name}
            value={draft}
            onValue={(value) => {
              write(value);
              if (editing) return;
              chat.drafts.set(id, value || undefined);
              if (value.trim() !== '') conversation.tellTyping();
            }}
            editing={editing !== undefined}
            max={maxMessage}
            onSend={send}
            onCancel={stopEdit}
            onUp={() => {
              const message = last();
              // While the last one is on its way, it would be the one before.
              if (message && view.outgoing.length === 0) startEdit(message);
            }}
          />
        </div>
        <aside class="chat-aside" aria-labelledby="chat-aside">
          <h2 id="chat-aside">{t.people.here(view.total)}</h2>
          <People present={view.present} />
        </aside>
      </div>
      {asked?.kind === 'people' && (
        <Dialog title={t.people.here(view.total)} onClose={() => ask(undefined)}>
          <People present={view.present} />
        </Dialog>
      )}
      {asked?.kind === 'invite' && <Invite room={id} name={name} onClose={() => ask(undefined)} />}
      {asked?.kind === 'menu' && (
        <RoomMenu
          room={room}
          own={room.owner === chat.me.userId}
          onChoose={(kind) => ask({ kind })}
          onClose={() => ask(undefined)}
        />
      )}
      {asked?.kind === 'members' && (
        <Members chat={chat} room={room} present={view.present} onClose={() => ask(undefined)} />
      )}
      {asked?.kind === 'change' && <ChangeRoom chat={chat} room={room} onClose={() => ask(undefined)} />}
      {asked?.kind === 'leave' && <LeaveRoom chat={chat} room={room} onClose={() => ask(undefined)} />}
      {asked?.kind === 'remove' && <RemoveRoom chat={chat} room={room} onClose={() => ask(undefined)} />}
      {asked?.kind === 'message' && (
        <MessageDialog
          message={asked.message}
          conversation={conversation}
          own={asked.message.sender.userId === chat.me.userId}
          onEdit={() => startEdit(asked.message)}
          onClose={() => ask(undefined)}
        />
      )}
    </section>
  );
}

/** The way into a room that is open to everyone. */
function Join({ chat, id }: { chat: Chat; id: string }) {
  const t = text().room;
  const access = chat.conversation(id).view.value.access.kind;
  return (
    <Empty
      icon="chat"
      title={t.joinTitle}
      action={
        <Button
          kind="primary"
          busy={access === 'entering'}
          onClick={() => void chat.conversation(id).enter()}
        >
          {t.join}
        </Button>
      }
    >
      {t.joinBody}
    </Empty>
  );
}
