// The map itself: places and a draft on Leaflet. It draws what it is told, and tells what the user does.
// Everything that can be done here can be done in the list and the forms beside it.

import {
  Marker,
  circle,
  divIcon,
  latLngBounds,
  marker,
  polygon,
  polyline,
  tileLayer,
  type Circle,
  type GridLayer,
  type LatLng,
  type LatLngExpression,
  type Layer,
  type LeafletMouseEvent,
  type Polyline,
} from 'leaflet/dist/leaflet-src.esm.js';
import type { Place } from '../../api/contract';
import { BaseMap } from './basemap';
import { known, middle, pointsOf, type Draft, type Geometry, type Position } from './geometry';
import { MortalMap } from './mortal';
import type { Fix } from './sharing';

export interface View {
  center: Position;
  zoom: number;
}

interface Options {
  /** Where it begins; the whole world where nothing is known. */
  view: View | undefined;
  /** The address of map tiles in the place of the map that comes with the page. */
  tiles: string | undefined;
  /** The user chose a place on the map. */
  onChoose: (id: string) => void;
  /** The user clicked on the map where nothing is. */
  onClick: (at: Position) => void;
  /** The user moved the map: to have it follow something else would be against their will. */
  onDrag: () => void;
  onView: (view: View) => void;
}

/** What the user does with a draft. */
export interface Editing {
  moved: (index: number, to: Position) => void;
  inserted: (after: number, at: Position) => void;
  /** The whole shape, in degrees. */
  shifted: (north: number, east: number) => void;
}

interface Drawn {
  place: Place;
  own: boolean;
  marker: Marker;
  shape: Shape | undefined;
}

/** A line, or an area, which is one that is closed. */
type Shape = Polyline<any>;

const latLng = ({ latitude, longitude }: Position): LatLngExpression => [latitude, longitude];
const fromLatLng = ({ lat, lng }: LatLng): Position => ({ latitude: lat, longitude: lng });

const holesOf = (draft: Draft) =>
  draft.holes.map((ring) => ring.map(([longitude, latitude]): LatLngExpression => [latitude!, longitude!]));

/** A point is looked at from no farther than this. */
const pointZoom = 11;

/** The closest that places are shown from when the map is made to show them. */
const fitZoom = 15;

export class MapCanvas {
  readonly #map: MortalMap;
  readonly #ground: GridLayer;
  readonly #options: Options;
  readonly #drawn = new Map<string, Drawn>();
  #chosen: string | undefined;
  #draft: Layer[] = [];
  #fix: Circle | undefined;
  #untangling: number | undefined;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');

  constructor(element: HTMLElement, options: Options) {
    this.#options = options;
    this.#map = new MortalMap(element, {
      zoomControl: false, // Leaflet's controls are made of markup, which the pages' policy forbids
      attributionControl: false,
      minZoom: 1,
      maxZoom: 19,
      worldCopyJump: true,
      maxBounds: [
        [-88, -Infinity],
        [88, Infinity],
      ],
      maxBoundsViscosity: 0.8,
      zoomSnap: 0.5,
      fadeAnimation: !this.#calm.matches,
      zoomAnimation: !this.#calm.matches,
      markerZoomAnimation: !this.#calm.matches,
      inertia: !this.#calm.matches,
    });
    this.#ground = options.tiles ? tileLayer(options.tiles, { maxZoom: 19 }) : new BaseMap();
    this.#ground.addTo(this.#map);
    this.#map.setView(
      latLng(options.view?.center ?? { latitude: 25, longitude: 60 }),
      options.view?.zoom ?? 1.5,
    );
    this.#map.on('click', (event: LeafletMouseEvent) => options.onClick(fromLatLng(event.latlng)));
    this.#map.on('dragstart', () => options.onDrag());
    this.#map.on('moveend', () => {
      options.onView(this.view);
      this.#untangle();
    });
  }

  get view(): View {
    const { lat, lng } = this.#map.getCenter().wrap();
    return { center: { latitude: lat, longitude: lng }, zoom: this.#map.getZoom() };
  }

  /** How many metres a pixel in the middle is. */
  get metresPerPixel(): number {
    const size = this.#map.getSize();
    const y = size.y / 2;
    return this.#map.distance(
      this.#map.containerPointToLatLng([size.x / 2, y]),
      this.#map.containerPointToLatLng([size.x / 2 + 1, y]),
    );
  }

  /** Draws the places, and takes away what is no longer among them. */
  show(places: readonly Place[], me: string) {
    const ids = new Set(places.map((place) => place.id));
    for (const [id, drawn] of this.#drawn) if (!ids.has(id)) this.#erase(id, drawn);
    for (const place of places) {
      const drawn = this.#drawn.get(place.id);
      if (drawn?.place === place) continue;
      const geometry = known(place.geometry);
      if (
        drawn &&
        geometry &&
        drawn.place.geometry.type === geometry.type &&
        drawn.place.name === place.name
      ) {
        this.#move(drawn, place, geometry);
      } else {
        if (drawn) this.#erase(place.id, drawn);
        if (geometry) this.#draw(place, geometry, place.ownerId === me);
      }
    }
    this.#untangle();
  }

  /** Has one place stand out. */
  choose(id: string | undefined) {
    const before = this.#chosen;
    this.#chosen = id;
    for (const each of [before, id]) {
      const drawn = each === undefined ? undefined : this.#drawn.get(each);
      if (drawn) this.#mark(drawn);
    }
    this.#untangle();
  }

  /** Hides names that would lie on others: the chosen place keeps its own, and the user's come before others'. */
  #untangle() {
    this.#untangling ??= requestAnimationFrame(() => {
      this.#untangling = undefined;
      const rank = ({ place, own }: Drawn) => (place.id === this.#chosen ? 0 : own ? 1 : 2);
      const names = [...this.#drawn.values()]
        .sort((a, b) => rank(a) - rank(b))
        .map(({ marker }) => marker.getElement()!)
        .map((element) => ({ element, box: element.querySelector('.map-label')!.getBoundingClientRect() }));
      const view = this.#map.getContainer().getBoundingClientRect();
      const shown: DOMRect[] = [];
      for (const { element, box } of names) {
        const covered = overlap(box, view) && shown.some((other) => overlap(box, other));
        element.classList.toggle('covered', covered);
        if (!covered && overlap(box, view)) shown.push(box);
      }
    });
  }

  /** Goes where a place is, close enough to see it. */
  goTo(geometry: Geometry) {
    const points = pointsOf(geometry).map(latLng);
    if (points.length > 1) {
      this.#map.fitBounds(latLngBounds(points as [number, number][]).pad(0.2), {
        maxZoom: fitZoom,
        ...this.#motion,
      });
    } else {
      this.#map.setView(points[0]!, Math.max(this.#map.getZoom(), pointZoom), this.#motion);
    }
  }

  /** Keeps a place in the middle. */
  panTo(at: Position) {
    this.#map.panTo(latLng(at), this.#motion);
  }

  fit(geometries: readonly Geometry[]) {
    const points = geometries.flatMap(pointsOf).map(latLng) as [number, number][];
    if (points.length === 0) this.#map.setView([25, 60], 1.5, this.#motion);
    else this.#map.fitBounds(latLngBounds(points).pad(0.15), { maxZoom: fitZoom - 4, ...this.#motion });
  }

  zoom(by: 1 | -1) {
    this.#map.setZoom(this.#map.getZoom() + by, this.#motion);
  }

  /** The theme has changed. */
  redraw() {
    if (this.#ground instanceof BaseMap) this.#ground.redraw();
  }

  /** The space for the map has changed. */
  resize() {
    this.#map.invalidateSize({ pan: false, debounceMoveend: true });
  }

  /** Shows where the device is, and how sure it is. */
  locate(fix: Fix | undefined) {
    this.#fix?.remove();
    this.#fix =
      fix && circle(latLng(fix), { radius: fix.accuracy, className: 'map-fix', interactive: false });
    this.#fix?.addTo(this.#map);
  }

  /** Shows what is being edited, with handles. */
  edit(draft: Draft | undefined, editing: Editing) {
    for (const layer of this.#draft) layer.remove();
    this.#draft = [];
    this.#map.getContainer().classList.toggle('drawing', draft !== undefined);
    if (!draft) return;
    const line = draft.points.map(latLng);
    let shape: Shape | undefined;
    if (draft.kind !== 'Point') {
      const style = { className: `map-draft ${draft.kind}`, interactive: false };
      shape = draft.kind === 'Polygon' ? polygon([line, ...holesOf(draft)], style) : polyline(line, style);
      this.#add(shape);
    }
    this.#vertices(draft, shape, editing);
    if (draft.kind !== 'Point' && draft.points.length > 1) this.#middles(draft, editing);
  }

  #vertices(draft: Draft, shape: Shape | undefined, editing: Editing) {
    draft.points.forEach((point, index) => {
      const handle = this.#handle('vertex', point);
      handle.on('drag', () => {
        if (!shape) return;
        const line = draft.points.map((p, i) => (i === index ? handle.getLatLng() : latLng(p)));
        shape.setLatLngs(draft.kind === 'Polygon' ? [line, ...holesOf(draft)] : line);
      });
      handle.on('dragend', () => editing.moved(index, fromLatLng(handle.getLatLng())));
    });
  }

  #middles(draft: Draft, editing: Editing) {
    const n = draft.points.length;
    const edges = draft.kind === 'Polygon' && n > 2 ? n : n - 1;
    for (let i = 0; i < edges; i++) {
      const [a, b] = [draft.points[i]!, draft.points[(i + 1) % n]!];
      const between = { latitude: (a.latitude + b.latitude) / 2, longitude: (a.longitude + b.longitude) / 2 };
      const handle = this.#handle('between', between);
      handle.on('dragend', () => editing.inserted(i, fromLatLng(handle.getLatLng())));
      handle.on('click', () => editing.inserted(i, between));
    }
    const center = draft.points.reduce(
      (sum, p) => ({ latitude: sum.latitude + p.latitude / n, longitude: sum.longitude + p.longitude / n }),
      { latitude: 0, longitude: 0 },
    );
    if (n < 3) return;
    const whole = this.#handle('whole', center);
    whole.on('dragend', () => {
      const to = whole.getLatLng();
      editing.shifted(to.lat - center.latitude, to.lng - center.longitude);
    });
  }

  #handle(kind: string, at: Position): Marker {
    const handle = marker(latLng(at), {
      draggable: true,
      keyboard: false,
      icon: divIcon({
        className: `map-handle ${kind}`,
        html: document.createElement('span'),
        iconSize: [44, 44],
      }),
      zIndexOffset: kind === 'vertex' ? 2000 : 1000,
    });
    this.#add(handle);
    return handle;
  }

  #add(layer: Layer) {
    layer.addTo(this.#map);
    this.#draft.push(layer);
  }

  /** Ends all that moves here. Nothing may be asked of the map any more. */
  remove() {
    this.#options.onView(this.view); // also in the middle of a move
    this.#map.off('click dragstart moveend');
    if (this.#untangling !== undefined) cancelAnimationFrame(this.#untangling);
    this.#map.remove();
  }

  get #motion() {
    return { animate: !this.#calm.matches };
  }

  #draw(place: Place, geometry: Geometry, own: boolean) {
    const kind = own ? 'own' : 'other';
    const style = { className: `map-shape ${kind} ${geometry.type}`, weight: 3 };
    const line = pointsOf(geometry).map(latLng) as [number, number][];
    const shape =
      geometry.type === 'Polygon'
        ? polygon([line], style)
        : geometry.type === 'LineString'
          ? polyline(line, style)
          : undefined;
    const label = document.createElement('span');
    label.className = 'map-label';
    label.dir = 'auto';
    label.textContent = place.name;
    label.hidden = place.name === '';
    const body = document.createElement('span');
    body.className = 'map-body';
    body.append(label);
    const drawn: Drawn = {
      place,
      own,
      shape,
      marker: marker(latLng(middle(geometry)), {
        keyboard: false,
        icon: divIcon({ className: `map-marker ${kind} ${geometry.type}`, html: body, iconSize: [44, 44] }),
      }),
    };
    const choose = () => this.#options.onChoose(place.id);
    drawn.marker.on('click', choose);
    shape?.on('click', (event: LeafletMouseEvent) => {
      event.originalEvent.stopPropagation();
      choose();
    });
    shape?.addTo(this.#map);
    drawn.marker.addTo(this.#map);
    this.#drawn.set(place.id, drawn);
    if (shape) this.#setShape(drawn, geometry);
    this.#mark(drawn);
  }

  #move(drawn: Drawn, place: Place, geometry: Geometry) {
    drawn.place = place;
    this.#glide(drawn.marker);
    drawn.marker.setLatLng(latLng(middle(geometry)));
    this.#setShape(drawn, geometry);
  }

  /** Has a marker go where it is put next, not jump. */
  #glide(marker: Marker) {
    const element = marker.getElement();
    element?.classList.add('gliding');
    setTimeout(() => element?.classList.remove('gliding'), 700);
  }

  #setShape({ shape }: Drawn, geometry: Geometry) {
    if (!shape || geometry.type === 'Point') return;
    const rings = geometry.type === 'Polygon' ? geometry.coordinates : [geometry.coordinates];
    const lines = rings.map((ring) =>
      ring.map(([longitude, latitude]) => [latitude!, longitude!] as [number, number]),
    );
    shape.setLatLngs(geometry.type === 'Polygon' ? lines : lines[0]!);
  }

  #mark({ place, marker, shape }: Drawn) {
    const chosen = place.id === this.#chosen;
    marker.getElement()?.classList.toggle('chosen', chosen);
    shape?.getElement()?.classList.toggle('chosen', chosen);
    marker.setZIndexOffset(chosen ? 500 : 0);
  }

  #erase(id: string, { marker, shape }: Drawn) {
    marker.remove();
    shape?.remove();
    this.#drawn.delete(id);
  }
}

function overlap(a: DOMRect, b: DOMRect): boolean {
  return a.width > 0 && a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
