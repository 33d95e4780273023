import { describe, expect, it } from 'vitest';
import { world } from '../../../scripts/world';
import { readWorld, type Outline } from './world';

/** Whether a place is on land, by how often a line to the east crosses a coast. */
function onLand(land: readonly Outline[], longitude: number, latitude: number): boolean {
  const x = (longitude + 180) / 360;
  const phi = (latitude * Math.PI) / 180;
  const y = 0.5 - Math.log(Math.tan(Math.PI / 4 + phi / 2)) / (2 * Math.PI);
  let inside = false;
  for (const { points } of land) {
    for (let i = 0, j = points.length - 2; i < points.length; j = i, i += 2) {
      const [ax, ay, bx, by] = [points[i]!, points[i + 1]!, points[j]!, points[j + 1]!];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
    }
  }
  return inside;
}

describe.each(['world-110m', 'world-50m'] as const)('%s', (name) => {
  const bytes = world(name);
  const { land, borders } = readWorld(bytes);

  it.each([
    ['Seoul', 126.98, 37.57, true],
    ['Nairobi', 36.82, -1.29, true],
    ['Alice Springs', 133.88, -23.7, true],
    ['the South Pole’s plateau', 0, -84, true],
    ['Chukotka', -175, 66.5, true],
    ['Kamchatka', 160, 56, true],
    ['the Bering Sea', 180, 58, false],
    ['Finland’s latitude in the Atlantic', -20, 68, false],
    ['the East Sea', 134, 40, false],
    ['the Atlantic', -40, 30, false],
    ['the Caspian Sea', 51, 41.5, false],
  ])('has %s on the right side of the coast', (_, longitude, latitude, expected) => {
    expect(onLand(land, longitude, latitude)).toBe(expected);
  });

  it('covers the world and goes beyond it only where something crosses the antimeridian', () => {
    for (const { west, north, east, south } of [...land, ...borders]) {
      expect(west).toBeLessThanOrEqual(1);
      expect(east).toBeGreaterThanOrEqual(0);
      expect(east - west).toBeLessThanOrEqual(1);
      expect(Math.min(north, 1 - south)).toBeGreaterThanOrEqual(0);
    }
    expect(borders.length).toBeGreaterThan(100);
  });

  it('is not taken for whole when its end is missing', () => {
    expect(() => readWorld(bytes.subarray(0, bytes.length - 1))).toThrow('too early');
  });
});

it('is small enough to come with the page', () => {
  expect(world('world-110m').length).toBeLessThan(40_000);
  expect(world('world-50m').length).toBeLessThan(300_000);
});
