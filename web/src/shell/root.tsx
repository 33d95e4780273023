import { useSignalEffect } from '@preact/signals';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { common } from '../text/common';
import { language } from '../text/language';
import { Button } from '../ui/button';
import { Empty } from '../ui/states';
import { Toasts } from '../ui/toast';
import { AppContext, title, type App } from './app';
import { Frame } from './frame';
import { GuestFrame } from './guest';
import type { Page } from './page';
import { safeReturn } from './router';
import { text } from './text';
import { theme } from './theme';
import { NotFound, PageView } from './view';

/** Where those go who are not signed in, and where those who are. */
export const door = '/sign-in';
export const home = '/chat';

/** The whole. What is shown follows from who is signed in and from the address. */
export function Root({ app, pages }: { app: App; pages: readonly Page[] }) {
  useDocument(pages);
  useServices(app, pages);
  return (
    <AppContext.Provider value={app}>
      <Content app={app} pages={pages} />
      <Toasts />
    </AppContext.Provider>
  );
}

function Content({ app, pages }: { app: App; pages: readonly Page[] }) {
  const state = app.session.state.value;
  const { page, params, query, path } = app.router.route.value;
  const away = redirection(app, state.kind, page, path, query);
  useLayoutEffect(() => {
    if (away !== undefined) app.router.go(away, { replace: true });
  }, [away]);

  if (state.kind === 'starting') return <Opening />;
  if (state.kind === 'unreachable') return <Unreachable onAgain={() => void app.session.start()} />;
  if (away !== undefined) return null;
  const view = page ? <PageView page={page} params={params} query={query} /> : <NotFound />;
  return state.kind === 'signedIn' ? <Frame pages={pages}>{view}</Frame> : <GuestFrame>{view}</GuestFrame>;
}

/** Where to go instead of the page that the address names. */
export function redirection(
  app: App,
  kind: App['session']['state']['value']['kind'],
  page: Page | undefined,
  path: string,
  query: URLSearchParams,
): string | undefined {
  if (kind === 'signedOut' && page?.for === 'members') {
    const search = query.toString();
    const next = search ? `${path}?${search}` : path;
    return next === home ? door : `${door}?${new URLSearchParams({ next })}`;
  }
  if (kind === 'signedIn' && page?.for === 'guests') {
    const next = safeReturn(query.get('next'), home);
    const target = app.router.find(next.split(/[?#]/, 1)[0]!);
    return target?.for === 'members' ? next : home;
  }
  return undefined;
}

/** Before it is known who is here. It appears only when that takes a moment. */
function Opening() {
  return (
    <div class="opening" role="status">
      <img src="/icon.svg" alt="" width="72" height="72" />
      <p>{text().starting}</p>
    </div>
  );
}

function Unreachable({ onAgain }: { onAgain: () => void }) {
  const t = text().unreachable;
  return (
    <main class="opening-failed">
      <Empty
        icon="alert"
        title={t.title}
        action={
          <Button kind="primary" onClick={onAgain}>
            {common().tryAgain}
          </Button>
        }
      >
        {t.body}
      </Empty>
    </main>
  );
}

/** What belongs to the document as a whole: its language, its theme, its title. */
function useDocument(pages: readonly Page[]) {
  useSignalEffect(() => {
    document.documentElement.lang = language.value;
  });
  useSignalEffect(() => {
    if (theme.value === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
    for (const meta of document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')) {
      const its = (meta.dataset.theme ??= meta.media.includes('dark') ? 'dark' : 'light');
      meta.media =
        theme.value === 'system' ? `(prefers-color-scheme: ${its})` : theme.value === its ? 'all' : 'not all';
    }
  });
  useSignalEffect(() => {
    const news = pages.reduce((sum, page) => sum + (page.entry?.badge?.() ?? 0), 0);
    document.title = `${news > 0 ? `(${news}) ` : ''}${title.value ? `${title.value} · ` : ''}Kachi`;
  });
}

/** Runs what pages do also while they are not shown. */
function useServices(app: App, pages: readonly Page[]) {
  const user = app.session.user.value?.id;
  useEffect(() => {
    if (user === undefined) return;
    const stops = pages.map((page) => page.serve?.(app));
    return () => stops.forEach((stop) => stop?.());
  }, [user]);
}
