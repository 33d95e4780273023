import { useEffect, useRef, useState } from 'preact/hooks';
import type { Place } from '../../api/contract';
import { ApiError } from '../../api/error';
import { keep, kept } from '../../kept';
import { LocationClient } from '../../live/gateways';
import { useApp, useLive, useUser } from '../../shell/app';
import { Heading } from '../../shell/heading';
import { common } from '../../text/common';
import { errorText } from '../../text/errors';
import { Button } from '../../ui/button';
import { Dialog } from '../../ui/dialog';
import { Failed, SkeletonList } from '../../ui/states';
import { toast } from '../../ui/toast';
import { name } from '.';
import { allPlaces, deletePlace, putPlace } from './calls';
import type { MapCanvas } from './canvas';
import { Editor } from './editor';
import {
  draftOf,
  emptyDraft,
  known,
  middle,
  most,
  shifted,
  toGeometry,
  withMoved,
  withPoint,
  withPointAfter,
  type Draft,
  type Geometry,
  type Position,
} from './geometry';
import { PlaceList } from './list';
import './map.css';
import { Places } from './places';
import { ShareCard } from './share';
import { Sharing, type Fix } from './sharing';
import { nameOf, text } from './text';
import { MapView } from './view';
import { Watchers } from './watchers';

/** What is being made or changed. Without a draft it is a shape that only its name can be changed of. */
interface Editing {
  place: Place | undefined;
  draft: Draft | undefined;
}

export function MapPage() {
  const app = useApp();
  const me = useUser().id;
  const t = text();
  const lease = useLive(LocationClient);
  const [places] = useState(() => new Places(me, (signal) => allPlaces(app.api, signal)));
  const sharing = useSharing(places);
  const [canvas, setCanvas] = useState<MapCanvas>();
  const [chosen, choose] = useState<string>();
  const [focus, setFocus] = useState<string>();
  const [following, follow] = useState<string>();
  const [editing, edit] = useState<Editing>();
  const [watchersOf, showWatchers] = useState<string>();
  const [removing, askToRemove] = useState<Place>();
  const opener = useRef<HTMLElement | null>(null);
  const all = places.all.value;
  const loading = places.loading.value;

  useEffect(() => {
    void places.reload(); // also where there is no live connection
    return () => places.stop();
  }, []);
  useEffect(() => {
    if (!lease) return;
    places.follow(lease, (what, place) => toast(() => text().news[what](nameOf(place), place.ownerName)));
  }, [lease]);
  useEffect(() => {
    // Not everything is told: of more than maxWatched places, and of others' new ones to administrators.
    const look = () => {
      if (document.visibilityState === 'visible') void places.reload();
    };
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, []);

  // What is on the map follows from what is known and chosen.
  const editedId = editing?.place?.id;
  useEffect(
    () => canvas?.show(editing?.draft ? all.filter((p) => p.id !== editedId) : all, me),
    [canvas, all, editedId, !editing?.draft],
  );
  useEffect(() => canvas?.choose(chosen), [canvas, chosen]);
  const followed = following === undefined ? undefined : places.get(following);
  useEffect(() => {
    const geometry = followed && known(followed.geometry);
    if (geometry) canvas?.panTo(middle(geometry));
  }, [canvas, followed]);
  const draft = editing?.draft;
  const change = (next: (draft: Draft) => Draft) =>
    edit((e) => (e?.draft ? { ...e, draft: next(e.draft) } : e));
  useEffect(() => {
    canvas?.edit(draft, {
      moved: (index, to) => change((d) => withMoved(d, index, to)),
      inserted: (after, at) => change((d) => withPointAfter(d, after, at)),
      shifted: (north, east) => change((d) => shifted(d, north, east)),
    });
  }, [canvas, draft]);
  const state = sharing.state.value;
  useEffect(() => canvas?.locate(state.kind === 'sharing' ? state.fix : undefined), [canvas, state]);

  // The first time, everything is in sight.
  const fitted = useRef(kept(viewKey) !== null);
  useEffect(() => {
    if (!canvas || fitted.current || loading.kind !== 'ready') return;
    fitted.current = true;
    canvas.fit(geometries(all));
  }, [canvas, loading]);

  const show = (place: Place) => {
    choose(place.id);
    const geometry = known(place.geometry);
    if (geometry) canvas?.goTo(geometry);
  };
  const begin = (next: Editing) => {
    opener.current = document.activeElement as HTMLElement | null;
    follow(undefined);
    edit(next);
    const geometry = next.place && known(next.place.geometry);
    if (geometry) canvas?.goTo(geometry);
  };
  const end = () => {
    edit(undefined);
    requestAnimationFrame(() => {
      const before = opener.current;
      (before?.isConnected ? before : document.querySelector<HTMLElement>('.map-create button'))?.focus();
    });
  };
  const save = async (newName: string, draft: Draft | undefined) => {
    const place = editing?.place;
    const geometry = draft ? toGeometry(draft) : place!.geometry;
    const stored = await putPlace(app.api, { ...(place && { id: place.id }), name: newName, geometry });
    places.put(stored);
    choose(stored.id);
    end();
    toast(() => text().editor.saved(stored.name), { tone: 'good' });
  };
  const remove = async (place: Place) => {
    askToRemove(undefined);
    try {
      await deletePlace(app.api, place.id);
      places.delete(place.id);
      toast(() => text().removed(nameOf(place)), { tone: 'good' });
    } catch (error) {
      toast(() => `${text().notRemoved} ${errorText(error)}`, { tone: 'bad' });
    }
  };
  const shared = sharedPlace(places, me);
  const watched = watchersOf === undefined ? undefined : places.get(watchersOf);

  return (
    <>
      <Heading
        title={name().title}
        actions={
          !editing && (
            <span class="map-create">
              <Button icon="plus" onClick={() => begin({ place: undefined, draft: emptyDraft('Point') })}>
                {t.create}
              </Button>
            </span>
          )
        }
      />
      <div class="map-page">
        <MapView
          view={savedView()}
          drawing={draft?.kind}
          onCanvas={setCanvas}
          onView={(view) => keep(viewKey, JSON.stringify(view))}
          onChoose={(id) => {
            if (draft) return;
            choose(id);
            setFocus(id);
          }}
          onClick={(at: Position) => (draft ? change((d) => withPoint(d, at)) : choose(undefined))}
          onDrag={() => follow(undefined)}
          onFit={() => canvas?.fit(geometries(all))}
        />
        <div class="map-side">
          {editing ? (
            <Editor
              place={editing.place}
              draft={draft}
              middle={() => canvas?.view.center ?? { latitude: 0, longitude: 0 }}
              onDraft={(next) => change(() => next)}
              onSave={save}
              onCancel={end}
            />
          ) : (
            <>
              <ShareCard sharing={sharing} onWho={shared && (() => showWatchers(shared.id))} />
              <p class="unseen" role="status">
                {followed && t.following(nameOf(followed))}
              </p>
              {loading.kind === 'failed' && (
                <Failed title={t.failed} error={loading.error} onAgain={() => void places.reload()} />
              )}
              {loading.kind === 'loading' && all.length === 0 ? (
                <SkeletonList />
              ) : (
                (all.length > 0 || loading.kind === 'ready') && (
                  <PlaceList
                    places={all}
                    me={me}
                    chosen={chosen}
                    following={following}
                    focus={focus}
                    onChoose={(place) => {
                      setFocus(undefined);
                      if (place.id === chosen) choose(undefined);
                      else show(place);
                    }}
                    onFollow={(place) => follow(following === place.id ? undefined : place.id)}
                    onEdit={(place) => begin({ place, draft: draftFor(place) })}
                    onWatchers={(place) => showWatchers(place.id)}
                    onRemove={askToRemove}
                  />
                )
              )}
            </>
          )}
        </div>
      </div>
      {watched && <Watchers place={watched} onClose={() => showWatchers(undefined)} />}
      {removing && (
        <Dialog
          title={t.removeTitle(nameOf(removing))}
          onClose={() => askToRemove(undefined)}
          actions={
            <>
              <Button onClick={() => askToRemove(undefined)}>{common().cancel}</Button>
              <Button kind="danger" onClick={() => void remove(removing)}>
                {t.remove}
              </Button>
            </>
          }
        >
          <p>{t.removeBody}</p>
        </Dialog>
      )}
    </>
  );
}

const viewKey = 'map-view';

function savedView() {
  try {
    const view = JSON.parse(kept(viewKey) ?? '') as { center: Position; zoom: number };
    const { latitude, longitude } = view.center;
    return [latitude, longitude, view.zoom].every(Number.isFinite) ? view : undefined;
  } catch {
    return undefined;
  }
}

function geometries(places: readonly Place[]): Geometry[] {
  return places.map((place) => known(place.geometry)).filter((g) => g !== undefined);
}

/** The draft of a place, unless it has more points than can be edited. */
function draftFor(place: Place): Draft | undefined {
  const draft = draftOf(place.geometry);
  return draft && draft.points.length <= most ? draft : undefined;
}

const sharedKey = (me: string) => `shared-place.${me}`;

/** The place that stands for where the user is. */
function sharedPlace(places: Places, me: string): Place | undefined {
  const id = kept(sharedKey(me));
  const place = id === null ? undefined : places.get(id);
  return place?.ownerId === me && place.geometry.type === 'Point' ? place : undefined;
}

/** Shares the device's position as a place of the user's, for as long as the page is open. */
function useSharing(places: Places): Sharing {
  const { api } = useApp();
  const user = useUser();
  const [sharing] = useState(() => {
    const send = async ({ latitude, longitude }: Fix) => {
      const geometry: Geometry = toGeometry(withPoint(emptyDraft('Point'), { latitude, longitude }));
      const id = kept(sharedKey(user.id));
      if (id !== null) {
        try {
          return places.put(await putPlace(api, { id, geometry }));
        } catch (error) {
          if (!(error instanceof ApiError && (error.code === 'not_found' || error.code === 'forbidden')))
            throw error;
        }
      }
      const made = await putPlace(api, { name: user.name, geometry });
      keep(sharedKey(user.id), made.id);
      return places.put(made);
    };
    return new Sharing(isSecureContext ? navigator.geolocation : undefined, send);
  });
  useEffect(() => () => sharing.stop(), []);
  return sharing;
}
