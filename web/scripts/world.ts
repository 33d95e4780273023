// The map of the world that the pages bring along, made from Natural Earth (public domain) when the pages
// are built. Land and the borders inside it, in Mercator's projection on a grid of whole numbers:
//
//   u8 bits of the grid, then twice (areas of land, lines between countries):
//   the number of rings, and for each ring the number of points and their steps (x, y)
//
// Numbers are variable-length (7 bits each, the lowest first); steps are signed, zigzag, and begin at 0 for
// each ring. src/pages/map/world.ts reads it.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { feature, mesh } from 'topojson-client';
import type { GeometryCollection, Topology } from 'topojson-specification';
import type { Plugin } from 'vite';

type Ring = readonly (readonly number[])[];

/** Two maps: one for the whole world, one for when it is looked at more closely. */
const maps = {
  'world-110m': { source: '110m', bits: 14 },
  'world-50m': { source: '50m', bits: 17 },
} as const;

/** Mercator ends here, in degrees of latitude: the world is a square then. */
const edge = 85.05112878;

export function world(name: keyof typeof maps): Uint8Array {
  const { source, bits } = maps[name];
  const file = createRequire(import.meta.url).resolve(`world-atlas/countries-${source}.json`);
  const topology = JSON.parse(readFileSync(file, 'utf8')) as Topology<{
    countries: GeometryCollection;
    land: GeometryCollection;
  }>;
  const { countries, land } = topology.objects;
  const areas: Ring[] = [];
  for (const { geometry } of feature(topology, land).features) {
    if (geometry.type === 'Polygon') areas.push(...geometry.coordinates);
    else if (geometry.type === 'MultiPolygon') areas.push(...geometry.coordinates.flat());
  }
  const borders = mesh(topology, countries, (a, b) => a !== b).coordinates;
  const out: number[] = [bits];
  write(out, areas, bits, 4);
  write(out, borders, bits, 2);
  return Uint8Array.from(out);
}

function write(out: number[], rings: readonly Ring[], bits: number, least: number) {
  const size = 2 ** bits;
  const kept = rings.flatMap((ring) => {
    const points = onGrid(ring, size);
    return points.length < least ? [] : everywhere(least > 2 ? aroundPole(points, size) : points, size);
  });
  number(out, kept.length);
  for (const ring of kept) {
    number(out, ring.length);
    let [x, y] = [0, 0];
    for (const [nextX, nextY] of ring) {
      number(out, zigzag(nextX - x));
      number(out, zigzag(nextY - y));
      [x, y] = [nextX, nextY];
    }
  }
}

type Points = [x: number, y: number][];

/**
 * The ring on the grid. Where it crosses the antimeridian it goes on beyond the edge of the map. Points
 * that fall together are one.
 */
function onGrid(ring: Ring, size: number): Points {
  const points: Points = [];
  for (const [longitude, latitude] of ring) {
    const phi = (Math.max(-edge, Math.min(edge, latitude!)) * Math.PI) / 180;
    const last = points.at(-1);
    let x = Math.round(((longitude! + 180) / 360) * size);
    if (last) x += Math.round((last[0] - x) / size) * size;
    const y = Math.round((0.5 - Math.log(Math.tan(Math.PI / 4 + phi / 2)) / (2 * Math.PI)) * size);
    if (last?.[0] !== x || last[1] !== y) points.push([x, y]);
  }
  return points;
}

/** A ring around the pole does not come back to its beginning: it is closed along the map's lower edge. */
function aroundPole(points: Points, size: number): Points {
  const [first, last] = [points[0]!, points.at(-1)!];
  return first[0] === last[0] ? points : [...points, [last[0], size], [first[0], size]];
}

/** What goes on beyond one edge of the map comes in at the other. */
function everywhere(points: Points, size: number): Points[] {
  const xs = points.map(([x]) => x);
  const shifted = (by: number): Points => points.map(([x, y]) => [x + by, y]);
  return [
    points,
    ...(Math.min(...xs) < 0 ? [shifted(size)] : []),
    ...(Math.max(...xs) > size ? [shifted(-size)] : []),
  ];
}

function zigzag(n: number): number {
  return n < 0 ? -2 * n - 1 : 2 * n;
}

function number(out: number[], n: number) {
  for (; n > 127; n = Math.floor(n / 128)) out.push((n % 128) | 128);
  out.push(n);
}

/** Gives the address of a map to whoever imports `virtual:world-110m`. */
export function worldMaps(): Plugin {
  const prefix = 'virtual:';
  const names = Object.keys(maps) as (keyof typeof maps)[];
  let building = false;
  return {
    name: 'world-maps',
    configResolved(config) {
      building = config.command === 'build';
    },
    resolveId: (id) => (names.some((name) => id === prefix + name) ? `\0${id}` : undefined),
    load(id) {
      const name = names.find((n) => id === `\0${prefix}${n}`);
      if (!name) return undefined;
      if (!building) return `export default '/@${name}.bin';`;
      const asset = this.emitFile({ type: 'asset', name: `${name}.bin`, source: world(name) });
      return `export default import.meta.ROLLUP_FILE_URL_${asset};`;
    },
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const name = names.find((n) => request.url === `/@${n}.bin`);
        if (name) response.end(world(name));
        else next();
      });
    },
  };
}
