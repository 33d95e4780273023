import { useEffect, useRef, useState } from 'preact/hooks';
import type { Member } from '../../api/contract';
import { isAbort } from '../../api/error';
import { useApp } from '../../shell/app';
import { common } from '../../text/common';
import { errorText } from '../../text/errors';
import { Avatar } from '../../ui/avatar';
import { Button, IconButton } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Failed, SkeletonList } from '../../ui/states';
import type { Chat } from './chat';
import type { Person } from './protocol';
import type { Room } from './rooms';
import { text } from './text';

/** So many are asked for at a time. */
const pageSize = 50;

interface Props {
  chat: Chat;
  room: Room;
  /** Who is there now. */
  present: readonly Person[];
  onClose: () => void;
}

/** All members of a room, page by page. Its owner may put others out. */
export function Members({ chat, room, present, onClose }: Props) {
  const t = text().members;
  const { api } = useApp();
  const [members, setMembers] = useState<readonly Member[]>();
  const [next, setNext] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const [asked, ask] = useState<string>();
  const [said, say] = useState('');
  const list = useRef<HTMLUListElement>(null);
  const end = useRef(new AbortController());
  useEffect(() => {
    void chat.reload(room.id); // their number: nobody is told of members who come
    return () => end.current.abort();
  }, []);

  const load = async (after: string | null) => {
    setBusy(true);
    setError(undefined);
    const query = after === null ? { limit: pageSize } : { limit: pageSize, after };
    try {
      const { signal } = end.current;
      const page = await api.call('GET /api/rooms/{id}/members', { path: { id: room.id }, query, signal });
      const known = after === null ? [] : (members ?? []);
      setMembers([...known, ...page.members]);
      setNext(page.next);
      // The button may be gone now: the focus goes on to what it has brought.
      if (after !== null) requestAnimationFrame(() => focus(known.length));
    } catch (failure) {
      if (isAbort(failure)) return;
      setError(failure);
    }
    setBusy(false);
  };
  useEffect(() => void load(null), [room.id]);
  const focus = (at: number) => {
    const rows = list.current?.querySelectorAll<HTMLElement>(':scope > li');
    rows?.[Math.min(at, rows.length - 1)]?.focus();
  };

  const exclude = async (member: Member, at: number) => {
    setBusy(true);
    setError(undefined);
    try {
      await chat.exclude(room.id, member.userId);
      setMembers((all) => all?.filter((m) => m.userId !== member.userId));
      say(t.excluded(member.userName));
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
    ask(undefined);
    requestAnimationFrame(() => focus(at));
  };

  const mine = room.owner === chat.me.userId;
  const here = new Set(present.map((p) => p.userId));
  return (
    <Dialog title={t.title(room.members)} onClose={onClose}>
      {!members ? (
        error === undefined ? (
          <SkeletonList avatars rows={4} />
        ) : (
          <Failed title={t.failed} error={error} onAgain={() => void load(null)} />
        )
      ) : (
        <>
          <p class="unseen" role="status">
            {said}
          </p>
          <p class="field-error" role="alert">
            {error !== undefined && errorText(error)}
          </p>
          <ul class="chat-people chat-members" ref={list}>
            {members.map((m, i) => {
              const marks = [
                m.userId === chat.me.userId && text().people.you,
                m.userId === room.owner && t.owner,
                here.has(m.userId) && t.here,
              ];
              return (
                <li key={m.userId} tabIndex={-1}>
                  <Avatar name={m.userName} />
                  <span class="list-text">
                    <span class="chat-person" dir="auto">
                      {m.userName}
                    </span>
                    <span class="hint">{marks.filter(Boolean).join(' · ')}</span>
                  </span>
                  {asked === m.userId ? (
                    <Sure
                      name={m.userName}
                      busy={busy}
                      onSure={() => void exclude(m, i)}
                      onCancel={() => {
                        ask(undefined);
                        requestAnimationFrame(() => focus(i));
                      }}
                    />
                  ) : (
                    mine &&
                    m.userId !== chat.me.userId && (
                      <IconButton icon="close" label={t.exclude(m.userName)} onClick={() => ask(m.userId)} />
                    )
                  )}
                </li>
              );
            })}
          </ul>
          {next !== null && (
            <Button busy={busy} onClick={() => void load(next)}>
              {t.more}
            </Button>
          )}
        </>
      )}
    </Dialog>
  );
}

interface SureProps {
  name: string;
  busy: boolean;
  onSure: () => void;
  onCancel: () => void;
}

function Sure({ name, busy, onSure, onCancel }: SureProps) {
  const t = text().members;
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => box.current!.querySelector('button')!.focus(), []);
  return (
    <div class="chat-sure" ref={box} role="group" aria-label={t.sure(name)}>
      <Button kind="danger" busy={busy} onClick={onSure}>
        {t.excludeSure}
      </Button>
      <Button onClick={onCancel}>{common().cancel}</Button>
    </div>
  );
}
