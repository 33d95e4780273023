// The map of the world that comes with the pages, as scripts/world.ts writes it.

import closely from 'virtual:world-50m';
import widely from 'virtual:world-110m';

/**
 * A line or the edge of an area: x and y in turns, 0 to 1 over the square of Mercator's world. What crosses
 * the antimeridian goes on beyond that, and is there a second time from the other side.
 */
export interface Outline {
  points: Float64Array;
  west: number;
  north: number;
  east: number;
  south: number;
}

export interface World {
  land: readonly Outline[];
  borders: readonly Outline[];
}

/** The rough map for the world as a whole, the fine one for a country. */
export type Detail = 'rough' | 'fine';

const addresses: Readonly<Record<Detail, string>> = { rough: widely, fine: closely };

export async function loadWorld(detail: Detail, signal: AbortSignal): Promise<World> {
  const response = await fetch(addresses[detail], { signal });
  if (!response.ok) throw new Error(`${response.url}: ${response.status}`);
  return readWorld(new Uint8Array(await response.arrayBuffer()));
}

export function readWorld(bytes: Uint8Array): World {
  let at = 0;
  const byte = () => {
    if (at >= bytes.length) throw new Error('The map ends too early');
    return bytes[at++]!;
  };
  const number = () => {
    let n = 0;
    for (let place = 1; ; place *= 128) {
      const b = byte();
      n += (b & 127) * place;
      if (b < 128) return n;
    }
  };
  const step = () => {
    const n = number();
    return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
  };
  const size = 2 ** byte();
  const outlines = () =>
    Array.from({ length: number() }, () => {
      const points = new Float64Array(number() * 2);
      let [x, y] = [0, 0];
      for (let i = 0; i < points.length; i += 2) {
        points[i] = (x += step()) / size;
        points[i + 1] = (y += step()) / size;
      }
      return outline(points);
    });
  return { land: outlines(), borders: outlines() };
}

function outline(points: Float64Array): Outline {
  let [west, north, east, south] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    west = Math.min(west, points[i]!);
    east = Math.max(east, points[i]!);
    north = Math.min(north, points[i + 1]!);
    south = Math.max(south, points[i + 1]!);
  }
  return { points, west, north, east, south };
}
