import { signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import type { Api } from '../api/api';
import type { User } from '../api/contract';
import type { AnyClient, ClientOf, Lease } from '../live/lease';
import type { Live } from '../live/live';
import type { Session } from '../session/session';
import type { Page } from './page';
import type { Router } from './router';

/** What pages are given to work with. */
export interface App {
  session: Session;
  api: Api;
  live: Live;
  router: Router<Page>;
}

export const AppContext = createContext<App | undefined>(undefined);

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error('There is no app around this component');
  return app;
}

/** Who is signed in, on a page for members. */
export function useUser(): User {
  const user = useApp().session.user.value;
  if (!user) throw new Error('Nobody is signed in');
  return user;
}

/** The namespace, connected while the component is there. It is undefined in the first drawing. */
export function useLive<C extends AnyClient>(Client: ClientOf<C>): Lease<C> | undefined {
  const { live } = useApp();
  const [lease, set] = useState<Lease<C>>();
  useEffect(() => {
    const opened = live.open(Client);
    set(opened);
    return () => opened.release();
  }, [live, Client]);
  return lease;
}

/** The title of the page that is shown. */
export const title = signal('');
