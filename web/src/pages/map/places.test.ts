import { describe, expect, it, vi } from 'vitest';
import type { Place } from '../../api/contract';
import { ApiError } from '../../api/error';
import { Places, maxWatched, type LocationLease } from './places';

function place(id: string, version: number, more: Partial<Place> = {}): Place {
  return {
    id,
    name: `place ${id}`,
    ownerId: '2',
    ownerName: 'Jun',
    geometry: { type: 'Point', coordinates: [version, 0] },
    updatedAt: '2026-01-02T00:00:00Z',
    version,
    ...more,
  };
}

/** A connection whose server answers as the test wants. */
class Connection {
  readonly joined: string[] = [];
  answer: (id: string) => Promise<string> = async (id) => `location:${id}`;
  chat = (_: Place) => {};
  granted = (_: Place) => {};
  left = (_id: string, _reason: string) => {};
  connects = (_recovered: boolean) => {};

  readonly lease = {
    client: {
      join_room: ({ locationId }: { locationId: string }) => {
        this.joined.push(locationId);
        return this.answer(locationId);
      },
    },
    on: (event: string, listener: (news: object) => void) => {
      if (event === 'left_room') this.left = (roomName, reason) => listener({ roomName, reason });
      else if (event === 'granted')
        this.granted = (message) => listener({ userId: '2', message, roomName: message.id });
      else this.chat = (message) => listener({ userId: '2', message, roomName: `location:${message.id}` });
    },
    onConnect: (listener: (recovered: boolean) => void) => {
      this.connects = listener;
      listener(false);
    },
  } as unknown as LocationLease;
}

function setUp(server: Place[]) {
  const load = vi.fn(async () => [...server]);
  const waits: number[] = [];
  const places = new Places('1', load, async (ms) => void waits.push(ms));
  const connection = new Connection();
  const versions = () => places.all.value.map((p) => `${p.id}@${p.version}`);
  return { places, connection, load, versions, waits, server };
}

const settled = () => new Promise((resolve) => setTimeout(resolve));

describe('places', () => {
  it('are loaded when the connection is there, and watched', async () => {
    const { places, connection, versions } = setUp([
      place('2', 1),
      place('10', 1),
      place('3', 1, { ownerId: '1' }),
    ]);
    expect(places.loading.value.kind).toBe('loading');
    places.follow(connection.lease);
    await settled();
    expect(places.loading.value.kind).toBe('ready');
    expect(versions()).toEqual(['3@1', '10@1', '2@1']); // the user's own first, then by name
    expect(connection.joined.sort()).toEqual(['10', '2', '3']);
  });

  it('move, and never back', async () => {
    const { places, connection, versions } = setUp([place('2', 5)]);
    places.follow(connection.lease);
    await settled();
    connection.chat(place('2', 7));
    connection.chat(place('2', 6));
    connection.chat(place('2', 7, { name: 'the same version again' }));
    expect(versions()).toEqual(['2@7']);
    expect(places.get('2')!.name).toBe('place 2');
  });

  it('are not set back by a list that was asked for before they moved', async () => {
    const { places, connection, load, versions } = setUp([place('2', 1)]);
    places.follow(connection.lease);
    await settled();
    let answer = (_: Place[]) => {};
    load.mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)));
    const loading = places.reload();
    connection.chat(place('2', 2));
    places.put(place('9', 1, { ownerId: '1' })); // made here in the meantime
    answer([place('2', 1)]);
    await loading;
    expect(versions()).toEqual(['9@1', '2@2']);
    expect(connection.joined).toContain('9');
  });

  it('do not come back when they are deleted while they are loaded, or news of them is late', async () => {
    const { places, connection, load, versions } = setUp([place('2', 1)]);
    places.follow(connection.lease);
    await settled();
    let answer = (_: Place[]) => {};
    load.mockImplementationOnce(() => new Promise((resolve) => (answer = resolve)));
    const loading = places.reload();
    places.delete('2');
    answer([place('2', 1)]);
    await loading;
    connection.chat(place('2', 2));
    expect(versions()).toEqual([]);
  });

  it('go when the user may not see them any more, and come when they may', async () => {
    const { places, connection, server, versions } = setUp([place('2', 1)]);
    places.follow(connection.lease);
    await settled();
    server.splice(0, 1, place('3', 1));
    await places.reload();
    expect(versions()).toEqual(['3@1']);
    server.push(place('2', 4));
    await places.reload();
    expect(versions()).toEqual(['2@4', '3@1']);
    expect(connection.joined).toEqual(['2', '3', '2']);
  });

  it('go the moment they are taken back or deleted', async () => {
    const { places, connection, server, versions } = setUp([place('2', 1), place('3', 1)]);
    places.follow(connection.lease);
    await settled();
    connection.left('2', 'revoked');
    connection.left('3', 'deleted');
    expect(versions()).toEqual([]);
    server.splice(0, 2, place('2', 1), place('3', 1)); // an answer from before
    await places.reload();
    expect(versions()).toEqual(['2@1']);
  });

  it('come the moment they are shared, and are watched', async () => {
    const { places, connection, load, versions } = setUp([place('2', 1)]);
    const news: string[] = [];
    places.follow(connection.lease, (what, { id }) => news.push(`${what} ${id}`));
    await settled();
    connection.granted(place('3', 4));
    connection.granted(place('3', 4)); // its owner shares it once more
    connection.granted(place('2', 2)); // it was known, and has moved
    connection.granted(place('9', 1, { ownerId: '1' })); // the user's own, made on another device
    await settled();
    expect(versions()).toEqual(['9@1', '2@2', '3@4']);
    expect(connection.joined).toEqual(['2', '3', '9']);
    connection.left('3', 'revoked');
    connection.left('9', 'deleted');
    connection.left('77', 'deleted'); // never heard of
    connection.granted(place('3', 5));
    connection.left('3', 'deleted');
    connection.granted(place('3', 6)); // news that comes too late
    await settled();
    expect(versions()).toEqual(['2@2']);
    expect(news).toEqual(['shared 3', 'revoked 3', 'shared 3', 'deleted 3']);
    expect(connection.joined).toEqual(['2', '3', '9', '3']);
    expect(load).toHaveBeenCalledTimes(1);
  });

  it('go again when their grant has overtaken its end', async () => {
    const { places, connection, versions } = setUp([]);
    connection.answer = () => Promise.reject(new ApiError('not_found', ''));
    places.follow(connection.lease);
    await settled();
    connection.left('3', 'revoked');
    connection.granted(place('3', 1));
    await vi.waitFor(() => expect(versions()).toEqual([]));
    expect(connection.joined).toEqual(['3']);
  });

  it('are watched again over a new connection, and not over one that was recovered', async () => {
    const { places, connection, load } = setUp([place('2', 1)]);
    places.follow(connection.lease);
    await settled();
    connection.connects(true);
    await settled();
    expect(connection.joined).toEqual(['2']);
    connection.connects(false);
    await settled();
    expect(connection.joined).toEqual(['2', '2']);
    expect(load).toHaveBeenCalledTimes(3);
  });

  it('go when the server does not let them be watched, and wait when it is asked too often', async () => {
    const { places, connection, versions, waits } = setUp([place('2', 1), place('3', 1)]);
    const answers = [new ApiError('rate_limited', '', { retryAfter: 700 }), new ApiError('forbidden', '')];
    connection.answer = async (id) => {
      const error = answers.shift();
      if (error) throw error;
      return `location:${id}`;
    };
    places.follow(connection.lease);
    await vi.waitFor(() => expect(connection.joined).toEqual(['2', '2', '3']));
    expect(waits).toEqual([700]);
    expect(versions()).toEqual(['3@1']);
  });

  it('are watched up to a bound', async () => {
    const many = Array.from({ length: maxWatched + 5 }, (_, i) => place(String(i + 1), 1));
    const { places, connection } = setUp(many);
    places.follow(connection.lease);
    await vi.waitFor(() => expect(connection.joined.length).toBe(maxWatched));
    expect(places.all.value.length).toBe(maxWatched + 5);
  });

  it('say that they could not be loaded, and are loaded again', async () => {
    const { places, connection, load, versions } = setUp([place('2', 1)]);
    load.mockRejectedValueOnce(new ApiError('unavailable', ''));
    places.follow(connection.lease);
    await settled();
    expect(places.loading.value.kind).toBe('failed');
    await places.reload();
    expect(places.loading.value.kind).toBe('ready');
    expect(versions()).toEqual(['2@1']);
  });
});
