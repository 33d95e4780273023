package store_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/paulmach/orb"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/internal/assert"
)

var (
	seoul  = orb.Point{126.978, 37.5665}
	vienna = orb.Point{16.37, 48.2}
)

func addLocation(t *testing.T, db *store.DB, owner store.ID, place orb.Geometry) store.Location {
	t.Helper()
	l, err := db.AddLocation(t.Context(), store.Location{Owner: owner, Name: "집", Place: place, Updated: noon}, 1000)
	assert.NoError(t, err)
	return l
}

func TestLocations(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina := addUser(t, db, "mina")
		for _, place := range []orb.Geometry{
			seoul,
			orb.Point{-180, -90},
			orb.Point{180, 90},
			orb.LineString{seoul, vienna, {0.1, -0.2}},
			orb.LineString{seoul, seoul},
			orb.Polygon{{{0, 0}, {10, 0}, {10, 10}, {0, 0}}, {{5, 2}, {6, 2}, {6, 3}, {5, 2}}},
			orb.Polygon{{{-180, -90}, {180, -90}, {180, 90}, {-180, 90}, {-180, -90}}},
		} {
			l := addLocation(t, db, mina.ID, place)
			assert.True(t, l.ID > 0)
			got, err := db.Location(t.Context(), l.ID)
			assert.NoError(t, err)
			assert.Equal(t, got, store.Location{ID: l.ID, Owner: mina.ID, OwnerName: "mina", Name: "집", Place: place, Version: 1, Updated: noon})
		}
		_, err := db.AddLocation(t.Context(), store.Location{Owner: mina.ID, Place: orb.MultiPoint{seoul}}, 1000)
		assert.True(t, err != nil, "there are three kinds")
		_, err = db.AddLocation(t.Context(), store.Location{Owner: mina.ID, Place: seoul}, 7)
		assert.ErrorIs(t, err, store.ErrTooMany)
		_, err = db.AddLocation(t.Context(), store.Location{Owner: 99, Place: seoul}, 1000)
		assert.ErrorIs(t, err, store.ErrNotFound)
		_, err = db.Location(t.Context(), 99)
		assert.ErrorIs(t, err, store.ErrNotFound)
	})
}

func TestChangeLocation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := addLocation(t, db, addUser(t, db, "mina").ID, seoul)
		move := func(to orb.Geometry) func(*store.Location) error {
			return func(l *store.Location) error { l.Place, l.Name = to, "moved"; return nil }
		}
		moved, err := db.ChangeLocation(t.Context(), l.ID, noon.Add(time.Hour), move(vienna))
		assert.NoError(t, err)
		assert.Equal(t, moved, store.Location{ID: l.ID, Owner: l.Owner, OwnerName: "mina", Name: "moved", Place: vienna, Version: 2, Updated: noon.Add(time.Hour)})
		got, err := db.Location(t.Context(), l.ID)
		assert.NoError(t, err)
		assert.Equal(t, got, moved)
		_, err = db.ChangeLocation(t.Context(), 99, noon, move(vienna))
		assert.ErrorIs(t, err, store.ErrNotFound)

		refused := errors.New("refused")
		_, err = db.ChangeLocation(t.Context(), l.ID, noon, func(l *store.Location) error { l.Place = seoul; return refused })
		assert.ErrorIs(t, err, refused)
		got, err = db.Location(t.Context(), l.ID)
		assert.NoError(t, err)
		assert.Equal(t, got, moved)

		// Each change is a version of its own.
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				if _, err := db.ChangeLocation(t.Context(), l.ID, noon, move(seoul)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got, err = db.Location(t.Context(), l.ID)
		assert.NoError(t, err)
		assert.Equal(t, got.Version, int64(22))
	})
}

func TestLocationsInBoxes(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina, jun := addUser(t, db, "mina"), addUser(t, db, "jun")
		add := func(place orb.Geometry) store.ID { return addLocation(t, db, mina.ID, place).ID }
		point := add(orb.Point{16.37, 48.2})
		line := add(orb.LineString{{10, 40}, {20, 45}})
		ring := add(orb.Polygon{{{-10, -10}, {10, -10}, {10, 10}, {-10, -10}}})
		wide := add(orb.LineString{{-170, 60}, {170, 60}})
		east, west := add(orb.Point{179.5, -20}), add(orb.Point{-180, -20})
		// Neighbours that 32-bit numbers do not tell apart.
		fine := add(orb.Point{100.00000001, 20})
		in := func(boxes ...store.Box) (ids []store.ID) {
			t.Helper()
			found, err := db.LocationsIn(t.Context(), boxes, 0, 100)
			assert.NoError(t, err)
			same, err := db.LocationsInFor(t.Context(), mina.ID, boxes, 0, 100)
			assert.NoError(t, err)
			assert.Equal(t, same, found)
			none, err := db.LocationsInFor(t.Context(), jun.ID, boxes, 0, 100)
			assert.NoError(t, err)
			assert.Equal(t, none, []store.Location{})
			for _, l := range found {
				ids = append(ids, l.ID)
			}
			return ids
		}
		some := func(ids ...store.ID) []store.ID { return ids }
		assert.Equal(t, in(store.Box{16, 48, 17, 49}), some(point))
		assert.Equal(t, in(store.Box{16.37, 48.2, 16.37, 48.2}), some(point), "the point alone")
		assert.Equal(t, in(store.Box{16.37, 48.2, 17, 49}), some(point), "on the edge")
		assert.Equal(t, in(store.Box{16.370000000001, 48.2, 17, 49}), some())
		assert.Equal(t, in(store.Box{12, 44, 13, 44.5}), some(line), "a box meets the box around the line")
		assert.Equal(t, in(store.Box{48, 16, 49, 17}), some(), "longitude comes first")
		assert.Equal(t, in(store.Box{0, 0, 1, 1}), some(ring))
		assert.Equal(t, in(store.Box{0, 59, 1, 61}), some(wide))
		assert.Equal(t, in(store.Box{179, -30, 180, -10}, store.Box{-180, -30, -179, -10}), some(east, west), "over the antimeridian")
		assert.Equal(t, in(store.Box{160, 50, 180, 70}, store.Box{-180, 50, -160, 70}), some(wide), "once")
		assert.Equal(t, in(store.Box{100.00000001, 20, 101, 21}), some(fine))
		assert.Equal(t, in(store.Box{100.000000011, 20, 101, 21}), some())
		assert.Equal(t, in(store.Box{99, 19, 100, 21}), some())
		assert.Equal(t, in(store.Box{-180, -90, 180, 90}), some(point, line, ring, wide, east, west, fine))

		_, err := db.ChangeLocation(t.Context(), point, noon, func(l *store.Location) error { l.Place = seoul; return nil })
		assert.NoError(t, err)
		assert.Equal(t, in(store.Box{16, 48, 17, 49}), some())
		assert.Equal(t, in(store.Box{126, 37, 127, 38}), some(point))
		_, err = db.DeleteLocation(t.Context(), point, 10)
		assert.NoError(t, err)
		assert.Equal(t, in(store.Box{126, 37, 127, 38}), some())
		_, err = db.DeleteLocation(t.Context(), point, 10)
		assert.ErrorIs(t, err, store.ErrNotFound)

		// A page at a time, over several boxes.
		var paged []store.ID
		for after := store.ID(0); ; {
			found, err := db.LocationsIn(t.Context(), []store.Box{{-180, -90, 0, 90}, {0, -90, 180, 90}}, after, 2)
			assert.NoError(t, err)
			assert.True(t, len(found) <= 2)
			if len(found) == 0 {
				break
			}
			for _, l := range found {
				paged = append(paged, l.ID)
			}
			after = paged[len(paged)-1]
		}
		assert.Equal(t, paged, some(line, ring, wide, east, west, fine))
		own, err := db.LocationsOf(t.Context(), mina.ID, ring, 2)
		assert.NoError(t, err)
		assert.Equal(t, len(own), 2)
		assert.Equal(t, own[0].ID, wide)
	})
}

func TestWatchers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina, jun, sora := addUser(t, db, "mina"), addUser(t, db, "준"), addUser(t, db, "sora")
		l := addLocation(t, db, mina.ID, seoul)
		sees := func(u store.User) bool {
			t.Helper()
			found, err := db.LocationsInFor(t.Context(), u.ID, []store.Box{{126, 37, 127, 38}}, 0, 10)
			assert.NoError(t, err)
			_, err = db.LocationFor(t.Context(), l.ID, u.ID)
			assert.True(t, err == nil || errors.Is(err, store.ErrNotFound), err)
			assert.Equal(t, len(found) == 1, err == nil)
			return err == nil
		}
		assert.True(t, sees(mina) && !sees(jun))
		assert.NoError(t, db.AddWatcher(t.Context(), l.ID, jun.ID, noon, 1))
		assert.NoError(t, db.AddWatcher(t.Context(), l.ID, jun.ID, noon.Add(time.Hour), 1), "the same again")
		assert.ErrorIs(t, db.AddWatcher(t.Context(), l.ID, sora.ID, noon, 1), store.ErrTooMany)
		assert.ErrorIs(t, db.AddWatcher(t.Context(), 99, sora.ID, noon, 1), store.ErrNotFound)
		assert.True(t, sees(jun) && !sees(sora))
		assert.NoError(t, db.AddWatcher(t.Context(), l.ID, sora.ID, noon, 2))
		watchers, err := db.Watchers(t.Context(), l.ID, 0, 10)
		assert.NoError(t, err)
		assert.Equal(t, watchers, []store.Watcher{{jun.ID, "준", noon}, {sora.ID, "sora", noon}})
		watchers, err = db.Watchers(t.Context(), l.ID, jun.ID, 10)
		assert.NoError(t, err)
		assert.Equal(t, len(watchers), 1)

		assert.NoError(t, db.RemoveWatcher(t.Context(), l.ID, jun.ID))
		assert.ErrorIs(t, db.RemoveWatcher(t.Context(), l.ID, jun.ID), store.ErrNotFound)
		assert.True(t, !sees(jun) && sees(sora))
		gone, err := db.DeleteLocation(t.Context(), l.ID, 10)
		assert.NoError(t, err)
		assert.Equal(t, gone, []store.ID{sora.ID}, "who could watch it")
		assert.True(t, !sees(mina) && !sees(sora))
	})
}

// What the database itself makes of a place is what GeoJSON says, longitude first.
func TestAxisOrderInTheDatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := addLocation(t, db, addUser(t, db, "mina").ID, orb.LineString{{-180, 1}, vienna})
		if store.IsSQLite(db) {
			var bounds [4]float64
			store.Query(t, db, `SELECT west, south, east, north FROM location_boxes WHERE id = ?`, []any{l.ID}, &bounds[0], &bounds[1], &bounds[2], &bounds[3])
			for i, want := range []float64{-180, 1, 16.37, 48.2} {
				assert.True(t, math.Abs(bounds[i]-want) < 1e-5, bounds)
			}
			return
		}
		var text string
		var srid, plane int
		var inside bool
		store.Query(t, db, `SELECT ST_AsGeoJSON(place), ST_SRID(place), ST_SRID(box), MBRContains(ST_GeomFromText('POLYGON((-180 0,17 0,17 49,-180 49,-180 0))'), box)
			FROM locations WHERE id = ?`, []any{l.ID}, &text, &srid, &plane, &inside)
		var got struct {
			Type        string
			Coordinates orb.LineString
		}
		assert.NoError(t, json.Unmarshal([]byte(text), &got))
		assert.Equal(t, got.Type, "LineString")
		assert.True(t, math.Abs(got.Coordinates[0].Lon()+180) < 1e-9 && got.Coordinates[0].Lat() == 1, text)
		assert.Equal(t, got.Coordinates[1], vienna)
		assert.Equal(t, []int{srid, plane}, []int{4326, 0})
		assert.True(t, inside)
	})
}

// The schema refuses what the program should never send.
func TestOnlyThreeKindsOfPlaces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := addLocation(t, db, addUser(t, db, "mina").ID, seoul)
		bad := []string{`ST_GeomFromText('MULTIPOINT(1 2)', 4326)`, `ST_GeomFromText('POINT(1 2)', 0)`, `ST_GeomFromWKB(x'0101', 4326)`}
		if store.IsSQLite(db) {
			bad = []string{`x'0104000000'`, `x'0000000001'`, `x'01'`, `'text'`, `NULL`}
		}
		for _, place := range bad {
			assert.True(t, store.Exec(t, db, `UPDATE locations SET place = `+place+` WHERE id = ?`, l.ID) != nil, place)
		}
	})
}

func TestSearchesGoByTheSpatialIndex(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		mina := addUser(t, db, "mina")
		var places []orb.Point
		for i := range 2000 {
			places = append(places, orb.Point{-180 + float64(i*7919%3600)/10, -90 + float64(i*10477%1800)/10})
		}
		store.AddPlaces(t, db, mina.ID, places)
		plan := store.Plan(t, db, store.Box{16, 48, 17, 49})
		want := "key=locations_by_box"
		if store.IsSQLite(db) {
			want = "SCAN b VIRTUAL TABLE INDEX 2:"
		}
		assert.True(t, strings.Contains(strings.Join(plan, "\n"), want), plan)
	})
}
