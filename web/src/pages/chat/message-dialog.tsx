import { useState } from 'preact/hooks';
import { common } from '../../text/common';
import { errorText } from '../../text/errors';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { toast } from '../../ui/toast';
import type { Conversation } from './conversation';
import { text } from './text';
import type { Message } from './timeline';

interface Props {
  message: Message;
  conversation: Conversation;
  /** The user has written it. */
  own: boolean;
  onEdit: () => void;
  onClose: () => void;
}

/** What can be done with a message: of one's own, or in one's own room. */
export function MessageDialog({ message, conversation, own, onEdit, onClose }: Props) {
  const t = text().message;
  const [sure, setSure] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();

  const remove = async () => {
    setBusy(true);
    try {
      await conversation.remove(message.id);
      onClose();
    } catch (failure) {
      setBusy(false);
      setError(failure);
    }
  };
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(message.text);
      toast(() => text().message.copied, { tone: 'good' });
    } catch (failure) {
      toast(() => errorText(failure), { tone: 'bad' });
    }
    onClose();
  };

  return (
    <Dialog title={own ? t.actions : t.actionsOf(message.sender.userName)} onClose={onClose}>
      <blockquote class="chat-quote" dir="auto">
        {message.text}
      </blockquote>
      <p class="field-error" role="alert">
        {error !== undefined && errorText(error)}
      </p>
      {sure ? (
        <>
          <p>{t.removeBody}</p>
          <div class="chat-choices">
            <Button kind="danger" busy={busy} onClick={() => void remove()}>
              {t.removeSure}
            </Button>
            <Button onClick={() => setSure(false)}>{common().cancel}</Button>
          </div>
        </>
      ) : (
        <div class="chat-choices">
          {own && (
            <Button icon="edit" onClick={onEdit}>
              {t.edit}
            </Button>
          )}
          {navigator.clipboard && (
            <Button icon="copy" onClick={() => void copy()}>
              {t.copy}
            </Button>
          )}
          <Button icon="bin" onClick={() => setSure(true)}>
            {t.remove}
          </Button>
        </div>
      )}
    </Dialog>
  );
}
