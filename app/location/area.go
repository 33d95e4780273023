package location

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/paulmach/orb"
	"github.com/paulmach/orb/geo"
	"github.com/paulmach/orb/planar"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
)

// Area is the part of the world that is searched.
type Area struct {
	boxes  []store.Box
	center orb.Point
	radius float64 // metres around center; 0 where the boxes are all there is to it
}

// MaxRadius is half the way around the earth, in metres.
const MaxRadius = 20_100_000

// ReadBox reads "minLon,minLat,maxLon,maxLat". Where minLon is greater than maxLon the box
// goes over the antimeridian (RFC 7946, 5.2).
func ReadBox(text string) (Area, error) {
	n, ok := numbers(text, 180, 90, 180, 90)
	if !ok {
		return Area{}, invalidParameter("bbox", "bbox", "bbox is to be minLon,minLat,maxLon,maxLat: four numbers within ±180 and ±90")
	}
	if n[1] > n[3] {
		return Area{}, invalidParameter("bbox", "bbox", "bbox has its minimal latitude above its maximal one")
	}
	return Area{boxes: boxes(n[0], n[1], n[2], n[3])}, nil
}

// ReadCircle reads "lon,lat", around which places are searched within a radius in metres.
func ReadCircle(text string, radius float64) (Area, error) {
	n, ok := numbers(text, 180, 90)
	if !ok {
		return Area{}, invalidParameter("near", "near", "near is to be lon,lat: two numbers within ±180 and ±90")
	}
	if !(radius > 0 && radius <= MaxRadius) {
		return Area{}, invalidParameter("radius", "range", fmt.Sprintf("radius is to be above 0 and at most %d metres", MaxRadius))
	}
	a := Area{center: orb.Point{n[0], n[1]}, radius: radius}
	// A little more than that: it is looked at exactly afterwards.
	around := geo.NewBoundAroundPoint(a.center, radius*1.000001+0.01)
	west, east := around.Min.Lon(), around.Max.Lon()
	if math.IsNaN(west) || math.IsNaN(east) { // it touches a pole, but for rounding
		west, east = -180, 180
	}
	a.boxes = boxes(west, around.Min.Lat(), east, around.Max.Lat())
	return a, nil
}

// boxes are the parts of a box that goes from west to east, whichever is greater. 180 and
// -180 are the same meridian.
func boxes(west, south, east, north float64) []store.Box {
	box := func(west, east float64) store.Box {
		return store.Box{West: west, South: south, East: east, North: north}
	}
	switch {
	case west > east:
		return []store.Box{box(west, 180), box(-180, east)}
	case east >= 180 && west > -180:
		return []store.Box{box(west, 180), box(-180, -180)}
	case west <= -180 && east < 180:
		return []store.Box{box(-180, east), box(180, 180)}
	}
	return []store.Box{box(west, east)}
}

func numbers(text string, most ...float64) (list []float64, ok bool) {
	parts := strings.Split(text, ",")
	if len(parts) != len(most) {
		return nil, false
	}
	for i, part := range parts {
		v, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
		if err != nil || !(math.Abs(v) <= most[i]) { // NaN is not
			return nil, false
		}
		list = append(list, v)
	}
	return list, true
}

func invalidParameter(name, rule, message string) error {
	return gateway.Invalid(gateway.FieldError{Path: name, Rule: rule, Message: message})
}

// distance returns how far a place is from a point, in metres; 0 within a polygon. Lines are
// straight in longitudes and latitudes, as GeoJSON has it, and the way to them is that of
// the sphere.
func distance(from orb.Point, to orb.Geometry) float64 {
	nearest := math.Inf(1)
	switch g := to.(type) {
	case orb.Point:
		return geo.DistanceHaversine(from, g)
	case orb.LineString:
		nearest = toLine(from, g)
	case orb.Polygon:
		for _, turn := range turns {
			if planar.PolygonContains(g, orb.Point{from.Lon() + turn, from.Lat()}) {
				return 0
			}
		}
		for _, ring := range g {
			nearest = min(nearest, toLine(from, orb.LineString(ring)))
		}
	}
	return nearest
}

// turns are the longitudes by which a point is the same one again.
var turns = []float64{0, -360, 360}

func toLine(from orb.Point, line orb.LineString) float64 {
	nearest := math.Inf(1)
	for i := range len(line) - 1 {
		for _, turn := range turns {
			nearest = min(nearest, toSegment(orb.Point{from.Lon() + turn, from.Lat()}, line[i], line[i+1]))
		}
	}
	return nearest
}

// toSegment finds the nearest point of a segment in a plane in which degrees of longitude are
// as long as they are half way to it, which settles after a few rounds.
func toSegment(from, a, b orb.Point) float64 {
	nearest := min(geo.DistanceHaversine(from, a), geo.DistanceHaversine(from, b))
	near := from
	for range 4 {
		scale := math.Cos((from.Lat() + near.Lat()) / 2 * math.Pi / 180)
		dx, dy := (b.Lon()-a.Lon())*scale, b.Lat()-a.Lat()
		along := dx*dx + dy*dy
		if along == 0 {
			break
		}
		t := ((from.Lon()-a.Lon())*scale*dx + (from.Lat()-a.Lat())*dy) / along
		t = min(max(t, 0), 1)
		near = orb.Point{a.Lon() + t*(b.Lon()-a.Lon()), a.Lat() + t*(b.Lat()-a.Lat())}
		nearest = min(nearest, geo.DistanceHaversine(from, near))
	}
	return nearest
}
