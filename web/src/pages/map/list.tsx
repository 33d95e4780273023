import { useEffect, useRef } from 'preact/hooks';
import type { Place } from '../../api/contract';
import { formatDistance, formatMoment } from '../../text/format';
import { useMinutes } from '../../text/minutes';
import { Button } from '../../ui/button';
import { Icon, type IconName } from '../../ui/icon';
import { known, middle, pointsOf, writePosition } from './geometry';
import { nameOf, text } from './text';

interface Props {
  places: readonly Place[];
  me: string;
  chosen: string | undefined;
  following: string | undefined;
  /** The place that was chosen on the map: the focus goes to it. */
  focus: string | undefined;
  onChoose: (place: Place) => void;
  onFollow: (place: Place) => void;
  onEdit: (place: Place) => void;
  onWatchers: (place: Place) => void;
  onRemove: (place: Place) => void;
}

/** Everything that is on the map, in words. */
export function PlaceList({ places, me, ...rest }: Props) {
  const t = text();
  useMinutes();
  const own = places.filter((place) => place.ownerId === me);
  const others = places.filter((place) => place.ownerId !== me);
  return (
    <>
      <Section id="map-own" title={t.own} empty={t.ownEmpty} places={own} own {...rest} />
      <Section id="map-others" title={t.others} empty={t.othersEmpty} places={others} {...rest} />
    </>
  );
}

type SectionProps = Omit<Props, 'me'> & { id: string; title: string; empty: string; own?: boolean };

function Section({ id, title, empty, places, own = false, ...rest }: SectionProps) {
  return (
    <section class="map-section" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {places.length === 0 ? (
        <p class="hint">{empty}</p>
      ) : (
        <ul class="list">
          {places.map((place) => (
            <Row key={place.id} place={place} own={own} {...rest} />
          ))}
        </ul>
      )}
    </section>
  );
}

export function kindIcon(type: string): IconName {
  return type === 'LineString' ? 'line' : type === 'Polygon' ? 'area' : 'pin';
}

function Row({
  place,
  own,
  chosen,
  following,
  focus,
  onChoose,
  onFollow,
  onEdit,
  onWatchers,
  onRemove,
}: Omit<SectionProps, 'places' | 'id' | 'title' | 'empty'> & { place: Place }) {
  const t = text();
  const button = useRef<HTMLButtonElement>(null);
  const isChosen = place.id === chosen;
  useEffect(() => {
    if (focus !== place.id) return;
    button.current?.focus({ preventScroll: true });
    button.current?.scrollIntoView({ block: 'nearest' });
  }, [focus]);
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isChosen) item.current?.scrollIntoView({ block: 'nearest' }); // with its buttons
  }, [isChosen]);
  const at = Date.parse(place.updatedAt);
  return (
    <li ref={item} class={`map-item ${isChosen ? 'chosen' : ''}`} data-place={place.id}>
      <button
        ref={button}
        type="button"
        class="list-row map-choose"
        aria-pressed={isChosen}
        onClick={() => onChoose(place)}
      >
        <span class={`map-kind ${own ? 'own' : 'other'}`}>
          <Icon name={kindIcon(place.geometry.type)} size={20} />
        </span>
        <span class="list-text">
          <strong dir="auto">{nameOf(place)}</strong>
          <span class="hint map-where">{where(place)}</span>
          <span class="hint map-when">
            {!own && place.ownerName !== place.name && (
              <>
                <bdi class="map-owner">{t.owner(place.ownerName)}</bdi>
                <span aria-hidden="true"> · </span>
              </>
            )}
            <time dateTime={place.updatedAt} title={formatMoment(at)}>
              {t.updated(formatDistance(at))}
            </time>
          </span>
        </span>
      </button>
      {isChosen && (
        <div class="map-actions">
          <Button icon="target" aria-pressed={following === place.id} onClick={() => onFollow(place)}>
            {t.follow}
          </Button>
          {own && (
            <>
              <Button icon="people" onClick={() => onWatchers(place)}>
                {t.watchers}
              </Button>
              <Button icon="edit" onClick={() => onEdit(place)}>
                {t.edit}
              </Button>
              <Button icon="bin" onClick={() => onRemove(place)}>
                {t.remove}
              </Button>
            </>
          )}
        </div>
      )}
    </li>
  );
}

/** Where a place is, in words: its coordinates, or of a shape the kind, how many points, and the middle. */
function where({ geometry }: Place): string {
  const t = text();
  const shape = known(geometry);
  if (!shape) return t.kinds.other;
  if (shape.type === 'Point') return writePosition(middle(shape));
  return [t.kinds[shape.type], t.points(pointsOf(shape).length), writePosition(middle(shape))].join(' · ');
}
