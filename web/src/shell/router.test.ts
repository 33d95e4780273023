import { beforeEach, describe, expect, it } from 'vitest';
import { match, Router, safeReturn, type Place } from './router';

const rooms = { paths: ['/chat', '/chat/{room}'] };
const map = { paths: ['/map'] };

/** A window's address and history. */
class FakePlace {
  location = at('/');
  readonly log: string[] = [];
  #pop = () => {};

  history = {
    pushState: (_: unknown, _title: string, to: string) => this.#note('push', to),
    replaceState: (_: unknown, _title: string, to: string) => this.#note('replace', to),
  } as Place['history'];

  addEventListener(_: 'popstate', listener: () => void) {
    this.#pop = listener;
  }

  back(to: string) {
    this.location = at(to);
    this.#pop();
  }

  #note(how: string, to: string) {
    this.log.push(`${how} ${to}`);
    this.location = at(to);
  }
}

function at(path: string) {
  return new URL(path, 'https://nest.example');
}

let place: FakePlace;

function open(path: string) {
  place.location = at(path);
  return new Router([rooms, map], '/chat', ['/', '/index.html'], place);
}

beforeEach(() => {
  place = new FakePlace();
});

describe('a path', () => {
  it.each([
    ['/chat', '/chat', {}],
    ['/chat', '/chat/', {}],
    ['/chat/{room}', '/chat/a%2Fb', { room: 'a/b' }],
    ['/chat/{room}', '/chat/%EA%B9%8C%EC%B9%98', { room: '까치' }],
    ['/chat/{room}', '/chat/', undefined],
    ['/chat/{room}', '/chat/%zz', undefined],
    ['/chat/{room}', '/chat/1/2', undefined],
    ['/chat', '/Chat', undefined],
    ['/', '/', {}],
  ])('%s and %s', (pattern, path, params) => {
    expect(match(pattern, path)).toEqual(params);
  });
});

describe('the address', () => {
  it('names the page when the site is opened', () => {
    const { route } = open('/chat/7?from=mail');
    expect(route.value).toMatchObject({ page: rooms, params: { room: '7' }, path: '/chat/7', by: 'load' });
    expect(route.value.query.get('from')).toBe('mail');
    expect(open('/nowhere').route.value.page).toBeUndefined();
  });

  it('of the site is that of its first page', () => {
    const { route } = open('/index.html?x=1#y');
    expect(place.log).toEqual(['replace /chat?x=1#y']);
    expect(route.value.page).toBe(rooms);
  });

  it('changes with the page, and the page with it', () => {
    const router = open('/chat');
    router.go('/map');
    router.go('/map'); // where one is already: no second entry
    router.go('/chat/7', { replace: true });
    expect(place.log).toEqual(['push /map', 'replace /map', 'replace /chat/7']);
    place.back('/chat');
    expect(router.route.value).toMatchObject({ path: '/chat', by: 'history' });
  });
});

describe('the focus', () => {
  it('is claimed once for each arrival, and not when the site is opened', () => {
    const router = open('/chat');
    expect(router.claimFocus()).toBe(false);
    router.go('/map');
    expect([router.claimFocus(), router.claimFocus()]).toEqual([true, false]);
    router.go('/map?zoom=3'); // the same page
    expect(router.claimFocus()).toBe(false);
    place.back('/chat');
    expect(router.claimFocus()).toBe(true);
  });
});

describe('a click on a link', () => {
  function click(href: string, more: object = {}, link: object = {}) {
    const event = {
      button: 0,
      defaultPrevented: false,
      composedPath: () => [
        { localName: 'span' },
        { localName: 'a', href: at(href).href, target: '', hasAttribute: () => false, ...link },
      ],
      preventDefault: () => (event.defaultPrevented = true),
      ...more,
    };
    return event as unknown as MouseEvent;
  }

  it('to a page is followed without leaving the site', () => {
    const router = open('/chat');
    const event = click('/chat/7?x=1#end');
    router.follow(event);
    expect(event.defaultPrevented).toBe(true);
    expect(place.log).toEqual(['push /chat/7?x=1#end']);
  });

  it.each([
    ['with a key held', '/map', { ctrlKey: true }, {}],
    ['with another button', '/map', { button: 1 }, {}],
    ['to a new tab', '/map', {}, { target: '_blank' }],
    ['to what is not a page', '/docs', {}, {}],
    ['to another site', 'https://other.example/map', {}, {}],
    ['to a place on the page', '/chat#end', {}, {}],
    ['to a file', '/map', {}, { hasAttribute: (name: string) => name === 'download' }],
  ])('%s is the browser’s', (_, href, more, link) => {
    const router = open('/chat');
    const event = click(href, more, link);
    router.follow(event);
    expect(event.defaultPrevented).toBe(false);
    expect(place.log).toEqual([]);
  });
});

describe('an address to return to', () => {
  it.each([
    ['/map?zoom=3', '/map?zoom=3'],
    [null, '/chat'],
    ['', '/chat'],
    ['//evil.example', '/chat'],
    ['/\\evil.example', '/chat'],
    ['/\t/evil.example', '/chat'],
    ['https://evil.example', '/chat'],
    ['javascript:alert(1)', '/chat'],
  ])('%j leads to %s', (wanted, to) => {
    expect(safeReturn(wanted, '/chat')).toBe(to);
  });
});
