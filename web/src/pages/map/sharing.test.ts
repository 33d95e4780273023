import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError } from '../../api/error';
import { Sharing, distance, type Fix } from './sharing';

beforeEach(() => void vi.useFakeTimers({ now: Date.parse('2026-01-02T00:00:00Z') }));
afterEach(() => void vi.useRealTimers());

class Device {
  watching = 0;
  #found: PositionCallback = () => {};
  #missed: PositionErrorCallback = () => {};

  watchPosition(found: PositionCallback, missed?: PositionErrorCallback | null): number {
    this.#found = found;
    this.#missed = missed!;
    return ++this.watching;
  }

  clearWatch() {
    this.watching--;
  }

  is(latitude: number, longitude: number, accuracy = 10) {
    this.#found({ coords: { latitude, longitude, accuracy } } as GeolocationPosition);
  }

  fails(code: 1 | 2 | 3) {
    this.#missed({ code } as GeolocationPositionError);
  }
}

function setUp() {
  const device = new Device();
  const send = vi.fn(async (_: Fix) => {});
  const sharing = new Sharing(device, send);
  const sent = () => send.mock.calls.map(([fix]) => fix.longitude);
  return { device, send, sent, sharing };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('sharing', () => {
  it('sends the first position at once, and then the last of each five seconds', async () => {
    const { device, sent, sharing } = setUp();
    sharing.start();
    expect(sharing.state.value.kind).toBe('looking');
    device.is(0, 1);
    await pass(0);
    expect(sent()).toEqual([1]);
    device.is(0, 2);
    device.is(0, 3);
    await pass(4_999);
    expect(sent()).toEqual([1]);
    await pass(1);
    expect(sent()).toEqual([1, 3]);
    expect(sharing.state.value).toMatchObject({ kind: 'sharing', sent: Date.now(), error: undefined });
  });

  it('says that it is still there once a minute, and nothing in between', async () => {
    const { device, sent, sharing } = setUp();
    sharing.start();
    device.is(0, 1);
    await pass(10_000);
    device.is(0, 1.00001); // a metre
    await pass(49_999);
    expect(sent().length).toBe(1);
    await pass(1);
    expect(sent().length).toBe(2);
  });

  it('sends nothing any more when it ends', async () => {
    const { device, sent, sharing } = setUp();
    sharing.start();
    device.is(0, 1);
    await pass(0);
    device.is(0, 2);
    sharing.stop();
    device.is(0, 3); // a device that has not heard of it yet
    await pass(600_000);
    expect(sent()).toEqual([1]);
    expect(sharing.state.value.kind).toBe('off');
    expect(device.watching).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends when it is not allowed, and can be begun again', async () => {
    const { device, sent, sharing } = setUp();
    sharing.start();
    device.fails(1);
    expect(sharing.state.value.kind).toBe('denied');
    expect(device.watching).toBe(0);
    sharing.start();
    device.is(0, 1);
    await pass(0);
    expect(sent()).toEqual([1]);
  });

  it('goes on when the device has lost where it is, and found it again', async () => {
    const { device, sent, sharing } = setUp();
    sharing.start();
    device.is(0, 1);
    await pass(0);
    device.fails(3);
    expect(sharing.state.value.kind).toBe('lost');
    await pass(100_000);
    expect(sent()).toEqual([1]); // no longer known to be true
    device.is(0, 2);
    await pass(0);
    expect(sent()).toEqual([1, 2]);
  });

  it('waits as long as the server wants, and says why', async () => {
    const { device, send, sent, sharing } = setUp();
    send.mockRejectedValueOnce(new ApiError('rate_limited', '', { retryAfter: 20_000 }));
    sharing.start();
    device.is(0, 1);
    await pass(0);
    expect(sharing.state.value).toMatchObject({
      kind: 'sharing',
      sent: undefined,
      error: { code: 'rate_limited' },
    });
    device.is(0, 2);
    await pass(19_999);
    expect(sent()).toEqual([1]);
    await pass(1);
    expect(sent()).toEqual([1, 2]);
    expect(sharing.state.value).toMatchObject({ kind: 'sharing', error: undefined });
  });

  it('has one position on its way at a time', async () => {
    const { device, send, sent, sharing } = setUp();
    let answer = () => {};
    send.mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)));
    sharing.start();
    device.is(0, 1);
    await pass(0);
    device.is(0, 2);
    await pass(60_000);
    expect(sent()).toEqual([1]);
    answer();
    await pass(0);
    expect(sent()).toEqual([1, 2]);
  });

  it('is not there without a device', () => {
    const sharing = new Sharing(undefined, async () => {});
    sharing.start();
    expect(sharing.state.value.kind).toBe('unsupported');
  });
});

it('knows how far places are from each other', () => {
  const [seoul, busan] = [
    { latitude: 37.5665, longitude: 126.978 },
    { latitude: 35.1796, longitude: 129.0756 },
  ];
  expect(distance(seoul, busan) / 1000).toBeCloseTo(325, 0);
  expect(distance(seoul, seoul)).toBe(0);
});
