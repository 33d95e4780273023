// Which page the address names. Links are links: they can be copied, opened in a new tab, gone back from.

import { signal, type ReadonlySignal } from '@preact/signals';

export interface Route<P> {
  /** The page; undefined where there is none. */
  page: P | undefined;
  params: Readonly<Record<string, string>>;
  query: URLSearchParams;
  path: string;
  /** How the user came here: by opening the page, by a link, or by the browser's back and forward. */
  by: 'load' | 'link' | 'history';
}

/** What the router needs of the window. */
export interface Place {
  location: Pick<Location, 'pathname' | 'search' | 'hash' | 'origin' | 'href'>;
  history: Pick<History, 'pushState' | 'replaceState'>;
  addEventListener(type: 'popstate', listener: () => void): void;
}

interface Routed {
  paths: readonly string[];
}

/** The values of the placeholders, if the path fits the pattern. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.replace(/(.)\/$/, '$1').split('/');
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [i, part] of wanted.entries()) {
    const value = given[i]!;
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name === undefined) {
      if (part !== value) return undefined;
      continue;
    }
    if (value === '') return undefined;
    try {
      params[name] = decodeURIComponent(value);
    } catch {
      return undefined; // a broken escape
    }
  }
  return params;
}

export class Router<P extends Routed> {
  readonly #pages: readonly P[];
  readonly #place: Place;
  readonly #route;
  /** The path whose heading is yet to have the focus. */
  #arriving: string | undefined;

  /** `entries` are paths at which the site is opened that are no pages: they show the page at `home`. */
  constructor(pages: readonly P[], home: string, entries: readonly string[] = [], place: Place = window) {
    this.#pages = pages;
    this.#place = place;
    const { pathname, search, hash } = place.location;
    if (entries.includes(pathname)) place.history.replaceState(null, '', home + search + hash);
    this.#route = signal<Route<P>>(this.#read('load'));
    place.addEventListener('popstate', () => this.#arrive('history'));
  }

  get route(): ReadonlySignal<Route<P>> {
    return this.#route;
  }

  /** Goes to a path of the site, with its query and fragment. */
  go(to: string, { replace = false } = {}) {
    const { pathname, search, hash } = this.#place.location;
    if (replace || to === pathname + search + hash) this.#place.history.replaceState(null, '', to);
    else this.#place.history.pushState(null, '', to);
    this.#arrive('link');
  }

  /** The page at a path, for what comes from outside: an address to return to. */
  find(path: string): P | undefined {
    return this.#find(path)?.page;
  }

  /** True once for each arrival by a link or by going back: the heading takes the focus then. */
  claimFocus(): boolean {
    const arriving = this.#arriving !== undefined;
    this.#arriving = undefined;
    return arriving;
  }

  /** Takes over a click on a link to one of the pages, unless the user wants something else of it. */
  readonly follow = (event: MouseEvent) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.composedPath().find((node) => (node as Element).localName === 'a') as
      HTMLAnchorElement | undefined;
    if (!link?.href || link.target || link.hasAttribute('download')) return;
    const url = new URL(link.href);
    if (url.origin !== this.#place.location.origin || !this.find(url.pathname)) return;
    // A fragment of this page is the browser's to go to.
    const here = this.#place.location;
    if (url.hash && url.pathname === here.pathname && url.search === here.search) return;
    event.preventDefault();
    this.go(url.pathname + url.search + url.hash);
  };

  #arrive(by: 'link' | 'history') {
    const before = this.#route.peek();
    const route = this.#read(by);
    if (route.path !== before.path) this.#arriving = route.path;
    this.#route.value = route;
  }

  #read(by: Route<P>['by']): Route<P> {
    const { pathname, search } = this.#place.location;
    const found = this.#find(pathname);
    return {
      page: found?.page,
      params: found?.params ?? {},
      query: new URLSearchParams(search),
      path: pathname,
      by,
    };
  }

  #find(path: string): { page: P; params: Record<string, string> } | undefined {
    for (const page of this.#pages) {
      for (const pattern of page.paths) {
        const params = match(pattern, path);
        if (params) return { page, params };
      }
    }
    return undefined;
  }
}

/**
 * An address to return to that came with the query: a path of this site, or the one given. `//host` and
 * `/\host` are other sites.
 */
export function safeReturn(wanted: string | null, otherwise: string): string {
  return wanted !== null && /^\/(?![/\\])/.test(wanted) && !/[\t\n\r]/.test(wanted) ? wanted : otherwise;
}
