import { useState } from 'preact/hooks';
import { useApp } from '../../shell/app';
import { common } from '../../text/common';
import { errorText } from '../../text/errors';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { toast } from '../../ui/toast';
import type { Chat } from './chat';
import type { Room } from './rooms';
import { text } from './text';

export type RoomAction = 'members' | 'change' | 'leave' | 'remove';

interface MenuProps {
  room: Room;
  /** The room is the user's. */
  own: boolean;
  onChoose: (action: RoomAction) => void;
  onClose: () => void;
}

/** What can be done with a room, by its owner or by everybody. */
export function RoomMenu({ room, own, onChoose, onClose }: MenuProps) {
  const t = text();
  return (
    <Dialog title={room.name} onClose={onClose}>
      <div class="chat-choices">
        <Button icon="people" onClick={() => onChoose('members')}>
          {t.members.action}
        </Button>
        {own && (
          <Button icon="edit" onClick={() => onChoose('change')}>
            {t.change.action}
          </Button>
        )}
        <Button icon="leave" onClick={() => onChoose('leave')}>
          {t.room.leave}
        </Button>
        {own && (
          <Button icon="bin" onClick={() => onChoose('remove')}>
            {t.room.remove}
          </Button>
        )}
      </div>
    </Dialog>
  );
}

interface Props {
  chat: Chat;
  room: Room;
  onClose: () => void;
}

export function LeaveRoom({ chat, room, onClose }: Props) {
  const t = text().room;
  return (
    <Farewell
      title={t.leaveTitle(room.name)}
      body={room.private ? t.leavePrivate : t.leaveBody}
      action={t.leave}
      done={() => text().room.left(room.name)}
      onSure={() => chat.leave(room.id)}
      onClose={onClose}
    />
  );
}

export function RemoveRoom({ chat, room, onClose }: Props) {
  const t = text().room;
  return (
    <Farewell
      title={t.removeTitle(room.name)}
      body={t.removeBody}
      action={t.remove}
      done={() => text().room.removed(room.name)}
      onSure={() => chat.remove(room.id)}
      onClose={onClose}
    />
  );
}

interface FarewellProps {
  title: string;
  body: string;
  action: string;
  /** What the user is told then. */
  done: () => string;
  onSure: () => Promise<void>;
  onClose: () => void;
}

/** Asks whether the user is sure of what ends their time in a room, and leads out of it. */
function Farewell({ title, body, action, done, onSure, onClose }: FarewellProps) {
  const { router } = useApp();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const go = async () => {
    setBusy(true);
    try {
      await onSure();
      onClose();
      toast(done);
      router.go('/chat');
    } catch (failure) {
      setBusy(false);
      setError(failure);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{common().cancel}</Button>
          <Button kind="danger" busy={busy} onClick={() => void go()}>
            {action}
          </Button>
        </>
      }
    >
      <p>{body}</p>
      <p class="field-error" role="alert">
        {error !== undefined && errorText(error)}
      </p>
    </Dialog>
  );
}
