import { describe, expect, it } from 'vitest';
import {
  draftOf,
  emptyDraft,
  flaw,
  known,
  middle,
  readPosition,
  shifted,
  toGeometry,
  withKind,
  withMoved,
  withPoint,
  withPointAfter,
  withoutPoint,
  wrap,
  writePosition,
  type Draft,
  type Geometry,
  type Kind,
} from './geometry';

const at = (latitude: number, longitude: number) => ({ latitude, longitude });

function draw(kind: Kind, ...points: [number, number][]): Draft {
  return points.reduce(
    (draft, [latitude, longitude]) => withPoint(draft, at(latitude, longitude)),
    emptyDraft(kind),
  );
}

describe('a draft', () => {
  it('becomes GeoJSON, with the longitude first', () => {
    expect(toGeometry(draw('Point', [37.5, 127]))).toEqual({ type: 'Point', coordinates: [127, 37.5] });
    expect(toGeometry(draw('LineString', [1, 2], [3, 4]))).toEqual({
      type: 'LineString',
      coordinates: [
        [2, 1],
        [4, 3],
      ],
    });
  });

  it('closes a polygon, counterclockwise whichever way it was drawn', () => {
    const ring = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 0],
    ];
    expect(toGeometry(draw('Polygon', [0, 0], [0, 1], [1, 1]))).toEqual({
      type: 'Polygon',
      coordinates: [ring],
    });
    const other = toGeometry(draw('Polygon', [1, 1], [0, 1], [0, 0])) as Geometry & { type: 'Polygon' };
    expect(other.coordinates[0]).toEqual(ring);
  });

  it('comes from GeoJSON and becomes the same again, with its holes', () => {
    const shapes: Geometry[] = [
      { type: 'Point', coordinates: [127, 37.5] },
      {
        type: 'LineString',
        coordinates: [
          [0, 0],
          [1, 1],
        ],
      },
      {
        type: 'Polygon',
        coordinates: [
          [
            [0, 0],
            [4, 0],
            [4, 4],
            [0, 4],
            [0, 0],
          ],
          [
            [1, 1],
            [1, 2],
            [2, 2],
            [1, 1],
          ],
        ],
      },
    ];
    for (const shape of shapes) expect(toGeometry(draftOf(shape)!)).toEqual(shape);
  });

  it('has one point where it is a point: another click moves it', () => {
    expect(draw('Point', [1, 1], [2, 2]).points).toEqual([at(2, 2)]);
    expect(withKind(draw('LineString', [1, 1], [2, 2]), 'Point').points).toEqual([at(1, 1)]);
  });

  it('is edited point by point', () => {
    let draft = draw('LineString', [0, 0], [2, 2]);
    draft = withPointAfter(draft, 0, at(1, 1));
    draft = withMoved(draft, 2, at(3, 3));
    expect(draft.points).toEqual([at(0, 0), at(1, 1), at(3, 3)]);
    expect(withoutPoint(draft, 1).points).toEqual([at(0, 0), at(3, 3)]);
    expect(withMoved(draft, 9, at(0, 0))).toBe(draft);
    expect(withoutPoint(draft, -1)).toBe(draft);
  });

  it('moves as a whole, holes and all', () => {
    const draft = draftOf({
      type: 'Polygon',
      coordinates: [
        [
          [0, 0],
          [4, 0],
          [4, 4],
          [0, 0],
        ],
        [
          [2, 1],
          [3, 1],
          [3, 2],
          [2, 1],
        ],
      ],
    })!;
    expect(toGeometry(shifted(draft, 10, 20))).toEqual({
      type: 'Polygon',
      coordinates: [
        [
          [20, 10],
          [24, 10],
          [24, 14],
          [20, 10],
        ],
        [
          [22, 11],
          [23, 11],
          [23, 12],
          [22, 11],
        ],
      ],
    });
  });

  it('says what is missing', () => {
    expect(flaw(emptyDraft('Point'))).toBe('few');
    expect(flaw(draw('LineString', [0, 0]))).toBe('few');
    expect(flaw(draw('LineString', [0, 0], [0, 0]))).toBe('same');
    expect(flaw(draw('Polygon', [0, 0], [0, 1], [0, 0]))).toBe('same');
    expect(flaw(draw('Polygon', [0, 0], [1, 1], [0, 1], [1, 0]))).toBe('crossing');
    expect(flaw(draw('Polygon', [0, 0], [0, 1], [1, 1], [1, 0]))).toBeUndefined();
  });

  it('stays on the world, although the map goes on', () => {
    expect(wrap(at(10, 190))).toEqual(at(10, -170));
    expect(wrap(at(10, -541))).toEqual(at(10, 179));
    expect(wrap(at(95, 180))).toEqual(at(90, 180));
  });
});

describe('a geometry', () => {
  it('is not trusted', () => {
    const bad: [string, unknown][] = [
      ['Point', [1]],
      ['Point', ['1', '2']],
      ['Point', [Number.NaN, 1]],
      ['LineString', []],
      ['LineString', [[1, 2], null]],
      ['Polygon', []],
      ['Polygon', [[1, 2]]],
      ['MultiPoint', [[1, 2]]],
    ];
    for (const [type, coordinates] of bad) expect(known({ type, coordinates }), type).toBeUndefined();
  });

  it('has a middle', () => {
    expect(middle({ type: 'Point', coordinates: [3, 4] })).toEqual(at(4, 3));
    expect(
      middle({
        type: 'LineString',
        coordinates: [
          [0, 0],
          [5, 5],
          [9, 9],
        ],
      }),
    ).toEqual(at(5, 5));
    const square: Geometry = {
      type: 'Polygon',
      coordinates: [
        [
          [0, 0],
          [2, 0],
          [2, 2],
          [0, 2],
          [0, 0],
        ],
      ],
    };
    expect(middle(square)).toEqual(at(1, 1));
  });
});

describe('coordinates', () => {
  it.each([
    ['37.5665, 126.978', 37.5665, 126.978],
    ['  37.5665 126.978 ', 37.5665, 126.978],
    ['37.5665N 126.978E', 37.5665, 126.978],
    ['37.5665° n, 126.978° e', 37.5665, 126.978],
    ['33.9 S; 18.4 E', -33.9, 18.4],
    ['−33.9,-70', -33.9, -70],
    ['0, 0', 0, 0],
  ])('%s', (text, latitude, longitude) => {
    expect(readPosition(text)).toEqual(at(latitude, longitude));
  });

  it.each(['', '37', '91, 0', '0, 181', '37,5 126,9', 'Seoul', '1, 2, 3', '1e3, 2'])('not %j', (text) => {
    expect(readPosition(text)).toBeUndefined();
  });

  it('are read as they are written', () => {
    for (const p of [at(37.56651, 126.97803), at(-0.000001, 0), at(-90, 180)]) {
      const written = writePosition(p);
      expect(writePosition(readPosition(written)!)).toBe(written);
    }
    expect(writePosition(at(-0.000001, 0))).toBe('0, 0');
  });
});
