package store

import (
	"encoding/binary"
	"fmt"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/encoding/wkb"
)

// Box is a part of the world, with its edges: longitudes from West to East, latitudes from
// South to North. West is at most East: a part across the antimeridian is two boxes.
type Box struct{ West, South, East, North float64 }

// bound is what a place reaches over in the plane of longitudes and latitudes, in which
// GeoJSON's lines are straight (RFC 7946, 3.1.1).
func boundOf(place orb.Geometry) Box {
	b := place.Bound()
	return Box{b.Min.Lon(), b.Min.Lat(), b.Max.Lon(), b.Max.Lat()}
}

// wkb is a geometry whose bounding box is the box: its diagonal. An area could be one without
// extent, which MySQL does not take.
func (b Box) wkb() ([]byte, error) {
	from, to := orb.Point{b.West, b.South}, orb.Point{b.East, b.North}
	if from == to {
		return wkb.Marshal(from, binary.LittleEndian)
	}
	return wkb.Marshal(orb.LineString{from, to}, binary.LittleEndian)
}

// placeIn and placeOut are how a place goes into a statement and comes out, as WKB with the
// longitude first. MySQL would have it the other way around for the earth's SRID.
func (d *dialect) placeIn() string {
	switch d.kind {
	case kindMariaDB:
		return `ST_GeomFromWKB(?, 4326)`
	case kindMySQL:
		return `ST_GeomFromWKB(?, 4326, 'axis-order=long-lat')`
	default:
		return `?`
	}
}

func (d *dialect) placeOut() string {
	switch d.kind {
	case kindMariaDB:
		return `ST_AsWKB(l.place)`
	case kindMySQL:
		return `ST_AsWKB(l.place, 'axis-order=long-lat')`
	default:
		return `l.place`
	}
}

// encode makes WKB of a place.
func encode(place orb.Geometry) ([]byte, error) {
	switch place.(type) {
	case orb.Point, orb.LineString, orb.Polygon:
		return wkb.Marshal(place, binary.LittleEndian)
	}
	return nil, fmt.Errorf("store: a place is a point, a line or a polygon, not %T", place)
}
