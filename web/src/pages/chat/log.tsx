import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { common } from '../../text/common';
import { errorText } from '../../text/errors';
import { formatDay } from '../../text/format';
import { Button, Spinner } from '../../ui/button';
import { Icon } from '../../ui/icon';
import { Empty, Failed, SkeletonList } from '../../ui/states';
import type { Conversation, View } from './conversation';
import { MessageItem, type MessageActions } from './message';
import type { Person } from './protocol';
import { rows, type Delivery, type MessageRow, type Row } from './rows';
import { Scroll } from './scroll';
import { text } from './text';
import { newest, type Message } from './timeline';

interface Props {
  conversation: Conversation;
  view: View;
  room: string;
  me: Person;
  /** The room is the user's, who may delete what others say. */
  owner: boolean;
  actions: MessageActions;
  /** The user has looked at everything up to a message. */
  onSeen: (m: Message) => void;
}

/** How close to the top, in pixels, older messages are asked for. */
const nearTop = 400;

/** The conversation. It follows its end, unless the reader has gone up. */
export function Log({ conversation, view, room, me, owner, actions, onSeen }: Props) {
  const t = text().log;
  const { timeline, loading, failed, outgoing } = view;
  const all = useMemo(
    () => rows(timeline.messages, outgoing, me.userId, view.unreadAfter),
    [timeline.messages, outgoing, me.userId, view.unreadAfter],
  );
  const box = useRef<HTMLDivElement>(null);
  const { scroll, atEnd, visible } = useScroll(box, conversation, view, all, onSeen);
  const [passed, pass] = useState(0);
  useEffect(() => {
    if (atEnd) pass(newest(timeline));
  }, [atEnd, timeline]);
  const behind = timeline.messages.filter((m) => m.seq > passed && m.sender.userId !== me.userId).length;
  const deliveries = useDeliveries(all, view);
  const current = useRoving(box, all, owner);

  const onScroll = () => {
    scroll.moved();
    visible();
    if (box.current!.scrollTop < nearTop && failed?.what !== 'older') void conversation.loadOlder();
  };
  const toNewest = () => {
    if (timeline.newer) void conversation.loadNewest();
    scroll.toEnd();
    box.current!.focus({ preventScroll: true });
  };

  const first = timeline.messages.length === 0 && outgoing.length === 0;
  return (
    <div class="chat-log">
      <div
        class="chat-scroll"
        ref={box}
        onScroll={onScroll}
        role="region"
        aria-label={t.label(room)}
        aria-busy={loading !== undefined}
        tabIndex={0}
      >
        {first && failed ? (
          <Failed
            title={text().room.failed}
            error={failed.error}
            onAgain={() => void conversation.loadNewest()}
          />
        ) : first && (loading !== undefined || view.access.kind !== 'inside') ? (
          <SkeletonList avatars rows={6} />
        ) : first ? (
          <Empty icon="chat" title={t.empty}>
            {t.emptyBody}
          </Empty>
        ) : (
          <>
            <Top view={view} onAgain={() => void conversation.loadOlder()} />
            <ol class="chat-lines">
              {all.map((row) => (
                <Line
                  key={row.key}
                  row={row}
                  me={me}
                  view={view}
                  delivery={deliveries.of(row)}
                  seenBy={deliveries.seenBy(row)}
                  owner={owner}
                  current={row.key === current}
                  actions={actions}
                />
              ))}
            </ol>
          </>
        )}
      </div>
      {(behind > 0 || timeline.newer || !atEnd) && !first && (
        <button class={`chat-newest ${behind > 0 ? 'news' : ''}`} type="button" onClick={toNewest}>
          <span class={behind > 0 ? '' : 'unseen'}>{behind > 0 ? t.behind(behind) : t.newest}</span>
          <Icon name="down" size={20} />
        </button>
      )}
      <Spoken conversation={conversation} timeline={timeline} me={me} />
    </div>
  );
}

interface LineProps {
  row: Row;
  me: Person;
  view: View;
  delivery: Delivery | undefined;
  seenBy: number;
  owner: boolean;
  current: boolean;
  actions: MessageActions;
}

function Line({ row, me, delivery, seenBy, owner, current, actions }: LineProps) {
  if (row.kind === 'message') {
    const sender = row.message?.sender.userName ?? me.userName;
    return (
      <MessageItem
        row={row}
        sender={sender}
        delivery={delivery}
        seenBy={seenBy}
        open={row.own || owner}
        current={current}
        actions={actions}
      />
    );
  }
  if (row.kind === 'day') {
    return (
      <li class="chat-day" data-key={row.key}>
        <span>{dayName(row.at)}</span>
      </li>
    );
  }
  return (
    <li class="chat-new" data-key={row.key}>
      <span>{text().log.new}</span>
    </li>
  );
}

function dayName(at: number): string {
  const day = new Date(at).toDateString();
  const now = Date.now();
  if (day === new Date(now).toDateString()) return text().log.today;
  if (day === new Date(now - 86_400_000).toDateString()) return text().log.yesterday;
  return formatDay(at);
}

/** What is above the oldest message that is shown. */
function Top({ view, onAgain }: { view: View; onAgain: () => void }) {
  const t = text().log;
  if (view.failed?.what === 'older') {
    return (
      <div class="chat-top" role="alert">
        <p>
          {t.olderFailed} {errorText(view.failed.error)}
        </p>
        <Button onClick={onAgain}>{common().tryAgain}</Button>
      </div>
    );
  }
  if (view.loading === 'older') {
    return (
      <p class="chat-top" role="status">
        <Spinner />
        <span>{t.older}</span>
      </p>
    );
  }
  return <p class="chat-top">{!view.timeline.older && t.start}</p>;
}

/** Where the reader is, and what they have seen. */
function useScroll(
  box: { current: HTMLDivElement | null },
  conversation: Conversation,
  view: View,
  all: readonly Row[],
  see: (m: Message) => void,
) {
  const [atEnd, setAtEnd] = useState(true);
  const scroll = useMemo(() => new Scroll(() => box.current, setAtEnd), [conversation]);
  const latest = useRef<readonly Message[]>([]);
  latest.current = view.timeline.messages;
  const onSeen = useRef(see);
  onSeen.current = see;
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);

  /** Tells how far the user has seen the conversation, when they have looked for a moment. */
  const visible = () => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      if (document.visibilityState !== 'visible' || !document.hasFocus()) return;
      const key = scroll.lastVisible();
      const seen = latest.current.find((m) => m.key === key);
      if (seen) onSeen.current(seen);
    }, 300);
  };

  const own = view.outgoing.at(-1)?.key;
  useLayoutEffect(() => {
    if (own !== undefined) scroll.toEnd(); // what one has just written is to be seen
  }, [own]);
  useLayoutEffect(() => {
    scroll.drawn(all.length > 0);
    visible();
  }, [all]);
  useEffect(() => {
    // The keyboard of a phone, or a longer message, takes height away.
    const observer = new ResizeObserver(() => scroll.resized());
    observer.observe(box.current!);
    document.addEventListener('visibilitychange', visible);
    addEventListener('focus', visible);
    return () => {
      observer.disconnect();
      clearTimeout(timer.current);
      timer.current = undefined;
      document.removeEventListener('visibilitychange', visible);
      removeEventListener('focus', visible);
    };
  }, [scroll]);
  return { scroll, atEnd, visible };
}

/** What became of one's own messages: told of each that is not sent yet, and of the last one that is. */
function useDeliveries(all: readonly Row[], view: View) {
  const last = all.findLast((row): row is MessageRow => row.kind === 'message' && row.own && !!row.message);
  const count = (row: MessageRow) =>
    row.message ? [...view.seen.values()].filter((seq) => seq >= row.message!.seq).length : 0;
  return {
    of(row: Row): Delivery | undefined {
      if (row.kind !== 'message' || !row.own) return undefined;
      if (row.outgoing) return row.outgoing.delivery;
      return row === last ? (count(row) > 0 ? 'seen' : 'sent') : undefined;
    },
    seenBy: (row: Row) => (row === last ? count(row as MessageRow) : 0),
  };
}

/** One of the buttons of messages is reached by Tab, the others from there by the arrow keys. */
function useRoving(
  box: { current: HTMLDivElement | null },
  all: readonly Row[],
  owner: boolean,
): string | undefined {
  const own = all
    .filter((r) => r.kind === 'message' && (r.own || owner) && r.message && !r.message.deleted)
    .map((r) => r.key);
  const [chosen, choose] = useState<string>();
  const current = chosen !== undefined && own.includes(chosen) ? chosen : own.at(-1);
  const keys = useRef(own);
  keys.current = own;
  useEffect(() => {
    const b = box.current!;
    const onKeyDown = (event: KeyboardEvent) => {
      const step = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0;
      const button = (event.target as Element).closest('.chat-more');
      if (step === 0 || !button) return;
      const at = keys.current.indexOf(button.closest<HTMLElement>('[data-key]')!.dataset.key!);
      const next = keys.current[at + step];
      if (next === undefined) return;
      event.preventDefault();
      choose(next);
      b.querySelector<HTMLElement>(`[data-key="${CSS.escape(next)}"] .chat-more`)?.focus();
    };
    b.addEventListener('keydown', onKeyDown);
    return () => b.removeEventListener('keydown', onKeyDown);
  }, []);
  return current;
}

/** This many messages are there to be read out. */
const maxSpoken = 5;

/**
 * What others say while the user is here, for screen readers: they read out each as it comes, and neither
 * what was said before nor what is loaded when the user goes up.
 */
function Spoken({
  conversation,
  timeline,
  me,
}: {
  conversation: Conversation;
  timeline: View['timeline'];
  me: Person;
}) {
  const t = text();
  const from = useRef<{ of: Conversation; seq: number } | undefined>(undefined);
  if (from.current?.of !== conversation) from.current = undefined;
  if (!from.current && timeline.messages.length > 0)
    from.current = { of: conversation, seq: newest(timeline) };
  const heard = timeline.messages
    .filter((m) => from.current && m.seq > from.current.seq && m.sender.userId !== me.userId && !m.deleted)
    .slice(-maxSpoken);
  return (
    <div class="unseen" role="log" aria-label={t.log.live}>
      {heard.map((m) => (
        <p key={m.id}>{`${m.sender.userName}: ${m.text}`}</p>
      ))}
    </div>
  );
}
