// One namespace: a socket that shows the session's token, and comes back when it can.

import { signal, type ReadonlySignal } from '@preact/signals';
import type { Socket } from 'socket.io-client';
import { denialReason, isRefusal, retryAfter, type Refusal } from '../api/refusal';
import { online } from './network';
import type { LinkState } from './state';

/** Who connects. Session is one. */
export interface Holder {
  readonly token: string | undefined;
  fresh(): Promise<string>;
  renew(refused?: string): Promise<string>;
}

/** Events every namespace has. */
interface FromAny {
  exception: (error: unknown) => void;
  tokenExpiring: (notice: { expiresAt?: string }) => void;
}

interface ToAny {
  refreshToken: (body: { token: string }, answer: (answer: { expiresAt?: string } | Refusal) => void) => void;
}

export type AnySocket = Socket<FromAny, ToAny>;

/** What a link needs of the manager that all share: a socket that is not connected yet, and its tries. */
export interface Sockets {
  socket(namespace: string, options: { auth: (give: (auth: object) => void) => void }): AnySocket;
  on(event: 'reconnect_attempt', listener: (attempt: number) => void): unknown;
}

/** How long the server may take to answer, in milliseconds. */
export const answerTimeout = 10_000;
/** Tries after a refusal that may pass: the first wait and the longest, in milliseconds. */
const firstWait = 1_000;
const lastWait = 30_000;
/** So many tokens in a row may be refused before the user is asked. */
const maxDenials = 3;
/** A connection that lasted this long, in milliseconds, was a good one: refusals are counted anew. */
const steady = 30_000;

/** Codes of refusals that may be over in a moment. */
const passing = new Set(['unavailable', 'overloaded', 'rate_limited']);

export class Link {
  readonly namespace: string;
  readonly socket: AnySocket;
  readonly #state = signal<LinkState>({ kind: 'closed' });
  readonly #holder: Holder;
  /** The token that the socket has shown. */
  #shown: string | undefined;
  #denied: Refusal | undefined;
  #refusals = 0;
  #onlineSince = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Counts openings and closings: what was begun before no longer counts. */
  #round = 0;

  constructor(sockets: Sockets, namespace: string, holder: Holder) {
    this.namespace = namespace;
    this.#holder = holder;
    this.socket = sockets.socket(namespace, { auth: (give) => void this.#identify(give) });
    this.socket.on('connect', () => {
      this.#onlineSince = Date.now();
      this.#denied = undefined;
      this.#state.value = { kind: 'online' };
    });
    this.socket.on('disconnect', (reason) => this.#lost(reason));
    this.socket.on('connect_error', (error) => {
      if (this.socket.active)
        this.#down(); // the server was not reached
      else this.#refused(refusalOf(error));
    });
    this.socket.on('exception', (error) => {
      // The server says why before it ends the socket.
      if (isRefusal(error) && error.code === 'unauthorized') this.#denied = error;
    });
    this.socket.on('tokenExpiring', () => void this.#show());
    sockets.on('reconnect_attempt', (attempt) => {
      if (this.socket.active && !this.socket.connected) this.#down(attempt);
    });
    online.subscribe(() => {
      const kind = this.#state.peek().kind;
      if (kind === 'reconnecting' || kind === 'offline') this.#down();
    });
  }

  get state(): ReadonlySignal<LinkState> {
    return this.#state;
  }

  open() {
    if (this.#state.peek().kind !== 'closed') return;
    this.#refusals = 0;
    this.#connect();
  }

  /** Tries again after a refusal, or at once instead of later. */
  tryAgain() {
    if (this.#state.peek().kind === 'closed' || this.socket.connected) return;
    this.#refusals = 0;
    this.#connect();
  }

  close() {
    this.#stop();
    this.#state.value = { kind: 'closed' };
  }

  /** Nobody is signed in any more. */
  expire() {
    if (this.#state.peek().kind === 'closed') return;
    this.#stop();
    this.#state.value = { kind: 'expired' };
  }

  /** Connects anew, as whoever is signed in now. */
  restart() {
    if (this.#state.peek().kind === 'closed') return;
    this.#stop();
    this.#refusals = 0;
    this.#connect();
  }

  #stop() {
    this.#round++;
    clearTimeout(this.#timer);
    this.#denied = undefined;
    this.socket.disconnect();
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#denied = undefined;
    this.#state.value = online.peek() ? { kind: 'connecting' } : { kind: 'offline' };
    this.socket.connect();
  }

  async #identify(give: (auth: object) => void) {
    try {
      this.#shown = await this.#holder.fresh();
    } catch {
      this.#shown = this.#holder.token; // the server says what is wrong with it
    }
    give({ token: this.#shown });
  }

  /** Shows a newer token before the server ends the socket. Where that fails it does, and says so. */
  async #show() {
    const round = this.#round;
    try {
      const token = await this.#holder.renew(this.#shown);
      if (round !== this.#round || !this.socket.connected) return;
      const answer = await this.socket.timeout(answerTimeout).emitWithAck('refreshToken', { token });
      if (round !== this.#round) return;
      if (!isRefusal(answer)) this.#shown = token;
      else if (denialReason(answer.details) === 'principal') this.restart();
    } catch {
      // Not in time. The next connection shows the newer token.
    }
  }

  #lost(reason: Socket.DisconnectReason) {
    if (reason === 'io client disconnect') return;
    if (this.socket.active) this.#down();
    else {
      this.#refused(
        this.#denied ?? { status: 'error', code: 'disconnected', message: 'The server ended the connection' },
      );
    }
  }

  #down(attempt = 0) {
    this.#state.value = online.peek() ? { kind: 'reconnecting', attempt } : { kind: 'offline' };
  }

  #refused(refusal: Refusal) {
    this.#denied = undefined;
    if (this.#onlineSince > 0 && Date.now() - this.#onlineSince >= steady) this.#refusals = 0;
    this.#onlineSince = 0;
    this.#refusals++;
    if (refusal.code === 'unauthorized') void this.#renewed(refusal);
    else if (passing.has(refusal.code)) this.#later(retryAfter(refusal.details));
    else this.#giveUp(refusal);
  }

  /** The token was refused: gets another one, and tries with that. */
  async #renewed(refusal: Refusal) {
    if (this.#refusals > maxDenials) return this.#giveUp(refusal);
    const round = this.#round;
    this.#down();
    try {
      await this.#holder.renew(this.#shown);
    } catch {
      // Signed out, which ends this round; or the server could not be asked, which passes.
      if (round === this.#round) {
        this.#refusals--;
        this.#later();
      }
      return;
    }
    if (round !== this.#round) return;
    if (this.#refusals === 1) this.#connect();
    else this.#later();
  }

  #later(wait = 0) {
    this.#down();
    const backoff = Math.min(firstWait * 2 ** Math.max(0, this.#refusals - 1), lastWait);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), Math.max(wait, backoff));
  }

  #giveUp({ code, message }: Refusal) {
    this.#state.value = { kind: 'refused', code, message };
  }
}

/** The data of a CONNECT_ERROR is the server's error. */
function refusalOf(error: Error & { data?: unknown }): Refusal {
  return isRefusal(error.data) ? error.data : { status: 'error', code: 'refused', message: error.message };
}
