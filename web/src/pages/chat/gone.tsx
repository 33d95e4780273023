import { useEffect, useRef } from 'preact/hooks';
import { errorText } from '../../text/errors';
import { Button, ButtonLink } from '../../ui/button';
import { Empty } from '../../ui/states';
import { toast } from '../../ui/toast';
import { text } from './text';

interface Props {
  /** Why the room is not there for the user: a reason of the server, or the code of its refusal. */
  why: string;
  /** The user was in it before. */
  was: boolean;
  /** What they have written and not sent. */
  unsent: readonly string[];
  onDiscard: () => void;
  /** The room is open to everyone: the way back. */
  onJoin?: (() => void) | undefined;
}

/** In the place of a room that the user is not in any more, or that is not there for them. */
export function Gone({ why, was, unsent, onDiscard, onJoin }: Props) {
  const t = text().room;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // Whoever was writing has lost the field, and with it the focus.
    if (was && document.activeElement === document.body) box.current!.focus();
  }, []);
  const ends: Readonly<Record<string, readonly [title: string, body: string]>> = {
    closed: [t.closed, t.closedBody],
    excluded: [t.gone, t.excludedBody],
    left: [t.leftElsewhere, t.leftElsewhereBody],
  };
  const [title, body] = ends[why] ?? (was ? [t.gone, t.goneBody] : [t.missing, t.missingBody]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(unsent.join('\n\n'));
      toast(() => text().message.copied, { tone: 'good' });
    } catch (failure) {
      toast(() => errorText(failure), { tone: 'bad' });
    }
  };
  return (
    <div class="chat-gone" ref={box} tabIndex={-1} role={was ? 'alert' : undefined}>
      <Empty
        icon="lock"
        title={title}
        action={
          <>
            <ButtonLink href="/chat">{t.others}</ButtonLink>
            {onJoin && <Button onClick={onJoin}>{t.join}</Button>}
          </>
        }
      >
        {body}
      </Empty>
      {unsent.length > 0 && (
        <section class="chat-unsent" aria-labelledby="chat-unsent">
          <h3 id="chat-unsent">{t.unsent}</h3>
          {unsent.map((written, i) => (
            <blockquote key={i} class="chat-quote" dir="auto" tabIndex={0}>
              {written}
            </blockquote>
          ))}
          <div class="chat-unsent-actions">
            <Button kind="quiet" icon="bin" onClick={onDiscard}>
              {text().message.discard}
            </Button>
            {navigator.clipboard && (
              <Button icon="copy" onClick={() => void copy()}>
                {text().message.copy}
              </Button>
            )}
          </div>
        </section>
      )}
    </div>
  );
}
