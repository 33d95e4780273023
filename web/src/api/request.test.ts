import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { json, refusal } from '../testing/server';
import { ApiError } from './error';
import { address, requestTimeout, sender } from './request';

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-01-02T00:00:00Z') }));
afterEach(() => void vi.useRealTimers());

function answers(answer: () => Response | Promise<Response>) {
  const fetch = vi.fn(answer);
  return { fetch, send: sender(fetch as unknown as typeof globalThis.fetch) };
}

async function failure(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

describe('an address', () => {
  it('has the values of its placeholders and of its query, escaped', () => {
    expect(
      address('/api/rooms/{id}/messages', { path: { id: 'a/b c' }, query: { before: 'x&y', limit: 2 } }),
    ).toBe('/api/rooms/a%2Fb%20c/messages?before=x%26y&limit=2');
    expect(address('/api/rooms', { query: { before: undefined } })).toBe('/api/rooms');
  });
});

describe('a request', () => {
  it('shows the token, sends JSON and gives the answer with the server’s time', async () => {
    const { fetch, send } = answers(() =>
      json(201, { id: 7, name: 'nest' }, Date.parse('2026-01-02T00:00:05Z')),
    );
    const reply = await send('POST /api/rooms', { body: { name: 'nest' }, token: 't1' });
    expect(reply).toEqual({ answer: { id: 7, name: 'nest' }, at: Date.parse('2026-01-02T00:00:05Z') });
    const [path, init] = fetch.mock.calls[0] as unknown as [string, RequestInit];
    expect(path).toBe('/api/rooms');
    expect(init).toMatchObject({ method: 'POST', body: '{"name":"nest"}', credentials: 'same-origin' });
    expect(init.headers).toMatchObject({ Authorization: 'Bearer t1', 'Content-Type': 'application/json' });
  });

  it('takes an answer without a body', async () => {
    const { send } = answers(() => new Response(null, { status: 204 }));
    expect((await send('POST /api/auth/logout', {})).answer).toBeUndefined();
  });

  it('fails with the server’s code and details', async () => {
    const details = [{ path: 'name', rule: 'max', param: '32', message: 'too long' }];
    const { send } = answers(() => refusal(422, 'invalid', details));
    expect(await failure(send('GET /api/rooms', {}))).toMatchObject({
      code: 'invalid',
      status: 422,
      details,
    });
  });

  it.each([
    [429, 'rate_limited'],
    [502, 'unavailable'],
    [500, 'internal'],
    [418, 'bad_request'],
  ])('knows what %i of a proxy means', async (status, code) => {
    const { send } = answers(() => new Response('<h1>no</h1>', { status }));
    expect(await failure(send('GET /api/rooms', {}))).toMatchObject({ code, status });
  });

  it('says when to try again, by the details or the header', async () => {
    const byDetails = answers(() => refusal(429, 'rate_limited', { retryAfter: 1500 }));
    expect((await failure(byDetails.send('GET /api/rooms', {}))).retryAfter).toBe(1500);
    const headers = (value: string) => new Response('', { status: 503, headers: { 'Retry-After': value } });
    const bySeconds = answers(() => headers('7'));
    expect((await failure(bySeconds.send('GET /api/rooms', {}))).retryAfter).toBe(7000);
    const byDate = answers(() => headers('Fri, 02 Jan 2026 00:00:30 GMT'));
    expect((await failure(byDate.send('GET /api/rooms', {}))).retryAfter).toBe(30_000);
  });

  it('fails when the answer is no JSON, and when there is no network', async () => {
    const page = answers(() => new Response('<html>'));
    expect((await failure(page.send('GET /api/rooms', {}))).code).toBe('bad_answer');
    const nothing = answers(() => Promise.reject(new TypeError('Failed to fetch')));
    expect((await failure(nothing.send('GET /api/rooms', {}))).code).toBe('unreachable');
  });

  it('fails when the server takes too long', async () => {
    const { send } = hanging();
    const failed = failure(send('GET /api/rooms', {}));
    await vi.advanceTimersByTimeAsync(requestTimeout);
    expect((await failed).code).toBe('timeout');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends with the caller’s reason when the caller ends it', async () => {
    const { send } = hanging();
    const stop = new AbortController();
    const asked = send('GET /api/rooms', { signal: stop.signal });
    stop.abort();
    await expect(asked).rejects.toBe(stop.signal.reason);
    await expect(send('GET /api/rooms', { signal: stop.signal })).rejects.toBe(stop.signal.reason);
    expect(vi.getTimerCount()).toBe(0);
  });
});

/** A server that never answers. */
function hanging() {
  const fetch = (_: unknown, init: RequestInit) =>
    new Promise<Response>((_, reject) => {
      const stop = () => reject(new DOMException('aborted', 'AbortError'));
      if (init.signal!.aborted) stop();
      init.signal!.addEventListener('abort', stop);
    });
  return { send: sender(fetch as unknown as typeof globalThis.fetch) };
}
