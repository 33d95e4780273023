package location

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/paulmach/orb"

	"github.com/kachi-io/kachi/gateway"
)

// MaxPositions is how many positions a geometry may have.
const MaxPositions = 10_000

// Geometry is a Point, a LineString or a Polygon of GeoJSON (RFC 7946): positions are a
// longitude and a latitude, in this order, in degrees.
type Geometry struct{ orb.Geometry }

// MarshalJSON implements [json.Marshaler].
func (g Geometry) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Type        string       `json:"type"`
		Coordinates orb.Geometry `json:"coordinates"`
	}{g.GeoJSONType(), g.Geometry})
}

// UnmarshalJSON implements [json.Unmarshaler]. It is as strict as [ReadGeometry].
func (g *Geometry) UnmarshalJSON(text []byte) (err error) {
	*g, err = ReadGeometry(text)
	return err
}

const about = "A Point, LineString or Polygon of GeoJSON (RFC 7946). A position is longitude, then latitude, in degrees. Up to 10,000 positions; rings are closed."

// JSONSchema describes it in the AsyncAPI document.
func (Geometry) JSONSchema() json.RawMessage {
	return json.RawMessage(`{
		"type": "object", "description": "` + about + `", "required": ["type", "coordinates"],
		"properties": {
			"type": {"type": "string", "enum": ["Point", "LineString", "Polygon"]},
			"coordinates": {"type": "array", "items": {}}
		}
	}`)
}

// Schema implements [huma.SchemaProvider].
func (Geometry) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type:        "object",
		Description: about,
		Required:    []string{"type", "coordinates"},
		Properties: map[string]*huma.Schema{
			"type":        {Type: "string", Enum: []any{"Point", "LineString", "Polygon"}},
			"coordinates": {Type: "array", Items: &huma.Schema{}},
		},
	}
}

// ReadGeometry reads a geometry. What is wrong with it is an error with the code "invalid",
// whose paths begin with "geometry".
//
// The library's own reader takes [1] for a position and makes its latitude 0.
func ReadGeometry(text []byte) (Geometry, error) {
	r := &reader{}
	g := r.geometry(text)
	if len(r.wrong) > 0 {
		return Geometry{}, gateway.Invalid(r.wrong...)
	}
	return Geometry{g}, nil
}

// reader reads one geometry and notes what is wrong with it.
type reader struct {
	wrong     []gateway.FieldError
	positions int
}

const maxWrong = 20 // errors are told

func (r *reader) fail(path, rule, param, message string) {
	if len(r.wrong) < maxWrong {
		r.wrong = append(r.wrong, gateway.FieldError{Path: path, Rule: rule, Param: param, Message: message})
	}
}

func (r *reader) geometry(text []byte) orb.Geometry {
	var in struct {
		Type        any `json:"type"`
		Coordinates any `json:"coordinates"`
	}
	numbers := json.NewDecoder(bytes.NewReader(text)) // as they stand: 1e999 is told apart
	numbers.UseNumber()
	if trimmed := bytes.TrimSpace(text); len(trimmed) == 0 || trimmed[0] != '{' || numbers.Decode(&in) != nil {
		r.fail("geometry", "type", "object", "The geometry is to be an object of GeoJSON")
		return nil
	}
	const path = "geometry.coordinates"
	coordinates, isList := in.Coordinates.([]any)
	if !isList {
		r.fail(path, "type", "array", "The coordinates are to be an array")
	}
	switch in.Type {
	case "Point":
		if isList {
			return r.position(coordinates, path)
		}
	case "LineString":
		if isList {
			return orb.LineString(r.line(coordinates, path, 2))
		}
	case "Polygon":
		if isList {
			return r.polygon(coordinates, path)
		}
	default:
		r.fail("geometry.type", "oneof", "Point LineString Polygon", "The geometry is to be a Point, a LineString or a Polygon")
	}
	return nil
}

func (r *reader) polygon(rings []any, path string) orb.Polygon {
	if len(rings) == 0 {
		r.fail(path, "min", "1", "A polygon has at least one ring")
	}
	var p orb.Polygon
	for i, v := range rings {
		path := at(path, i)
		list, ok := v.([]any)
		if !ok {
			r.fail(path, "type", "array", "A ring is to be an array of positions")
		}
		if ok {
			points := r.line(list, path, 4)
			if len(points) >= 4 && points[0] != points[len(points)-1] {
				r.fail(path, "closed", "", "A ring ends where it begins")
			}
			p = append(p, orb.Ring(points))
		}
		if len(r.wrong) >= maxWrong {
			break
		}
	}
	return p
}

func (r *reader) line(list []any, path string, least int) []orb.Point {
	if len(list) < least {
		r.fail(path, "min", strconv.Itoa(least), fmt.Sprintf("There are to be at least %d positions", least))
		return nil
	}
	if r.positions += len(list); r.positions > MaxPositions {
		r.fail("geometry.coordinates", "max", strconv.Itoa(MaxPositions), fmt.Sprintf("A geometry has at most %d positions", MaxPositions))
		return nil
	}
	points := make([]orb.Point, len(list))
	for i, v := range list {
		path := at(path, i)
		position, ok := v.([]any)
		if !ok {
			r.fail(path, "type", "array", "A position is to be an array of a longitude and a latitude")
		} else {
			points[i] = r.position(position, path)
		}
		if len(r.wrong) >= maxWrong {
			break
		}
	}
	return points
}

func (r *reader) position(numbers []any, path string) (p orb.Point) {
	if len(numbers) != 2 {
		r.fail(path, "len", "2", "A position is a longitude and a latitude; altitudes are not kept")
		return p
	}
	for i, most := range []float64{180, 90} {
		name := []string{"The longitude", "The latitude"}[i]
		number, ok := numbers[i].(json.Number)
		if !ok {
			r.fail(at(path, i), "type", "number", name+" is to be a number")
			continue
		}
		v, err := number.Float64() // fails beyond what is finite
		if err != nil || math.Abs(v) > most {
			r.fail(at(path, i), "range", fmt.Sprint(most), fmt.Sprintf("%s is to be within ±%v", name, most))
			continue
		}
		p[i] = v + 0 // and not -0
	}
	return p
}

func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
