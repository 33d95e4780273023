import { useUser } from '../../shell/app';
import { Avatar } from '../../ui/avatar';
import type { Person } from './protocol';
import { text } from './text';

/** Who is in the room now; oneself first, the others by name. */
export function People({ present }: { present: readonly Person[] }) {
  const t = text().people;
  const me = useUser().id;
  const sorted = [...present].sort((a, b) =>
    a.userId === me ? -1 : b.userId === me ? 1 : a.userName.localeCompare(b.userName),
  );
  return (
    <ul class="chat-people">
      {sorted.map((p) => (
        <li key={p.userId}>
          <Avatar name={p.userName} />
          <span class="chat-person" dir="auto">
            {p.userName}
          </span>
          {p.userId === me && <span class="hint">{t.you}</span>}
        </li>
      ))}
    </ul>
  );
}
