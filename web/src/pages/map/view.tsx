import { useEffect, useRef, useState } from 'preact/hooks';
import { theme } from '../../shell/theme';
import { IconButton } from '../../ui/button';
import { MapCanvas, type View } from './canvas';
import type { Kind, Position } from './geometry';
import { formatLength, roundLength } from './measure';
import { text } from './text';

interface Props {
  /** Where it begins. */
  view: View | undefined;
  /** A click adds a point to a shape like this. */
  drawing: Kind | undefined;
  onCanvas: (canvas: MapCanvas | undefined) => void;
  onView: (view: View) => void;
  onChoose: (id: string) => void;
  onClick: (at: Position) => void;
  onDrag: () => void;
  onFit: () => void;
}

/** Where the server has the tiles come from; nothing: the world that comes with the page is drawn. */
const tiles = told('kachi-map-tiles');
/** Whose they are. */
const tilesCredit = told('kachi-map-credit');

function told(name: string): string | undefined {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content || undefined;
}

/** The longest that the scale is drawn, in pixels. */
const scaleWidth = 150;

/** The map with its controls. */
export function MapView({ view, drawing, onCanvas, onFit, ...handlers }: Props) {
  const t = text();
  const credit = tiles ? tilesCredit : t.credit;
  const ground = useRef<HTMLDivElement>(null);
  const latest = useRef(handlers);
  latest.current = handlers;
  const [canvas, setCanvas] = useState<MapCanvas>();
  const [metres, setMetres] = useState(0);

  useEffect(() => {
    const made: MapCanvas = new MapCanvas(ground.current!, {
      view,
      tiles,
      onChoose: (id) => latest.current.onChoose(id),
      onClick: (at) => latest.current.onClick(at),
      onDrag: () => latest.current.onDrag(),
      onView: (next) => {
        setMetres(made.metresPerPixel);
        latest.current.onView(next);
      },
    });
    setMetres(made.metresPerPixel);
    setCanvas(made);
    onCanvas(made);
    const size = new ResizeObserver(() => made.resize());
    size.observe(ground.current!);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => made.redraw();
    dark.addEventListener('change', redraw);
    return () => {
      size.disconnect();
      dark.removeEventListener('change', redraw);
      onCanvas(undefined);
      made.remove();
    };
  }, []);
  useEffect(() => canvas?.redraw(), [theme.value]);

  const length = metres > 0 ? roundLength(metres, scaleWidth) : 0;
  return (
    <div class="map-frame">
      <div ref={ground} class="map-ground" role="application" aria-label={t.map} />
      <div class="map-controls">
        <IconButton icon="plus" label={t.zoomIn} onClick={() => canvas?.zoom(1)} />
        <IconButton icon="minus" label={t.zoomOut} onClick={() => canvas?.zoom(-1)} />
        <IconButton icon="fit" label={t.showAll} onClick={onFit} />
      </div>
      {drawing && <p class="map-hint">{t.editor.drawing[drawing]}</p>}
      <div class="map-foot">
        {length > 0 && (
          <span class="map-scale" style={{ inlineSize: `${length / metres}px` }}>
            <span class="unseen">{t.scale(formatLength(length))}</span>
            <span aria-hidden="true">{formatLength(length)}</span>
          </span>
        )}
        {credit && <span class="map-credit">{credit}</span>}
      </div>
    </div>
  );
}
