// Who is signed in. The access token is kept in memory; the refresh token is a cookie that no script sees.

import { computed, signal } from '@preact/signals';
import { ApiError } from '../api/error';
import type { Credentials, SignedIn, User } from '../api/contract';
import type { Reply, Send } from '../api/request';
import type { Turn } from './turn';

export type SessionState =
  /** The server is being asked whether the cookie is somebody's. */
  | { kind: 'starting' }
  /** It could not be asked; it is tried again, and by `start`. */
  | { kind: 'unreachable'; error: ApiError }
  | { kind: 'signedIn'; user: User }
  | { kind: 'signedOut'; why: 'new' | 'left' | 'expired' };

/** What tabs tell each other. */
export interface Tabs {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}

/** Remembers one thing beyond the page's end. */
export interface Mark {
  get(): boolean;
  set(on: boolean): void;
}

export interface SessionOptions {
  send: Send;
  turn: Turn;
  tabs?: Tabs;
  /** Set while a sign-out has not reached the server. */
  leaving?: Mark;
  now?: () => number;
}

interface Access {
  token: string;
  /** By this machine's clock, in milliseconds. */
  expires: number;
}

type Told = { kind: 'renewed'; user: User; access: Access } | { kind: 'left' };

/** A token with less than this left, in milliseconds, is renewed before it is used. */
const margin = 15_000;
/** Between tries to find out who is signed in, in milliseconds: doubled from the first to the last. */
const firstRetry = 1_000;
const lastRetry = 30_000;

export class Session {
  readonly state = signal<SessionState>({ kind: 'starting' });
  readonly user = computed(() => (this.state.value.kind === 'signedIn' ? this.state.value.user : undefined));
  readonly #send: Send;
  readonly #turn: Turn;
  readonly #tabs: Tabs | undefined;
  readonly #leaving: Mark;
  readonly #now: () => number;
  #access: Access | undefined;
  #renewing: Promise<string> | undefined;
  /** Counts sign-ins and sign-outs: what was begun before one of them no longer counts. */
  #epoch = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #tries = 0;

  constructor(o: SessionOptions) {
    this.#send = o.send;
    this.#turn = o.turn;
    this.#tabs = o.tabs;
    this.#leaving = o.leaving ?? { get: () => false, set: () => {} };
    this.#now = o.now ?? Date.now;
    this.#tabs?.addEventListener('message', ({ data }) => this.#told(data as Partial<Told> | null));
  }

  /** Finds out whether somebody is signed in. To be called once, and again by who does not want to wait. */
  async start(): Promise<void> {
    clearTimeout(this.#retry);
    if (this.#leaving.get()) {
      this.#end('left');
      await this.#leave();
      return;
    }
    if (this.#access) return;
    if (this.state.peek().kind !== 'unreachable') this.state.value = { kind: 'starting' };
    const epoch = this.#epoch;
    try {
      await this.renew();
      this.#tries = 0;
    } catch (error) {
      if (epoch !== this.#epoch || this.state.peek().kind === 'signedOut') return;
      this.state.value = { kind: 'unreachable', error: error as ApiError };
      const wait = Math.max(
        Math.min(firstRetry * 2 ** this.#tries++, lastRetry),
        (error as ApiError).retryAfter ?? 0,
      );
      this.#retry = setTimeout(() => void this.start(), wait);
    }
  }

  signIn(credentials: Credentials): Promise<void> {
    return this.#enter('POST /api/auth/login', credentials);
  }

  register(credentials: Credentials): Promise<void> {
    return this.#enter('POST /api/auth/register', credentials);
  }

  /**
   * Signs out here and in all tabs at once. Resolves to false where the server could not be told: it is
   * told when the page is opened next, before anything else.
   */
  async signOut(): Promise<boolean> {
    this.#leaving.set(true);
    this.#end('left');
    this.#tell({ kind: 'left' });
    return this.#leave();
  }

  /** The token as it is; undefined while nobody is signed in. */
  get token(): string | undefined {
    return this.#access?.token;
  }

  /** A token that should do: renewed before, if it is about to expire. Fails with an ApiError. */
  async fresh(): Promise<string> {
    if (this.state.peek().kind === 'signedOut') throw ApiError.local('signed_out');
    if (this.#access && this.#access.expires - this.#now() > margin) return this.#access.token;
    return this.renew();
  }

  /**
   * A token other than `refused`. Whoever asks at the same time, in whichever tab, gets the same one.
   * Fails with an ApiError; when the server refuses, nobody is signed in any more.
   */
  async renew(refused: string | undefined = this.#access?.token): Promise<string> {
    if (this.#access && this.#access.token !== refused) return this.#access.token;
    this.#renewing ??= this.#turn(() => this.#refresh(refused)).finally(() => (this.#renewing = undefined));
    return this.#renewing;
  }

  async #refresh(refused: string | undefined): Promise<string> {
    // Another tab may have done it while this one waited for its turn.
    if (this.#access && this.#access.token !== refused) return this.#access.token;
    if (refused !== undefined && !this.#access) throw ApiError.local('signed_out');
    const epoch = this.#epoch;
    let reply: Reply<SignedIn>;
    try {
      reply = await this.#send('POST /api/auth/refresh', {});
    } catch (error) {
      if (epoch === this.#epoch && error instanceof ApiError && error.denied) {
        this.#end(this.#access ? 'expired' : 'new');
      }
      throw error;
    }
    if (epoch !== this.#epoch) throw ApiError.local('signed_out');
    return this.#admit(reply);
  }

  async #enter(name: 'POST /api/auth/login' | 'POST /api/auth/register', body: Credentials): Promise<void> {
    await this.#turn(async () => {
      const reply = await this.#send(name, { body });
      this.#epoch++;
      this.#leaving.set(false); // the cookie is a new one
      this.#admit(reply);
    });
  }

  async #leave(): Promise<boolean> {
    try {
      await this.#turn(async () => {
        // Somebody may have signed in while this waited for its turn.
        if (this.#leaving.get()) await this.#send('POST /api/auth/logout', {});
      });
    } catch (error) {
      if (!(error instanceof ApiError && error.denied)) return false;
    }
    if (!this.#access) this.#leaving.set(false);
    return true;
  }

  #admit({ answer, at }: Reply<SignedIn>): string {
    const expires = Date.parse(answer.expiresAt);
    if (
      typeof answer.accessToken !== 'string' ||
      typeof answer.user?.name !== 'string' ||
      Number.isNaN(expires)
    ) {
      throw ApiError.local('bad_answer');
    }
    // The server's clock says how long the token lives; this machine's may be wrong.
    const access = { token: answer.accessToken, expires: this.#now() + expires - (at ?? this.#now()) };
    this.#hold(answer.user, access);
    this.#tell({ kind: 'renewed', user: answer.user, access });
    return access.token;
  }

  #hold(user: User, access: Access) {
    clearTimeout(this.#retry);
    this.#access = access;
    const before = this.user.peek();
    if (before?.id !== user.id || before.name !== user.name) this.state.value = { kind: 'signedIn', user };
  }

  #end(why: 'new' | 'left' | 'expired') {
    clearTimeout(this.#retry);
    this.#epoch++;
    this.#access = undefined;
    this.state.value = { kind: 'signedOut', why };
  }

  #tell(message: Told) {
    this.#tabs?.postMessage(message);
  }

  #told(message: Partial<Told> | null) {
    if (message?.kind === 'left') this.#end('left');
    else if (message?.kind === 'renewed') {
      const { user, access } = message as Extract<Told, { kind: 'renewed' }>;
      if (this.user.peek()?.id !== user.id) this.#epoch++;
      this.#hold(user, access);
    }
  }
}
