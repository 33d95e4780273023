import { render } from 'preact';
import type { io as connectTo } from 'socket.io-client';
import type { ChatSocket } from './chat/protocol';
import { randomId, Session } from './chat/session';
import { pickLanguage, texts, type Language } from './view/text';
import { keep, kept } from './kept';
import { App } from './view/app';
import './style.css';

declare global {
  interface Window {
    /** Set by the client script that the server hands out; missing when it could not be loaded. */
    io?: typeof connectTo;
  }
}

const root = document.getElementById('root')!;
let language: Language = pickLanguage([kept('language') ?? '', ...navigator.languages]);

function start(io: typeof connectTo) {
  // The key tells the server that a new connection is this page again, not a second user of that name.
  const key = kept('key', sessionStorage) ?? randomId();
  keep('key', key, sessionStorage);
  const socket: ChatSocket = io('/chat', { autoConnect: false, auth: { key } });

  let scheduled = false;
  const session: Session = new Session(socket, () => {
    // A burst of messages is drawn once.
    if (scheduled) return;
    scheduled = true;
    setTimeout(() => {
      scheduled = false;
      draw();
    });
  });
  const draw = () => {
    document.documentElement.lang = language;
    render(<App session={session} state={session.state} language={language} onLanguage={speak} />, root);
  };
  const speak = (next: Language) => {
    language = next;
    keep('language', next);
    draw();
  };
  addEventListener('online', draw);
  addEventListener('offline', draw);
  draw();
}

if (window.io) start(window.io);
else root.textContent = texts[language].noClient;
