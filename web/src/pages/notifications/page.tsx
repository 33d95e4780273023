import { useEffect, useRef } from 'preact/hooks';
import type { Notification } from '../../api/contract';
import { Heading } from '../../shell/heading';
import { common } from '../../text/common';
import { errorText } from '../../text/errors';
import { formatDistance, formatMoment } from '../../text/format';
import { useMinutes } from '../../text/minutes';
import { Button, IconButton } from '../../ui/button';
import { Icon } from '../../ui/icon';
import { Empty, Failed, SkeletonList } from '../../ui/states';
import { toast } from '../../ui/toast';
import { inbox, name } from '.';
import { desktop, lookAtPermission, turnOff, turnOn } from './desktop';
import type { Inbox } from './inbox';
import { linkOf } from './link';
import './notifications.css';
import { text } from './text';
import { wordsOf } from './words';

export function NotificationsPage() {
  const its = inbox.value;
  const t = text();
  useEffect(() => its?.open(), [its]);
  useMinutes();
  const unread = its?.unread.value ?? 0;
  return (
    <>
      <Heading
        title={name().title}
        actions={
          its && unread > 0 && (its.items.value?.length ?? 0) > 0 ? (
            <Button icon="check" onClick={() => void readAll(its)}>
              {t.readAll}
            </Button>
          ) : undefined
        }
      />
      <div class="notifications">
        {its ? <List inbox={its} /> : <SkeletonList />}
        <DesktopCard />
      </div>
    </>
  );
}

function List({ inbox: its }: { inbox: Inbox }) {
  const t = text();
  const items = its.items.value;
  const loading = its.loading.value;
  const list = useRef<HTMLUListElement>(null);
  const failed = loading.kind === 'failed' ? loading : undefined;
  if (!items) {
    return failed ? (
      <Failed title={t.failed} error={failed.error} onAgain={() => its.again()} />
    ) : (
      <SkeletonList />
    );
  }
  if (items.length === 0 && !failed) {
    return (
      <Empty icon="bell" title={t.empty}>
        {t.emptyBody}
      </Empty>
    );
  }
  const note = failed && (
    <p class="notifications-failed" role="alert">
      <Icon name="alert" size={18} />
      <span>
        {failed.more ? t.failedMore : t.failedAgain} {errorText(failed.error)}
      </span>
      <Button onClick={() => its.again()}>{common().tryAgain}</Button>
    </p>
  );
  const more = async () => {
    const last = items.length;
    await its.loadMore();
    // The button may be gone now: the focus goes on to what it has brought.
    list.current?.querySelectorAll<HTMLElement>('.notification-title')[last]?.focus();
  };
  return (
    <>
      {failed && !failed.more && note}
      <ul class="list" aria-label={t.list} ref={list}>
        {items.map((n) => (
          <Row key={n.id} item={n} onRead={() => void read(its, n)} />
        ))}
      </ul>
      {failed?.more && note}
      {its.more.value && !failed && (
        <div class="notifications-more">
          <Button busy={loading.kind === 'more'} onClick={() => void more()}>
            {t.more}
          </Button>
        </div>
      )}
    </>
  );
}

function Row({ item, onRead }: { item: Notification; onRead: () => void }) {
  const t = text();
  const link = linkOf(item);
  const { title: said, body } = wordsOf(item);
  const at = Date.parse(item.createdAt);
  const unread = !item.readAt;
  const title = (
    <>
      {unread && <span class="unseen">{t.isNew} </span>}
      <span dir="auto">{said}</span>
    </>
  );
  return (
    <li class={`list-row notification ${unread ? 'new' : ''}`}>
      <div class="list-text">
        <h2 class="notification-title" tabIndex={-1}>
          {link ? (
            <a href={link} onClick={onRead}>
              {title}
            </a>
          ) : (
            title
          )}
        </h2>
        {body && <p dir="auto">{body}</p>}
        <time dateTime={item.createdAt} title={formatMoment(at)}>
          {formatDistance(at)}
        </time>
      </div>
      {unread && <IconButton icon="check" label={t.read(said)} onClick={onRead} />}
    </li>
  );
}

function DesktopCard() {
  const t = text().desktop;
  useEffect(() => {
    lookAtPermission();
    addEventListener('focus', lookAtPermission);
    return () => removeEventListener('focus', lookAtPermission);
  }, []);
  const state = desktop.value;
  return (
    <section class="card notifications-desktop" aria-labelledby="notifications-desktop">
      <div class="list-text">
        <h2 id="notifications-desktop">{t.title}</h2>
        <p class="hint" role="status">
          {t[state]}
        </p>
      </div>
      {(state === 'off' || state === 'asking') && (
        <Button busy={state === 'asking'} onClick={() => void turnOn()}>
          {t.turnOn}
        </Button>
      )}
      {state === 'on' && <Button onClick={turnOff}>{t.turnOff}</Button>}
    </section>
  );
}

async function read(its: Inbox, { id, readAt }: Notification) {
  if (readAt) return;
  try {
    await its.read(id);
  } catch (error) {
    toast(() => `${text().notRead} ${errorText(error)}`, { tone: 'bad' });
  }
}

async function readAll(its: Inbox) {
  try {
    await its.readAll();
    toast(() => text().allRead, { tone: 'good' });
  } catch (error) {
    toast(() => `${text().notRead} ${errorText(error)}`, { tone: 'bad' });
  }
}
