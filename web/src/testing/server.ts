// A server for tests: the accounts of the contract, in memory, behind a function like fetch. Browsers have
// a cookie each, which their tabs share.

import type { SignedIn } from '../api/contract';

interface Request {
  method: string;
  path: string;
  token: string | undefined;
  body: unknown;
}

interface Browser {
  cookie: string | undefined;
}

const day = Date.parse('2026-01-02T00:00:00Z');

export class FakeServer {
  /** The server's clock. */
  now = day;
  lifetime = 60_000;
  readonly requests: Request[] = [];
  /** Refresh cookies that came a second time, as if stolen. */
  reused = 0;
  /** Answers in the place of the server's own: one is taken for each request whose path it names. */
  readonly instead: { path: string; answer: () => Response | Promise<Response> }[] = [];
  /** Holds requests to a path back until it is called for. */
  readonly #gates = new Map<string, Promise<void>>();
  readonly #passwords = new Map([['Mina', 'the nest is high']]);
  readonly #cookies = new Map<string, string>();
  readonly #spent = new Set<string>();
  readonly #tokens = new Map<string, { name: string; expires: number }>();
  #ids = 0;

  /** The fetch of a new browser, or of another tab of one. */
  browser(jar: Browser = { cookie: undefined }): { fetch: typeof globalThis.fetch; jar: Browser } {
    const fetch = async (path: unknown, init?: RequestInit) => this.#serve(jar, String(path), init ?? {});
    return { fetch: fetch as typeof globalThis.fetch, jar };
  }

  /** Holds back requests to this path until the function it returns is called. */
  hold(path: string): () => void {
    let open = () => {};
    this.#gates.set(path, new Promise((resolve) => (open = resolve)));
    return () => {
      this.#gates.delete(path);
      open();
    };
  }

  /** How many requests there were for this path. */
  count(path: string): number {
    return this.requests.filter((r) => r.path === path).length;
  }

  /** Takes all tokens back that are out. */
  revokeTokens() {
    this.#tokens.clear();
  }

  /** Takes all refresh cookies back. */
  endSessions() {
    this.#cookies.clear();
  }

  async #serve(jar: Browser, path: string, init: RequestInit): Promise<Response> {
    const cookie = jar.cookie;
    const token = new Headers(init.headers).get('Authorization')?.replace('Bearer ', '');
    const body = typeof init.body === 'string' ? JSON.parse(init.body) : undefined;
    this.requests.push({ method: init.method ?? 'GET', path, token, body });
    const gate = this.#gates.get(path) ?? Promise.resolve();
    await Promise.race([gate, aborted(init.signal)]);
    const other = this.instead.findIndex((i) => i.path === path);
    if (other >= 0) return this.instead.splice(other, 1)[0]!.answer();
    switch (path) {
      case '/api/auth/register': {
        const { name, password } = body;
        if (this.#passwords.has(name)) return refusal(409, 'conflict');
        this.#passwords.set(name, password);
        return this.#admit(jar, name, 201);
      }
      case '/api/auth/login': {
        const { name, password } = body;
        return this.#passwords.get(name) === password ? this.#admit(jar, name) : refusal(401, 'unauthorized');
      }
      case '/api/auth/refresh': {
        if (cookie !== undefined && this.#spent.has(cookie)) this.reused++;
        const name = this.#use(cookie);
        return name === undefined ? refusal(401, 'unauthorized') : this.#admit(jar, name);
      }
      case '/api/auth/logout':
        this.#use(cookie);
        jar.cookie = undefined;
        return new Response(null, { status: 204 });
    }
    const known = token === undefined ? undefined : this.#tokens.get(token);
    if (!known || known.expires <= this.now) return refusal(401, 'unauthorized', { reason: 'expired' });
    if (path === '/api/rooms') return json(200, { rooms: [] }, this.now);
    if (path === '/api/me') return json(200, { user: { id: known.name, name: known.name } }, this.now);
    return refusal(404, 'not_found');
  }

  #use(cookie: string | undefined): string | undefined {
    if (cookie === undefined) return undefined;
    const name = this.#cookies.get(cookie);
    this.#cookies.delete(cookie);
    this.#spent.add(cookie);
    return name;
  }

  #admit(jar: Browser, name: string, status = 200): Response {
    const cookie = (jar.cookie = `cookie-${++this.#ids}`);
    const token = `token-${this.#ids}`;
    this.#cookies.set(cookie, name);
    this.#tokens.set(token, { name, expires: this.now + this.lifetime });
    const answer: SignedIn = {
      user: { id: name, name },
      accessToken: token,
      expiresAt: new Date(this.now + this.lifetime).toISOString(),
    };
    return json(status, answer, this.now);
  }
}

function aborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason as Error);
    signal?.addEventListener('abort', () => reject(signal.reason as Error));
  });
}

export function json(status: number, body: unknown, now = day): Response {
  return new Response(JSON.stringify(body), { status, headers: { Date: new Date(now).toUTCString() } });
}

export function refusal(status: number, code: string, details?: unknown): Response {
  return json(status, { status: 'error', code, message: code, details });
}
