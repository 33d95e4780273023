// The calls of the API that the map makes.

import type { Api } from '../../api/api';
import type { Geometry, Place, PlaceFeature } from '../../api/contract';

/** So many pages of places are loaded at most, of so many places each. */
const maxPages = 4;
const pageSize = 500;

/** All places that the user may see, up to a bound. */
export async function allPlaces(api: Api, signal: AbortSignal): Promise<Place[]> {
  const places: Place[] = [];
  let after: string | null = null;
  for (let page = 0; page < maxPages; page++) {
    const query = { bbox: '-180,-90,180,90', limit: pageSize, ...(after !== null && { after }) };
    const found: { features: PlaceFeature[]; next: string | null } = await api.call('GET /api/location', {
      query,
      signal,
    });
    places.push(...found.features.map(placeOf));
    after = found.next;
    if (after === null) break;
  }
  return places;
}

export async function putPlace(
  api: Api,
  body: { id?: string; name?: string; geometry: Geometry },
): Promise<Place> {
  return (await api.call('PUT /api/location', { body })).data.updatedLocationResult;
}

export function deletePlace(api: Api, id: string): Promise<void> {
  return api.call('DELETE /api/location/{id}', { path: { id } });
}

function placeOf({ id, geometry, properties }: PlaceFeature): Place {
  const { name, ownerId, ownerName, updatedAt, version } = properties;
  return { id, geometry, name, ownerId, ownerName, updatedAt, version };
}
