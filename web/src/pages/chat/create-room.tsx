import { useRef, useState } from 'preact/hooks';
import { ApiError } from '../../api/error';
import { fieldErrors } from '../../api/refusal';
import { useApp } from '../../shell/app';
import { common } from '../../text/common';
import { errorText } from '../../text/errors';
import { Button } from '../../ui/button';
import { Choice } from '../../ui/choice';
import { Dialog } from '../../ui/dialog';
import { Field } from '../../ui/field';
import type { Chat } from './chat';
import { maxRoomName } from './protocol';
import { text } from './text';

/** Asks for a new room's name, and leads there. */
export function CreateRoom({ chat, onClose }: { chat: Chat; onClose: () => void }) {
  const t = text().create;
  const { router } = useApp();
  const [name, setName] = useState('');
  const [who, setWho] = useState<'everyone' | 'invited'>('everyone');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<() => string>();
  const input = useRef<HTMLInputElement>(null);

  const fail = (words: () => string) => {
    setError(() => words);
    input.current?.focus();
  };
  const create = async (event: Event) => {
    event.preventDefault();
    const wanted = name.trim();
    if (busy) return;
    if (wanted === '') return fail(() => text().create.missing);
    if ([...wanted].length > maxRoomName) return fail(() => text().create.tooLong(maxRoomName));
    setBusy(true);
    try {
      const room = await chat.create(wanted, who === 'invited');
      onClose();
      router.go(`/chat/${encodeURIComponent(room)}`);
    } catch (failure) {
      setBusy(false);
      const wrong = failure instanceof ApiError && fieldErrors(failure.details).length > 0;
      fail(() => (wrong ? text().create.tooLong(maxRoomName) : errorText(failure)));
    }
  };

  return (
    <Dialog
      title={t.action}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{common().cancel}</Button>
          <Button kind="primary" busy={busy} type="submit" form="chat-create">
            {t.submit}
          </Button>
        </>
      }
    >
      <form id="chat-create" class="chat-form" noValidate onSubmit={(event) => void create(event)}>
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
