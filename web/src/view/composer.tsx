import { useEffect, useRef, useState } from 'preact/hooks';
import { maxMessage } from '../chat/protocol';
import type { Session } from '../chat/session';
import type { Text } from './text';

interface Props {
  session: Session;
  t: Text;
}

/** Where a message is written. It stays usable while there is no connection. */
export function Composer({ session, t }: Props) {
  const [text, setText] = useState('');
  const [refused, setRefused] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const excess = text.length - maxMessage;

  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    const f = field.current;
    if (!f) return;
    f.style.height = 'auto';
    f.style.height = `${f.scrollHeight}px`;
  }, [text]);

  const send = () => {
    if (text.trim() === '' || excess > 0) return;
    const taken = session.send(text.trim());
    setRefused(!taken);
    if (taken) setText('');
    field.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    // While Korean is composed, Enter ends the syllable; it does not send.
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  };

  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <p class="error" role="alert">
        {excess > 0 ? t.tooLong(excess) : refused ? t.tooManyWaiting : ''}
      </p>
      <div class="field">
        <textarea
          id="message"
          ref={field}
          rows={1}
          value={text}
          placeholder={t.write}
          aria-label={t.write}
          aria-describedby="write-hint"
          aria-invalid={excess > 0}
          enterkeyhint="send"
          onInput={(event) => {
            setText(event.currentTarget.value);
            if (event.currentTarget.value.trim() !== '') session.tellTyping();
          }}
          onKeyDown={onKeyDown}
        />
        <button class="primary" type="submit" aria-label={t.send} disabled={text.trim() === '' || excess > 0}>
          <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
            <path d="M4 12 20 4l-4 16-4.5-6.5z" fill="currentColor" />
          </svg>
        </button>
      </div>
      <p id="write-hint" class="hint">
        {t.writeHint}
      </p>
    </form>
  );
}
