// Shapes on the map, and how they are edited. GeoJSON (RFC 7946) has the longitude first; people, and
// Leaflet, say the latitude first.

export interface Position {
  latitude: number;
  longitude: number;
}

export type Geometry =
  | { type: 'Point'; coordinates: number[] }
  | { type: 'LineString'; coordinates: number[][] }
  | { type: 'Polygon'; coordinates: number[][][] };

export type Kind = Geometry['type'];

export const kinds: readonly Kind[] = ['Point', 'LineString', 'Polygon'];

/** How few points a shape has. */
export const fewest: Readonly<Record<Kind, number>> = { Point: 1, LineString: 2, Polygon: 3 };

/** How many points can be edited. A shape that has more is shown, and can be replaced. */
export const most = 500;

/** What is being edited: a polygon's first point does not come again at its end. */
export interface Draft {
  kind: Kind;
  points: readonly Position[];
  /** The inner edges of a polygon, which stay as they are. */
  holes: readonly number[][][];
}

export function emptyDraft(kind: Kind): Draft {
  return { kind, points: [], holes: [] };
}

/** The geometry as it can be edited; nothing for one of another type. */
export function draftOf(geometry: { type: string; coordinates: unknown }): Draft | undefined {
  const shape = known(geometry);
  if (!shape) return undefined;
  switch (shape.type) {
    case 'Point':
      return { kind: 'Point', points: [position(shape.coordinates)], holes: [] };
    case 'LineString':
      return { kind: 'LineString', points: shape.coordinates.map(position), holes: [] };
    case 'Polygon': {
      const [edge = [], ...holes] = shape.coordinates;
      return { kind: 'Polygon', points: edge.slice(0, -1).map(position), holes };
    }
  }
}

/** The geometry, if it is one that these pages draw. */
export function known(geometry: { type: string; coordinates: unknown }): Geometry | undefined {
  const { type, coordinates: c } = geometry;
  const fits =
    (type === 'Point' && isPosition(c)) ||
    (type === 'LineString' && isLine(c)) ||
    (type === 'Polygon' && Array.isArray(c) && c.length > 0 && c.every(isLine));
  return fits ? (geometry as Geometry) : undefined;
}

function isPosition(c: unknown): c is number[] {
  return Array.isArray(c) && c.length >= 2 && c.every((n) => typeof n === 'number' && Number.isFinite(n));
}

function isLine(c: unknown): c is number[][] {
  return Array.isArray(c) && c.length > 0 && c.every(isPosition);
}

function position([longitude, latitude]: readonly number[]): Position {
  return { latitude: latitude!, longitude: longitude! };
}

/** The points of a shape; of a polygon those of its outer edge, without the last, which is the first. */
export function pointsOf(geometry: Geometry): Position[] {
  return [...draftOf(geometry)!.points];
}

// Editing

/** Changes the kind. What cannot be kept of the points goes. */
export function withKind(draft: Draft, kind: Kind): Draft {
  const points = kind === 'Point' ? draft.points.slice(0, 1) : draft.points;
  return { kind, points, holes: kind === 'Polygon' ? draft.holes : [] };
}

/** Adds a point; a shape of one point moves there instead. */
export function withPoint(draft: Draft, point: Position): Draft {
  const wrapped = wrap(point);
  if (draft.kind === 'Point') return { ...draft, points: [wrapped] };
  if (draft.points.length >= most) return draft;
  return { ...draft, points: [...draft.points, wrapped] };
}

/** Adds a point between two: behind the one with that index. */
export function withPointAfter(draft: Draft, index: number, point: Position): Draft {
  if (draft.kind === 'Point' || draft.points.length >= most) return draft;
  return { ...draft, points: draft.points.toSpliced(index + 1, 0, wrap(point)) };
}

export function withMoved(draft: Draft, index: number, to: Position): Draft {
  if (!(index in draft.points)) return draft;
  return { ...draft, points: draft.points.with(index, wrap(to)) };
}

export function withoutPoint(draft: Draft, index: number): Draft {
  if (!(index in draft.points)) return draft;
  return { ...draft, points: draft.points.toSpliced(index, 1) };
}

/** The whole shape, so far in degrees to the north and the east. */
export function shifted(draft: Draft, north: number, east: number): Draft {
  const move = (p: Position) => wrap({ latitude: p.latitude + north, longitude: p.longitude + east });
  const hole = (ring: number[][]) =>
    ring.map(([longitude, latitude]) => coordinates(move({ longitude: longitude!, latitude: latitude! })));
  return { ...draft, points: draft.points.map(move), holes: draft.holes.map(hole) };
}

export type Flaw = 'few' | 'same' | 'crossing';

/** What keeps a draft from being a shape. */
export function flaw(draft: Draft): Flaw | undefined {
  const { kind, points } = draft;
  if (points.length < fewest[kind]) return 'few';
  const different = new Set(points.map((p) => coordinates(p).join()));
  if (different.size < fewest[kind]) return 'same';
  if (kind === 'Polygon' && crosses(points)) return 'crossing';
  return undefined;
}

/** The shape. The outer edge of a polygon goes counterclockwise, and ends where it begins. */
export function toGeometry(draft: Draft): Geometry {
  const line = draft.points.map(coordinates);
  switch (draft.kind) {
    case 'Point':
      return { type: 'Point', coordinates: line[0]! };
    case 'LineString':
      return { type: 'LineString', coordinates: line };
    case 'Polygon': {
      const ring = area(draft.points) < 0 ? line.reverse() : line;
      return { type: 'Polygon', coordinates: [[...ring, ring[0]!], ...draft.holes] };
    }
  }
}

/** Six decimals are a tenth of a metre. */
const decimals = 1e6;

function coordinates({ latitude, longitude }: Position): number[] {
  return [Math.round(longitude * decimals) / decimals, Math.round(latitude * decimals) / decimals];
}

/** Leaflet's maps go on beyond the antimeridian; longitudes do not. */
export function wrap({ latitude, longitude }: Position): Position {
  const within = longitude >= -180 && longitude <= 180;
  return {
    latitude: Math.max(-90, Math.min(90, latitude)),
    longitude: within ? longitude : ((((longitude + 180) % 360) + 360) % 360) - 180,
  };
}

/** Twice the area, in square degrees: above 0 when the points go counterclockwise. */
function area(points: readonly Position[]): number {
  return points.reduce((sum, a, i) => {
    const b = points[(i + 1) % points.length]!;
    return sum + (a.longitude * b.latitude - b.longitude * a.latitude);
  }, 0);
}

/** Whether an edge of the polygon crosses another one. */
function crosses(points: readonly Position[]): boolean {
  const n = points.length;
  for (let i = 0; i < n; i++) {
    for (let j = i + 2; j < n; j++) {
      if (i === 0 && j === n - 1) continue; // neighbours
      if (meet(points[i]!, points[i + 1]!, points[j]!, points[(j + 1) % n]!)) return true;
    }
  }
  return false;
}

function meet(a: Position, b: Position, c: Position, d: Position): boolean {
  return turn(a, b, c) !== turn(a, b, d) && turn(c, d, a) !== turn(c, d, b);
}

/** 1 where the way from a over b to c turns left, -1 right, 0 where it goes straight on. */
function turn(a: Position, b: Position, c: Position): number {
  return Math.sign(
    (b.longitude - a.longitude) * (c.latitude - a.latitude) -
      (b.latitude - a.latitude) * (c.longitude - a.longitude),
  );
}

/** Where a shape is, in one place: what its name stands at, and the list says. */
export function middle(geometry: Geometry): Position {
  const points = pointsOf(geometry);
  if (geometry.type === 'LineString') return points[Math.floor((points.length - 1) / 2)]!;
  const sum = points.reduce((a, p) => ({
    latitude: a.latitude + p.latitude,
    longitude: a.longitude + p.longitude,
  }));
  return { latitude: sum.latitude / points.length, longitude: sum.longitude / points.length };
}

// Coordinates as people write them

/**
 * Reads a place: the latitude, then the longitude. Knows decimal degrees with or without the points of the
 * compass: `37.5665, 126.978`, `37.5665 N 126.978 E`, `37.5665° 126.978°`.
 */
export function readPosition(text: string): Position | undefined {
  const found =
    /^([+-]?\d{1,3}(?:\.\d*)?)\s*°?\s*([NS])?(?:\s*[,;]\s*|\s+|(?<=[NS°]))([+-]?\d{1,3}(?:\.\d*)?)\s*°?\s*([EW])?$/i.exec(
      text.trim().replaceAll('−', '-'),
    );
  if (!found) return undefined;
  const latitude = signed(found[1]!, found[2], 'S');
  const longitude = signed(found[3]!, found[4], 'W');
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) return undefined;
  return { latitude, longitude };
}

function signed(digits: string, side: string | undefined, negative: string): number {
  const n = Number(digits);
  return side?.toUpperCase() === negative ? -n || 0 : n;
}

/** A place as {@link readPosition} reads it. */
export function writePosition({ latitude, longitude }: Position): string {
  return `${short(latitude)}, ${short(longitude)}`;
}

const short = (degrees: number) => String(Math.round(degrees * 1e5) / 1e5 || 0);
