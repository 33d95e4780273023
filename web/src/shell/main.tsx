import { render } from 'preact';
import { Manager } from 'socket.io-client';
import { Api } from '../api/api';
import { sender } from '../api/request';
import { forget, keep, kept } from '../kept';
import type { Sockets } from '../live/link';
import { Live } from '../live/live';
import { online, watchNetwork } from '../live/network';
import { pages } from '../pages';
import { Session } from '../session/session';
import { channelTurn, lockTurn } from '../session/turn';
import { randomId } from '../random';
import { Root, home } from './root';
import { Router } from './router';
import './styles';

watchNetwork();

const tabs = new BroadcastChannel('kachi.session');
const send = sender((input, init) => fetch(input, init));
const session = new Session({
  send,
  tabs,
  // Browsers have locks on https and localhost only.
  turn: navigator.locks
    ? lockTurn(navigator.locks, 'kachi.session')
    : channelTurn(new BroadcastChannel('kachi.turns'), randomId()),
  leaving: {
    get: () => kept('leaving') !== null,
    set: (on) => (on ? keep('leaving', '1') : forget('leaving')),
  },
});

// The server says where its sockets are when they are not at the address of the pages.
const address = document.querySelector<HTMLMetaElement>('meta[name="kachi-sockets"]')?.content;
const manager = new Manager(address || location.origin, { autoConnect: false });

const app = {
  session,
  api: new Api(send, session),
  live: new Live(manager as unknown as Sockets, session, session.user),
  router: new Router(pages, home, ['/', '/index.html']),
};

addEventListener('click', app.router.follow);
online.subscribe((is) => {
  if (is && session.state.peek().kind === 'unreachable') void session.start();
});
void session.start();
render(<Root app={app} pages={pages} />, document.getElementById('root')!);
