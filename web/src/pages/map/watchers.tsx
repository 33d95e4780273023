import { useEffect, useState } from 'preact/hooks';
import type { Place, User } from '../../api/contract';
import { useLoad } from '../../api/load';
import { useApp, useUser } from '../../shell/app';
import { errorText } from '../../text/errors';
import { Avatar } from '../../ui/avatar';
import { IconButton } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Field } from '../../ui/field';
import { Failed, SkeletonList } from '../../ui/states';
import { nameOf, text } from './text';

/** How long nothing is typed before people are looked for, in milliseconds. */
const pause = 250;

/** Who may see a place: found by their names, and taken back. */
export function Watchers({ place, onClose }: { place: Place; onClose: () => void }) {
  const { api } = useApp();
  const me = useUser();
  const t = text().watching;
  const [typed, type] = useState('');
  const [said, say] = useState<string>();
  const [error, setError] = useState<string>();
  const query = useDelayed(typed.trim());
  const list = useLoad(
    async (signal) => {
      const { watchers } = await api.call('GET /api/location/{id}/watchers', {
        path: { id: place.id },
        query: { limit: 500 },
        signal,
      });
      return watchers.map((w) => ({ id: w.userId, name: w.userName }));
    },
    [place.id],
  );
  const found = useLoad(
    async (signal): Promise<readonly User[]> =>
      query === '' ? [] : (await api.call('GET /api/users', { query: { q: query, limit: 8 }, signal })).users,
    [query],
  );
  const watching = new Set(list.value?.map((user) => user.id));
  const offered = found.value?.filter((user) => user.id !== me.id && !watching.has(user.id)) ?? [];

  const change = async (call: Promise<void>, done: string) => {
    say(undefined);
    setError(undefined);
    try {
      await call;
      say(done);
      list.again();
    } catch (e) {
      setError(`${t.notChanged} ${errorText(e)}`);
    }
  };
  const grant = (user: User) => {
    type('');
    void change(
      api.call('POST /api/location/{id}/watchers', { path: { id: place.id }, body: { userId: user.id } }),
      t.granted(user.name),
    );
  };
  const revoke = (user: User) =>
    void change(
      api.call('DELETE /api/location/{id}/watchers/{userId}', { path: { id: place.id, userId: user.id } }),
      t.revoked(user.name),
    );

  return (
    <Dialog title={t.title(nameOf(place))} onClose={onClose}>
      <Field
        label={t.search}
        name="watcher"
        type="search"
        value={typed}
        onValue={type}
        hint={t.hint}
        error={error}
        autocomplete="off"
      />
      <p class="hint" role="status">
        {query !== '' && found.kind === 'ready'
          ? offered.length > 0
            ? t.found(offered.length)
            : t.noMatch
          : found.kind === 'failed'
            ? errorText(found.error)
            : said}
      </p>
      {offered.length > 0 && query !== '' && (
        <ul class="map-people">
          {offered.map((user) => (
            <Row
              key={user.id}
              user={user}
              icon="plus"
              label={t.grant(user.name)}
              onClick={() => grant(user)}
            />
          ))}
        </ul>
      )}
      <h3 class="map-people-title">{t.list}</h3>
      {list.kind === 'failed' && !list.value ? (
        <Failed title={t.failed} error={list.error} onAgain={list.again} />
      ) : !list.value ? (
        <SkeletonList rows={2} avatars />
      ) : list.value.length === 0 ? (
        <p class="hint">{t.none}</p>
      ) : (
        <ul class="map-people">
          {list.value.map((user) => (
            <Row
              key={user.id}
              user={user}
              icon="close"
              label={t.revoke(user.name)}
              onClick={() => revoke(user)}
            />
          ))}
        </ul>
      )}
    </Dialog>
  );
}

interface RowProps {
  user: User;
  icon: 'plus' | 'close';
  label: string;
  onClick: () => void;
}

function Row({ user, icon, label, onClick }: RowProps) {
  return (
    <li>
      <Avatar name={user.name} />
      <span class="list-text" dir="auto">
        {user.name}
      </span>
      <IconButton icon={icon} label={label} onClick={onClick} />
    </li>
  );
}

function useDelayed(value: string): string {
  const [delayed, set] = useState(value);
  useEffect(() => {
    if (value === '') return set(value);
    const timer = setTimeout(() => set(value), pause);
    return () => clearTimeout(timer);
  }, [value]);
  return delayed;
}
