import { useRef, useState } from 'preact/hooks';
import { KachiError } from '../../live/gateways';
import { fieldErrors } from '../../api/refusal';
import { useApp } from '../../shell/app';
import { common } from '../../text/common';
import { errorText } from '../../text/errors';
import { Button } from '../../ui/button';
import { Choice } from '../../ui/choice';
import { Dialog } from '../../ui/dialog';
import { Field } from '../../ui/field';
import { toast } from '../../ui/toast';
import type { Chat } from './chat';
import { maxRoomName } from './protocol';
import type { Room } from './rooms';
import { text } from './text';

/** Asks for a new room's name, and leads there. */
export function CreateRoom({ chat, onClose }: { chat: Chat; onClose: () => void }) {
  const t = text().create;
  const { router } = useApp();
  const create = async (name: string, secret: boolean) => {
    const room = await chat.create(name, secret);
    onClose();
    router.go(`/chat/${encodeURIComponent(room)}`);
  };
  return <RoomForm title={t.action} submit={t.submit} onSubmit={create} onClose={onClose} />;
}

/** Has a room of one's own be called otherwise, or be open to others. */
export function ChangeRoom({ chat, room, onClose }: { chat: Chat; room: Room; onClose: () => void }) {
  const t = text().change;
  const change = async (name: string, secret: boolean) => {
    if (name !== room.name || secret !== room.private) await chat.change(room.id, name, secret);
    onClose();
    toast(() => text().change.done, { tone: 'good' });
  };
  return (
    <RoomForm
      title={t.action}
      submit={t.submit}
      name={room.name}
      secret={room.private}
      onSubmit={change}
      onClose={onClose}
    />
  );
}

interface Props {
  title: string;
  submit: string;
  name?: string;
  secret?: boolean;
  /** Closes the form, or fails. */
  onSubmit: (name: string, secret: boolean) => Promise<void>;
  onClose: () => void;
}

function RoomForm({ title, submit, onSubmit, onClose, ...room }: Props) {
  const t = text().create;
  const [name, setName] = useState(room.name ?? '');
  const [who, setWho] = useState<'everyone' | 'invited'>(room.secret ? 'invited' : 'everyone');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<() => string>();
  const input = useRef<HTMLInputElement>(null);

  const fail = (words: () => string) => {
    setError(() => words);
    input.current?.focus();
  };
  const send = async (event: Event) => {
    event.preventDefault();
    const wanted = name.trim();
    if (busy) return;
    if (wanted === '') return fail(() => text().create.missing);
    if ([...wanted].length > maxRoomName) return fail(() => text().create.tooLong(maxRoomName));
    setBusy(true);
    try {
      await onSubmit(wanted, who === 'invited');
    } catch (failure) {
      setBusy(false);
      const wrong = failure instanceof KachiError && fieldErrors(failure.details).length > 0;
      fail(() => (wrong ? text().create.wrong : errorText(failure)));
    }
  };

  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{common().cancel}</Button>
          <Button kind="primary" busy={busy} type="submit" form="chat-room-form">
            {submit}
          </Button>
        </>
      }
    >
      <form id="chat-room-form" class="chat-form" noValidate onSubmit={(event) => void send(event)}>
        <Field
          name="room"
          label={t.name}
          value={name}
          onValue={(value) => {
            setName(value);
            setError(undefined);
          }}
          hint={t.nameHint}
          error={error?.()}
          input={input}
          autocomplete="off"
        />
        <Choice
          legend={t.who}
          value={who}
          onValue={setWho}
          options={[
            { value: 'everyone', label: t.everyone },
            { value: 'invited', label: t.invited },
          ]}
        />
      </form>
    </Dialog>
  );
}
