import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Session } from '../chat/session';
import type { Line, State } from '../chat/state';
import type { Language, Text } from './text';
import { MessageRow, NoticeRow } from './rows';

interface Props {
  session: Session;
  state: State;
  language: Language;
  t: Text;
}

/** Messages of one sender within this time, in milliseconds, stand together under one name. */
const together = 5 * 60_000;

/** The conversation. It follows its end, unless the reader has scrolled up. */
export function Log({ session, state, language, t }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const [behind, setBehind] = useState(false);
  const last = state.lines.at(-1);

  const toEnd = () => {
    const b = box.current;
    if (b) b.scrollTop = b.scrollHeight;
  };
  useLayoutEffect(() => {
    if (last?.kind === 'message' && last.own && last.delivery !== undefined) following.current = true;
    if (following.current) toEnd();
    else setBehind(true);
  }, [last?.key]);
  useLayoutEffect(() => {
    if (following.current) toEnd();
  });
  useEffect(() => {
    // The keyboard of a phone, or a longer message field, takes height away.
    const observer = new ResizeObserver(() => following.current && toEnd());
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);

  const onScroll = () => {
    const b = box.current!;
    following.current = b.scrollHeight - b.scrollTop - b.clientHeight < 40;
    if (following.current) setBehind(false);
  };

  return (
    <div class="log">
      <div class="lines" ref={box} onScroll={onScroll} role="log" aria-label={t.conversation} tabIndex={0}>
        {state.lines.length === 0 && <p class="empty">{t.empty}</p>}
        {state.lines.map((line, i) =>
          line.kind === 'message' ? (
            <MessageRow
              key={line.key}
              line={line}
              first={!continues(state.lines[i - 1], line)}
              session={session}
              language={language}
              t={t}
            />
          ) : (
            <NoticeRow key={line.key} line={line} language={language} t={t} />
          ),
        )}
      </div>
      {behind && (
        <button
          class="to-end"
          type="button"
          onClick={() => {
            following.current = true;
            setBehind(false);
            toEnd();
          }}
        >
          {t.newMessages} ↓
        </button>
      )}
      <p class="typing" aria-live="off">
        {state.typing.length > 0 && t.typing(state.typing.map((m) => m.userName))}
      </p>
    </div>
  );
}

function continues(before: Line | undefined, line: Line): boolean {
  return (
    before?.kind === 'message' &&
    line.kind === 'message' &&
    before.sender.userId === line.sender.userId &&
    line.at - before.at < together
  );
}
