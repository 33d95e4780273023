import type { ComponentType } from 'preact';
import type { IconName } from '../ui/icon';
import type { App } from './app';

export interface PageProps {
  /** The values of the path's placeholders: `room` of /chat/{room}. */
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
}

/** A page as the shell knows it. What it shows is loaded when it is first needed. */
export interface Page {
  /** `/chat/{room}`. A page may have several; the first one is where the navigation leads. */
  paths: readonly [string, ...string[]];
  /** For whom it is: a page for guests leads those who are signed in to the first page. */
  for: 'members' | 'guests';
  load: () => Promise<ComponentType<PageProps>>;
  /** Its place in the navigation; left out for pages that others lead to. */
  entry?: {
    icon: IconName;
    label: () => string;
    /** A number beside the label: what is new there. 0 shows none. */
    badge?: () => number;
    /** The badge in words. */
    badgeText?: (n: number) => string;
  };
  /** Runs while somebody is signed in, whichever page is shown, until the function it returns is called. */
  serve?: (app: App) => () => void;
}
