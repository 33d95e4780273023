import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { maxName, maxRoom } from '../chat/protocol';
import type { Session } from '../chat/session';
import type { State } from '../chat/state';
import { keep, kept } from '../kept';
import { reasonText, type Text } from './text';

interface Props {
  session: Session;
  state: State;
  t: Text;
  switcher: ComponentChildren;
}

/** Asks for a name and a room. */
export function Entrance({ session, state, t, switcher }: Props) {
  const [name, setName] = useState(() => kept('name') ?? '');
  const [room, setRoom] = useState(() => new URLSearchParams(location.search).get('room') ?? 'general');

  const enter = (event: Event) => {
    event.preventDefault();
    const [trimmedName, trimmedRoom] = [name.trim(), room.trim()];
    if (!trimmedName || !trimmedRoom) return;
    keep('name', trimmedName);
    history.replaceState(null, '', `?room=${encodeURIComponent(trimmedRoom)}`);
    session.enter(trimmedName, trimmedRoom);
  };

  return (
    <main class="entrance">
      <form class="card" onSubmit={enter}>
        <img src="/icon.svg" alt="" width="72" height="72" />
        <h1>Kachi</h1>
        <p class="tagline">{t.tagline}</p>
        <label for="name">{t.name}</label>
        <input
          id="name"
          value={name}
          onInput={(e) => setName(e.currentTarget.value)}
          maxLength={maxName}
          autocomplete="nickname"
          required
          autofocus
          aria-describedby="entry-error"
        />
        <label for="room">{t.room}</label>
        <input
          id="room"
          value={room}
          onInput={(e) => setRoom(e.currentTarget.value)}
          maxLength={maxRoom}
          autocomplete="off"
          autocapitalize="none"
          required
        />
        <p id="entry-error" class="error" role="alert">
          {state.entryError && reasonText(t, state.entryError)}
        </p>
        <button id="enter" class="primary" type="submit" disabled={state.entering}>
          {state.entering ? t.entering : t.enter}
        </button>
      </form>
      {switcher}
    </main>
  );
}
