// The ground of the map: land, coasts and borders on tiles that the page draws itself.

import { GridLayer, type Coords, type DoneCallback } from 'leaflet/dist/leaflet-src.esm.js';
import { loadWorld, type Detail, type Outline, type World } from './world';

/** Pixels of a tile's side. */
const side = 256;
/** From this zoom on the world is drawn finely. */
const closeUp = 5;
/** Lines of the grid are this far apart at least, in pixels. */
const gridWidth = 160;
const gridSteps = [30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002];

interface Colours {
  land: string;
  coast: string;
  border: string;
  grid: string;
}

export class BaseMap extends GridLayer {
  readonly #worlds = new Map<Detail, World | Promise<World | undefined>>();
  readonly #end = new AbortController();

  constructor() {
    super({ tileSize: side, minZoom: 0, maxZoom: 19, updateWhenIdle: false, keepBuffer: 3 });
    this.on('remove', () => this.#end.abort());
  }

  protected override createTile(at: Coords, done: DoneCallback): HTMLElement {
    const tile = document.createElement('canvas');
    const density = Math.min(3, devicePixelRatio || 1);
    tile.width = tile.height = side * density;
    void this.#world(at.z).then((world) => {
      const pen = tile.getContext('2d');
      if (pen && world) {
        pen.scale(density, density);
        draw(pen, world, at, this.#colours());
      }
      done(undefined, tile);
    });
    return tile;
  }

  /** The world for a zoom; the rough one where the fine one cannot be loaded. */
  async #world(zoom: number): Promise<World | undefined> {
    const wanted = zoom >= closeUp ? 'fine' : 'rough';
    return (await this.#get(wanted)) ?? (wanted === 'fine' ? this.#get('rough') : undefined);
  }

  async #get(detail: Detail): Promise<World | undefined> {
    let world = this.#worlds.get(detail);
    if (!world) {
      world = loadWorld(detail, this.#end.signal).catch(() => {
        this.#worlds.delete(detail); // the next tile tries again
        return undefined;
      });
      this.#worlds.set(detail, world);
    }
    return world;
  }

  /** The colours of the theme, which the style sheet has as registered properties: they are computed. */
  #colours(): Colours {
    const style = getComputedStyle(this.getContainer() ?? document.documentElement);
    const colour = (name: string) => style.getPropertyValue(`--map-${name}`);
    return { land: colour('land'), coast: colour('coast'), border: colour('border'), grid: colour('grid') };
  }
}

function draw(pen: CanvasRenderingContext2D, world: World, at: Coords, colours: Colours) {
  const scale = side * 2 ** at.z;
  const view = { x: at.x * side, y: at.y * side, scale };

  pen.beginPath();
  for (const outline of world.land) if (inside(outline, view)) trace(pen, outline, view, true);
  pen.fillStyle = colours.land;
  pen.fill('evenodd');

  pen.lineJoin = 'round';
  pen.lineWidth = 1;
  pen.beginPath();
  for (const outline of world.land) if (inside(outline, view)) traceCoast(pen, outline, view);
  pen.strokeStyle = colours.coast;
  pen.stroke();

  pen.beginPath();
  for (const outline of world.borders) if (inside(outline, view)) trace(pen, outline, view, false);
  pen.strokeStyle = colours.border;
  pen.setLineDash([4, 3]);
  pen.stroke();
  pen.setLineDash([]);

  pen.beginPath();
  traceGrid(pen, view);
  pen.strokeStyle = colours.grid;
  pen.stroke();
}

interface View {
  x: number;
  y: number;
  scale: number;
}

function inside({ west, north, east, south }: Outline, { x, y, scale }: View): boolean {
  return (
    east * scale >= x - 2 &&
    west * scale <= x + side + 2 &&
    south * scale >= y - 2 &&
    north * scale <= y + side + 2
  );
}

/** Points that are less than half a pixel from the last one make no difference. */
function trace(pen: CanvasRenderingContext2D, { points }: Outline, { x, y, scale }: View, closed: boolean) {
  let [lastX, lastY] = [Infinity, Infinity];
  for (let i = 0; i < points.length; i += 2) {
    const [px, py] = [points[i]! * scale - x, points[i + 1]! * scale - y];
    if (i === 0) pen.moveTo(px, py);
    else if (Math.abs(px - lastX) + Math.abs(py - lastY) < 0.5 && i < points.length - 2) continue;
    else pen.lineTo(px, py);
    [lastX, lastY] = [px, py];
  }
  if (closed) pen.closePath();
}

/** The edges of areas, but for the lower edge of the map, which is no coast. */
function traceCoast(pen: CanvasRenderingContext2D, { points }: Outline, { x, y, scale }: View) {
  let drawing = false;
  for (let i = 0; i + 3 < points.length; i += 2) {
    const [ax, ay, bx, by] = [points[i]!, points[i + 1]!, points[i + 2]!, points[i + 3]!];
    if (ay === 1 || by === 1) {
      drawing = false;
      continue;
    }
    if (!drawing) pen.moveTo(ax * scale - x, ay * scale - y);
    pen.lineTo(bx * scale - x, by * scale - y);
    drawing = true;
  }
}

/** Meridians and parallels, closer together the closer one looks. */
function traceGrid(pen: CanvasRenderingContext2D, { x, y, scale }: View) {
  const step = gridSteps.findLast((s) => (s / 360) * scale >= gridWidth) ?? gridSteps[0]!;
  const longitude = (px: number) => (px / scale) * 360 - 180;
  const latitude = (py: number) => (Math.atan(Math.sinh(Math.PI * (1 - (2 * py) / scale))) * 180) / Math.PI;
  for (let n = Math.ceil(longitude(x) / step); n * step <= longitude(x + side); n++) {
    const px = Math.round(((n * step + 180) / 360) * scale - x) + 0.5;
    pen.moveTo(px, 0);
    pen.lineTo(px, side);
  }
  for (let n = Math.ceil(latitude(y + side) / step); n * step <= latitude(y); n++) {
    const phi = (n * step * Math.PI) / 180;
    const py =
      Math.round((0.5 - Math.log(Math.tan(Math.PI / 4 + phi / 2)) / (2 * Math.PI)) * scale - y) + 0.5;
    pen.moveTo(0, py);
    pen.lineTo(side, py);
  }
}
