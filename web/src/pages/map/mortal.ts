// Leaflet's map, which ends when it is removed. Leaflet 1.9 leaves timers and frames behind (of a zoom, a change
// of size, the wheel, two fingers, the slide behind a throw), and they go on with a map that has no pane any more.

import {
  Map as LeafletMap,
  Util,
  type PanOptions,
  type PointExpression,
} from 'leaflet/dist/leaflet-src.esm.js';

/** What Leaflet keeps to itself, and does not stop. */
interface Running {
  /** A zoom ends with a timer, which does nothing where there is no zoom. */
  _animatingZoom?: boolean;
  _sizeTimer?: number;
  scrollWheelZoom?: { _timer?: number };
  touchZoom?: { _animRequest?: number };
}

export class MortalMap extends LeafletMap {
  #removed = false;

  override remove(): this {
    this.#removed = true;
    const running = this as unknown as Running;
    running._animatingZoom = false;
    clearTimeout(running._sizeTimer);
    clearTimeout(running.scrollWheelZoom?._timer);
    const fingers = running.touchZoom?._animRequest;
    if (fingers !== undefined) Util.cancelAnimFrame(fingers);
    return super.remove();
  }

  /** The slide behind a throw begins in the frame after it. */
  override panBy(offset: PointExpression, options?: PanOptions): this {
    return this.#removed ? this : super.panBy(offset, options);
  }
}
