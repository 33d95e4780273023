import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Session } from '../chat/session';
import type { State } from '../chat/state';
import type { Language, Text } from './text';
import { Composer } from './composer';
import { Log } from './log';
import { People } from './people';

interface Props {
  session: Session;
  state: State;
  language: Language;
  t: Text;
  switcher: ComponentChildren;
}

/** The conversation, who is there, and the place to write. */
export function Room({ session, state, language, t, switcher }: Props) {
  const [peopleShown, showPeople] = useState(false);
  useUnread(state);
  return (
    <div class="room">
      <header>
        <img src="/icon.svg" alt="" width="36" height="36" />
        <h1>{state.room}</h1>
        <button
          class="quiet people-toggle"
          type="button"
          aria-expanded={peopleShown}
          aria-controls="people"
          onClick={() => showPeople(!peopleShown)}
        >
          {t.people} <span class="count">{state.members.length}</span>
        </button>
        {switcher}
        <button id="leave" class="quiet" type="button" onClick={() => session.leave()}>
          {t.leave}
        </button>
      </header>
      <main>
        <Log session={session} state={state} language={language} t={t} />
        <Composer session={session} t={t} />
      </main>
      <People state={state} t={t} shown={peopleShown} />
    </div>
  );
}

/** Counts in the window's title what came while the page was out of sight. */
function useUnread(state: State) {
  const last = state.lines.findLast((l) => l.kind === 'message' && !l.own)?.key;
  const [seen, setSeen] = useState(last);
  useEffect(() => {
    const look = () => !document.hidden && setSeen(last);
    look();
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, [last]);
  useEffect(() => {
    const after = state.lines.findIndex((l) => l.key === seen) + 1;
    const unread = document.hidden
      ? state.lines.slice(after).filter((l) => l.kind === 'message' && !l.own).length
      : 0;
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${state.room} · Kachi`;
    return () => {
      document.title = 'Kachi';
    };
  }, [state.lines, state.room, seen]);
}
