import type { State } from '../chat/state';
import type { Text } from './text';
import { Avatar } from './avatar';

interface Props {
  state: State;
  t: Text;
  /** On small screens the list is shown on demand. */
  shown: boolean;
}

/** Who is in the room, oneself first. */
export function People({ state, t, shown }: Props) {
  const me = state.me?.userId;
  const members = state.members.toSorted(
    (a, b) => Number(b.userId === me) - Number(a.userId === me) || a.userName.localeCompare(b.userName),
  );
  return (
    <aside id="people" class={shown ? 'shown' : ''} aria-label={t.people}>
      <h2>{t.people}</h2>
      <ul>
        {members.map((m) => (
          <li key={m.userId}>
            <Avatar member={m} />
            <span class="who">{m.userName}</span>
            {m.userId === me && <span class="hint">{t.you}</span>}
          </li>
        ))}
      </ul>
    </aside>
  );
}
