// One HTTP request: its time-out, its end on request, and what its answer means.

import { ApiError } from './error';
import type { Answer, CallName, Input } from './contract';
import { isRefusal, retryAfter } from './refusal';

export interface Sending {
  /** The access token. */
  token?: string;
  /** Ends the request: the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

export interface Reply<T> {
  answer: T;
  /** When the server answered, by its own clock, in milliseconds, to the second. */
  at: number | undefined;
}

/** Makes a call of the API, once. Every failure but the caller's own abort is an ApiError. */
export type Send = <N extends CallName>(name: N, input: Input<N> & Sending) => Promise<Reply<Answer<N>>>;

/** How long the server may take for an answer, its body included, in milliseconds. */
export const requestTimeout = 15_000;

export function sender(fetch: typeof globalThis.fetch): Send {
  return async (name, input) => {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(ApiError.local('timeout')), requestTimeout);
    const abort = () => stop.abort(input.signal!.reason);
    if (input.signal?.aborted) abort();
    input.signal?.addEventListener('abort', abort);
    try {
      return await exchange(fetch, name, input, stop.signal);
    } catch (error) {
      if (stop.signal.aborted) throw stop.signal.reason;
      throw error instanceof ApiError ? error : ApiError.local('unreachable', error);
    } finally {
      clearTimeout(timer);
      input.signal?.removeEventListener('abort', abort);
    }
  };
}

async function exchange<N extends CallName>(
  fetch: typeof globalThis.fetch,
  name: N,
  input: Input<N> & Sending,
  signal: AbortSignal,
): Promise<Reply<Answer<N>>> {
  const [method, template] = name.split(' ') as [string, string];
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (input.token) headers.Authorization = `Bearer ${input.token}`;
  if (input.body !== undefined) headers['Content-Type'] = 'application/json';
  const response = await fetch(address(template, input as Address), {
    method,
    headers,
    body: input.body === undefined ? null : JSON.stringify(input.body),
    credentials: 'same-origin', // the refresh token is a cookie
    signal,
  });
  const text = await response.text();
  if (!response.ok) throw refusal(response, parse(text));
  const at = Date.parse(response.headers.get('Date') ?? '');
  const answer = text === '' ? undefined : parse(text);
  if (text !== '' && answer === undefined) throw ApiError.local('bad_answer');
  return { answer: answer as Answer<N>, at: Number.isNaN(at) ? undefined : at };
}

interface Address {
  path?: Record<string, string | number> | undefined;
  query?: object | undefined;
}

export function address(template: string, { path, query }: Address): string {
  const filled = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path?.[name] ?? ''));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) search.set(name, String(value));
  }
  const asked = search.toString();
  return asked === '' ? filled : `${filled}?${asked}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Codes for answers that do not come from the server itself, but from a proxy before it. */
const codes: Readonly<Record<number, string>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  408: 'timeout',
  409: 'conflict',
  413: 'too_large',
  429: 'rate_limited',
  502: 'unavailable',
  503: 'unavailable',
  504: 'timeout',
};

function refusal(response: Response, body: unknown): ApiError {
  const status = response.status;
  const refused = isRefusal(body) && typeof body.code === 'string' ? body : undefined;
  const wait = retryAfter(refused?.details) ?? headerWait(response.headers.get('Retry-After'));
  return ApiError.refused(
    refused ?? {
      status: 'error',
      code: codes[status] ?? (status >= 500 ? 'internal' : 'bad_request'),
      message: response.statusText,
    },
    wait === undefined ? { status } : { status, retryAfter: wait },
  );
}

/** Retry-After holds seconds or a date (RFC 9110, 10.2.3). */
function headerWait(value: string | null): number | undefined {
  if (value === null) return undefined;
  const milliseconds = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}
