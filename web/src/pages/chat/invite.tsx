import { useEffect, useState } from 'preact/hooks';
import type { User } from '../../api/contract';
import { isAbort } from '../../api/error';
import { useApp, useUser } from '../../shell/app';
import { errorText } from '../../text/errors';
import { Avatar } from '../../ui/avatar';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Field } from '../../ui/field';
import { text } from './text';

interface Props {
  room: string;
  name: string;
  onClose: () => void;
}

/** How long nothing is typed before the server is asked, in milliseconds. */
const pause = 250;

/** Finds people by how their names begin, and makes them members. */
export function Invite({ room, name, onClose }: Props) {
  const t = text().people;
  const { api } = useApp();
  const me = useUser().id;
  const [query, setQuery] = useState('');
  const [found, setFound] = useState<User[]>();
  const [error, setError] = useState<unknown>();
  const [asked, setAsked] = useState<ReadonlyMap<string, 'busy' | 'done'>>(new Map());

  useEffect(() => {
    const q = query.trim();
    if (q === '') return setFound(undefined);
    const stop = new AbortController();
    const timer = setTimeout(() => {
      api.call('GET /api/users', { query: { q }, signal: stop.signal }).then(
        ({ users }) => {
          setError(undefined);
          setFound(users.filter((u) => u.id !== me));
        },
        (failure: unknown) => {
          if (!isAbort(failure)) setError(failure);
        },
      );
    }, pause);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [query]);

  const invite = async (user: User) => {
    const mark = (state: 'busy' | 'done' | undefined) =>
      setAsked((all) => {
        const next = new Map(all);
        if (state) next.set(user.id, state);
        else next.delete(user.id);
        return next;
      });
    mark('busy');
    try {
      await api.call('POST /api/rooms/{id}/members', { path: { id: room }, body: { userId: user.id } });
      mark('done');
      setError(undefined);
    } catch (failure) {
      mark(undefined);
      setError(failure);
    }
  };

  const last = found?.findLast((u) => asked.get(u.id) === 'done');
  return (
    <Dialog title={t.inviteTitle(name)} onClose={onClose}>
      <Field
        name="person"
        type="search"
        label={t.search}
        value={query}
        onValue={setQuery}
        hint={t.searchHint}
        error={error === undefined ? undefined : errorText(error)}
        autocomplete="off"
        spellcheck={false}
      />
      <p class="unseen" role="status">
        {last ? t.invited(last.name) : ''}
      </p>
      {found && found.length === 0 && (
        <p class="hint" role="status">
          {t.nobody}
        </p>
      )}
      {found && found.length > 0 && (
        <ul class="chat-found">
          {found.map((user) => (
            <li key={user.id}>
              <Avatar name={user.name} />
              <span class="chat-person" dir="auto">
                {user.name}
              </span>
              {asked.get(user.id) === 'done' ? (
                <span class="hint">{t.invited(user.name)}</span>
              ) : (
                <Button
                  busy={asked.get(user.id) === 'busy'}
                  aria-label={t.inviteNamed(user.name)}
                  onClick={() => void invite(user)}
                >
                  {t.invite}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}
