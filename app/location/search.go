package location

import (
	"context"

	"github.com/paulmach/orb"

	"github.com/kachi-io/kachi/app/account"
	"github.com/kachi-io/kachi/app/store"
)

// Bounds of one answer beside the number of its locations.
const (
	chunk        = 50      // locations that are read at once
	maxLooked    = 10_000  // locations, of which some are too far away
	maxPositions = 100_000 // of all geometries together, give or take a chunk
)

// Mine returns a person's own locations above an id, by id.
func (l *Locations) Mine(ctx context.Context, u account.User, after store.ID, limit int) (FeatureCollection, error) {
	return collect(after, limit, nil, func(after store.ID, n int) ([]store.Location, error) {
		return l.db.LocationsOf(ctx, u.ID, after, n)
	})
}

// Find returns the locations above an id that somebody may see and whose bounding boxes meet
// an area, or that are within its radius; by id.
func (l *Locations) Find(ctx context.Context, u account.User, a Area, after store.ID, limit int) (FeatureCollection, error) {
	return collect(after, limit, a.measure(), func(after store.ID, n int) ([]store.Location, error) {
		if u.Admin() {
			return l.db.LocationsIn(ctx, a.boxes, after, n)
		}
		return l.db.LocationsInFor(ctx, u.ID, a.boxes, after, n)
	})
}

// measure returns what measures the distance of a place, and whether it is near enough.
func (a Area) measure() func(orb.Geometry) (float64, bool) {
	if a.radius == 0 {
		return nil
	}
	return func(place orb.Geometry) (float64, bool) {
		d := distance(a.center, place)
		return d, d <= a.radius
	}
}

// collect puts one page together, a chunk at a time, until it is full.
func collect(after store.ID, limit int, measure func(orb.Geometry) (float64, bool), read func(after store.ID, n int) ([]store.Location, error)) (FeatureCollection, error) {
	page := FeatureCollection{Type: "FeatureCollection", Features: []Feature{}}
	for looked, positions := 0, 0; ; {
		list, err := read(after, chunk)
		if err != nil {
			return page, err
		}
		for _, at := range list {
			after = at.ID
			looked++
			f := featureOf(at)
			if measure != nil {
				d, near := measure(at.Place)
				if !near {
					continue
				}
				f.Properties.Distance = &d
			}
			page.Features = append(page.Features, f)
			positions += size(at.Place)
			if len(page.Features) == limit {
				page.Next = &after
				return page, nil
			}
		}
		switch {
		case len(list) < chunk:
			return page, nil
		case looked >= maxLooked || positions >= maxPositions:
			page.Next = &after
			return page, nil
		}
	}
}

// size is how many positions a geometry has.
func size(g orb.Geometry) (n int) {
	switch g := g.(type) {
	case orb.LineString:
		return len(g)
	case orb.Polygon:
		for _, ring := range g {
			n += len(ring)
		}
		return n
	}
	return 1
}
