package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkb"
)

// Location is where something is.
type Location struct {
	ID    ID
	Owner ID
	// OwnerName is read with the location, and never written.
	OwnerName string
	Name      string
	Place     orb.Geometry // a point, a line or a polygon; longitude first, in degrees
	Version   int64        // 1, and one more with each change
	Updated   time.Time
}

// Watcher is somebody who may watch a location that is not theirs.
type Watcher struct {
	User    ID
	Name    string
	Granted time.Time
}

func (d *dialect) locationColumns() string {
	// Not by a join: what is read FOR UPDATE would hold the owner, too.
	return `l.id, l.owner_id, (SELECT u.name FROM users AS u WHERE u.id = l.owner_id), l.name, ` + d.placeOut() + `, l.version, l.updated_at`
}

func scanLocation(row scanner) (l Location, err error) {
	var place []byte
	var updated int64
	if err = row.Scan(&l.ID, &l.Owner, &l.OwnerName, &l.Name, &place, &l.Version, &updated); err != nil {
		return l, err
	}
	l.Updated = moment(updated)
	l.Place, err = wkb.Unmarshal(place)
	return l, err
}

// AddLocation stores a new location, and returns it with its id and version. [ErrTooMany]
// where its owner has most already.
func (db *DB) AddLocation(ctx context.Context, l Location, most int) (Location, error) {
	l.Version, l.Updated = 1, l.Updated.UTC().Truncate(time.Microsecond)
	err := db.write(ctx, func(tx *tx) (err error) {
		var count int
		// Those of one owner are counted one after the other.
		if err := tx.get(`SELECT name FROM users WHERE id = ?`+tx.dialect.forUpdate, []any{l.Owner}, &l.OwnerName); err != nil {
			return err
		}
		if err := tx.get(`SELECT COUNT(*) FROM locations WHERE owner_id = ?`, []any{l.Owner}, &count); err != nil {
			return err
		}
		if count >= most {
			return ErrTooMany
		}
		columns, values, err := tx.placed(l.Place)
		if err != nil {
			return err
		}
		values = append(values, l.Owner, l.Name, l.Version, micros(l.Updated))
		l.ID, err = tx.insert(`INSERT INTO locations (`+columns.names+`, owner_id, name, version, updated_at) VALUES (`+columns.values+`, ?, ?, ?, ?)`, values...)
		return err
	})
	return l, err
}

// ChangeLocation gives a location to a function, which changes its name and its place, and
// stores it as the next version. Nobody else changes it meanwhile. An error of the
// function leaves it as it is.
func (db *DB) ChangeLocation(ctx context.Context, id ID, now time.Time, change func(*Location) error) (l Location, err error) {
	err = db.write(ctx, func(tx *tx) (err error) {
		rows, err := list(tx, scanLocation, `SELECT `+tx.dialect.locationColumns()+` FROM locations AS l WHERE l.id = ?`+tx.dialect.forUpdate, id)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return ErrNotFound
		}
		l = rows[0]
		if err := change(&l); err != nil {
			return err
		}
		l.Version, l.Updated = l.Version+1, now.UTC().Truncate(time.Microsecond)
		columns, values, err := tx.placed(l.Place)
		if err != nil {
			return err
		}
		values = append(values, l.Name, l.Version, micros(l.Updated), id)
		return tx.change(`UPDATE locations SET `+columns.set+`, name = ?, version = ?, updated_at = ? WHERE id = ?`, values...)
	})
	return l, err
}

// placeColumns are the columns that hold a place, as statements have them.
type placeColumns struct{ names, values, set string }

var litePlace = placeColumns{`place, west, south, east, north`, `?, ?, ?, ?, ?`, `place = ?, west = ?, south = ?, east = ?, north = ?`}

// placed returns the columns that hold a place, and what to put into them.
func (t *tx) placed(place orb.Geometry) (placeColumns, []any, error) {
	text, err := encode(place)
	if err != nil {
		return placeColumns{}, nil, err
	}
	bound := boundOf(place)
	if t.dialect.kind == kindSQLite {
		return litePlace, []any{text, bound.West, bound.South, bound.East, bound.North}, nil
	}
	box, err := bound.wkb()
	in := t.dialect.placeIn()
	return placeColumns{`place, box`, in + `, ST_GeomFromWKB(?)`, `place = ` + in + `, box = ST_GeomFromWKB(?)`}, []any{text, box}, err
}

// DeleteLocation deletes a location, and returns who could watch it beside its owner: most at
// most.
func (db *DB) DeleteLocation(ctx context.Context, id ID, most int) (watchers []ID, err error) {
	scan := func(row scanner) (user ID, err error) { return user, row.Scan(&user) }
	err = db.write(ctx, func(tx *tx) (err error) {
		if err := tx.holdLocation(id); err != nil {
			return err
		}
		if watchers, err = list(tx, scan, `SELECT user_id FROM location_watchers WHERE location_id = ? LIMIT ?`, id, most); err != nil {
			return err
		}
		if _, err := tx.exec(`DELETE FROM location_watchers WHERE location_id = ?`, id); err != nil {
			return err
		}
		return tx.change(`DELETE FROM locations WHERE id = ?`, id)
	})
	return watchers, err
}

// holdLocation keeps a location from being changed and deleted until the transaction ends.
func (t *tx) holdLocation(id ID) error {
	return t.get(`SELECT id FROM locations WHERE id = ?`+t.dialect.forUpdate, []any{id}, &id)
}

// Location returns a location.
func (db *DB) Location(ctx context.Context, id ID) (Location, error) {
	return one(ctx, db, scanLocation, `SELECT `+db.dialect.locationColumns()+` FROM locations AS l WHERE l.id = ?`, id)
}

// LocationFor returns a location that a user owns or may watch; [ErrNotFound] for any other.
func (db *DB) LocationFor(ctx context.Context, id, user ID) (Location, error) {
	return one(ctx, db, scanLocation, `SELECT `+db.dialect.locationColumns()+` FROM locations AS l WHERE l.id = ?
		AND (l.owner_id = ? OR EXISTS (SELECT 1 FROM location_watchers AS w WHERE w.location_id = l.id AND w.user_id = ?))`, id, user, user)
}

// LocationsOf returns a user's own locations above an id, by id.
func (db *DB) LocationsOf(ctx context.Context, owner, after ID, limit int) ([]Location, error) {
	return all(ctx, db, scanLocation, `SELECT `+db.dialect.locationColumns()+` FROM locations AS l
		WHERE l.owner_id = ? AND l.id > ? ORDER BY l.id LIMIT ?`, owner, after, limit)
}

// LocationsIn returns the locations above an id whose bounding boxes meet one of some boxes,
// by id.
func (db *DB) LocationsIn(ctx context.Context, boxes []Box, after ID, limit int) ([]Location, error) {
	return db.inEach(ctx, boxes, limit, func(box Box) ([]Location, error) {
		query, args, err := db.dialect.locationsIn(box)
		if err != nil {
			return nil, err
		}
		return all(ctx, db, scanLocation, query, append(args, after, limit)...)
	})
}

// locationsIn is the statement that finds all locations in a box by the spatial index, and
// what it is given before the id and the limit.
func (d *dialect) locationsIn(box Box) (query string, args []any, err error) {
	const end = ` AND l.id > ? ORDER BY l.id LIMIT ?`
	meets, args, err := d.meets(box)
	if d.kind == kindSQLite {
		return `SELECT ` + d.locationColumns() + ` FROM location_boxes AS b JOIN locations AS l ON l.id = b.id
			WHERE b.west <= ? AND b.south <= ? AND b.east >= ? AND b.north >= ? AND ` + meets + end, append(args, args...), err
	}
	return `SELECT ` + d.locationColumns() + ` FROM locations AS l WHERE ` + meets + end, args, err
}

// LocationsInFor is [DB.LocationsIn] for those that a user owns or may watch. These are mostly
// few, so they are what it begins with, and not what is in the boxes.
func (db *DB) LocationsInFor(ctx context.Context, user ID, boxes []Box, after ID, limit int) ([]Location, error) {
	return db.inEach(ctx, boxes, limit, func(box Box) ([]Location, error) {
		meets, args, err := db.dialect.meets(box)
		if err != nil {
			return nil, err
		}
		args = append([]any{user, after, user, after}, args...)
		return all(ctx, db, scanLocation, `SELECT `+db.dialect.locationColumns()+` FROM (
			SELECT id FROM locations WHERE owner_id = ? AND id > ?
			UNION SELECT location_id FROM location_watchers WHERE user_id = ? AND location_id > ?
			) AS seen JOIN locations AS l ON l.id = seen.id WHERE `+meets+` ORDER BY l.id LIMIT ?`, append(args, limit)...)
	})
}

// meets is the condition that a location's bounding box meets another, which is exact.
func (d *dialect) meets(box Box) (condition string, args []any, err error) {
	if d.kind == kindSQLite {
		return `l.west <= ? AND l.south <= ? AND l.east >= ? AND l.north >= ?`, []any{box.East, box.North, box.West, box.South}, nil
	}
	text, err := box.wkb()
	return `MBRIntersects(l.box, ST_GeomFromWKB(?))`, []any{text}, err
}

// inEach puts together what was found in several boxes; a location may be in all of them.
func (db *DB) inEach(ctx context.Context, boxes []Box, limit int, find func(Box) ([]Location, error)) ([]Location, error) {
	list := []Location{}
	for _, box := range boxes {
		found, err := find(box)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	if len(boxes) > 1 {
		slices.SortFunc(list, func(a, b Location) int { return cmp.Compare(a.ID, b.ID) })
		list = slices.CompactFunc(list, func(a, b Location) bool { return a.ID == b.ID })
	}
	return list[:min(len(list), limit)], nil
}

// AddWatcher lets a user watch a location, who may do so already. [ErrNotFound]: there is no
// such location; [ErrTooMany]: most others may watch it.
func (db *DB) AddWatcher(ctx context.Context, location, user ID, now time.Time, most int) error {
	return db.write(ctx, func(tx *tx) error {
		if err := tx.holdLocation(location); err != nil {
			return err
		}
		var count, there int
		if err := tx.get(`SELECT COUNT(*), COALESCE(SUM(user_id = ?), 0) FROM location_watchers WHERE location_id = ?`, []any{user, location}, &count, &there); err != nil {
			return err
		}
		switch {
		case there > 0:
			return nil
		case count >= most:
			return ErrTooMany
		}
		_, err := tx.exec(`INSERT INTO location_watchers (location_id, user_id, granted_at) VALUES (?, ?, ?)`, location, user, micros(now))
		return err
	})
}

// RemoveWatcher takes a grant back; [ErrNotFound] where there is none.
func (db *DB) RemoveWatcher(ctx context.Context, location, user ID) error {
	return db.write(ctx, func(tx *tx) error {
		return tx.change(`DELETE FROM location_watchers WHERE location_id = ? AND user_id = ?`, location, user)
	})
}

// Watchers returns who may watch a location beside its owner: users above an id, by id.
func (db *DB) Watchers(ctx context.Context, location, after ID, limit int) ([]Watcher, error) {
	scan := func(row scanner) (w Watcher, err error) {
		var granted int64
		err = row.Scan(&w.User, &w.Name, &granted)
		w.Granted = moment(granted)
		return w, err
	}
	return all(ctx, db, scan, `SELECT w.user_id, u.name, w.granted_at FROM location_watchers AS w JOIN users AS u ON u.id = w.user_id
		WHERE w.location_id = ? AND w.user_id > ? ORDER BY w.user_id LIMIT ?`, location, after, limit)
}
