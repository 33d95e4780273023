import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Avatar } from '../ui/avatar';
import { Icon } from '../ui/icon';
import { useApp, useUser } from './app';
import type { Page } from './page';
import { Status } from './status';
import { text } from './text';

/** What is around each page for members: at the side on a desktop, at the bottom on a phone. */
export function Frame({ pages, children }: { pages: readonly Page[]; children: ComponentChildren }) {
  const t = text();
  const user = useUser();
  const { page: current, path, by } = useApp().router.route.value;
  const content = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    if (by === 'link') content.current!.scrollTop = 0;
  }, [path]);
  const entries = pages.filter((page) => page.entry);
  const account = entries.find((page) => page.entry?.icon === 'user');
  return (
    <div class="frame">
      <SkipLink />
      <header class="side">
        <a class="brand" href="/chat">
          <img src="/icon.svg" alt="" width="36" height="36" />
          <span>Kachi</span>
        </a>
        <nav class="pages" aria-label={t.navigation}>
          <ul>
            {entries.map((page) => (
              <Entry key={page.paths[0]} page={page} />
            ))}
            <li class="wide-only">
              <a href="/docs">
                <Icon name="book" />
                <span class="entry-label">{t.apiDocs}</span>
                <Icon name="external" size={16} />
              </a>
            </li>
          </ul>
        </nav>
        {account && (
          <a class="who" href={account.paths[0]} aria-current={current === account ? 'page' : undefined}>
            <Avatar name={user.name} />
            <span class="who-name">{user.name}</span>
          </a>
        )}
      </header>
      <div class="body">
        <Status />
        <main id="content" ref={content} tabIndex={-1}>
          {children}
        </main>
      </div>
    </div>
  );
}

function Entry({ page }: { page: Page }) {
  const { router } = useApp();
  const { icon, label, badge, badgeText } = page.entry!;
  const current = router.route.value.page === page;
  const count = badge?.() ?? 0;
  return (
    <li class={icon === 'user' ? 'narrow-only' : ''}>
      <a href={page.paths[0]} aria-current={current ? 'page' : undefined}>
        <span class="entry-icon">
          <Icon name={icon} />
          {count > 0 && (
            <span class="badge" aria-hidden="true">
              {count > 99 ? '99+' : count}
            </span>
          )}
        </span>
        <span class="entry-label">{label()}</span>
        {count > 0 && <span class="unseen">{badgeText?.(count) ?? count}</span>}
      </a>
    </li>
  );
}

export function SkipLink() {
  return (
    <a
      class="skip"
      href="#content"
      onClick={(event) => {
        event.preventDefault(); // the address stays as it is
        document.getElementById('content')?.focus();
      }}
    >
      {text().skip}
    </a>
  );
}
