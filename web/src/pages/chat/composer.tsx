import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../../ui/icon';
import { IconButton } from '../../ui/button';
import { text } from './text';

interface Props {
  /** What the room is called. */
  room: string;
  value: string;
  onValue: (value: string) => void;
  /** Set while a message that was sent is changed. */
  editing: boolean;
  max: number;
  /** False when it cannot be taken now. */
  onSend: (text: string) => boolean;
  onCancel: () => void;
  /** The up arrow in the empty field. */
  onUp: () => void;
}

/** Where a message is written. It stays usable while there is no connection. */
export function Composer({ room, value, onValue, editing, max, onSend, onCancel, onUp }: Props) {
  const t = text().write;
  const [refused, refuse] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const excess = [...value.trim()].length - max;

  // A keyboard that comes up by itself would hide half of a phone's screen.
  useEffect(() => {
    if (editing || matchMedia('(hover: hover)').matches) field.current!.focus({ preventScroll: true });
  }, [room, editing]);
  useLayoutEffect(() => {
    const f = field.current!;
    f.style.height = 'auto';
    f.style.height = `${f.scrollHeight}px`;
  }, [value]);

  const send = () => {
    field.current!.focus();
    if (value.trim() === '' || excess > 0) return;
    refuse(!onSend(value.trim()));
  };

  const onKeyDown = (event: KeyboardEvent) => {
    // While Korean is composed, Enter ends the syllable. Safari says so by the key code alone.
    if (event.isComposing || event.keyCode === 229) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === 'Escape' && editing) {
      event.preventDefault();
      onCancel();
    } else if (event.key === 'ArrowUp' && value === '' && !editing) {
      event.preventDefault();
      onUp();
    }
  };

  return (
    <form
      class="chat-composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {editing && (
        <div class="chat-editing">
          <Icon name="edit" size={18} />
          <span>{t.editing}</span>
          <IconButton icon="close" label={text().write.cancelEdit} onClick={onCancel} />
        </div>
      )}
      <p class="field-error chat-trouble" role="alert">
        {excess > 0 ? t.tooLong(excess) : refused ? t.tooMany : ''}
      </p>
      <div class="chat-field">
        <textarea
          ref={field}
          name="message"
          rows={1}
          value={value}
          placeholder={t.placeholder(room)}
          aria-label={editing ? t.editing : t.label}
          aria-describedby="chat-write-hint"
          aria-invalid={excess > 0 ? true : undefined}
          enterkeyhint="send"
          dir="auto"
          onInput={(event) => {
            refuse(false);
            onValue(event.currentTarget.value);
          }}
          onKeyDown={onKeyDown}
        />
        <button
          class="chat-send"
          type="submit"
          aria-label={editing ? t.save : t.send}
          title={editing ? t.save : t.send}
          aria-disabled={value.trim() === '' || excess > 0 ? true : undefined}
        >
          <Icon name={editing ? 'check' : 'send'} />
        </button>
      </div>
      <p id="chat-write-hint" class="unseen">
        {t.hint}
      </p>
    </form>
  );
}
