package location_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"github.com/kachi-io/kachi/app/apptest"
	"github.com/kachi-io/kachi/app/location"
	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

// search returns the ids of what a person finds, over all pages of two.
func search(t testing.TB, p *apptest.Person, query string) (ids []store.ID) {
	t.Helper()
	for after := ""; ; {
		var c location.FeatureCollection
		p.Call(t, 200, "GET", "/api/location?limit=2&"+query+after, nil, &c)
		assert.Equal(t, c.Type, "FeatureCollection")
		assert.True(t, len(c.Features) <= 2)
		for _, f := range c.Features {
			ids = append(ids, f.ID)
		}
		if c.Next == nil {
			return ids
		}
		after = "&after=" + c.Next.String()
	}
}

func TestSearching(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		root, mina, jun := app.Register(t, "Root"), app.Register(t, "Mina"), app.Register(t, "Jun")
		add := func(p *apptest.Person, geometry object) store.ID {
			return put(t, p, 201, object{"geometry": geometry}).ID
		}
		line := func(positions ...any) object { return object{"type": "LineString", "coordinates": positions} }
		at := func(lon, lat float64) []float64 { return []float64{lon, lat} }
		seoul := add(mina, point(126.978, 37.5665))
		incheon := add(mina, line(at(126.70, 37.45), at(126.71, 37.46)))
		fiji, samoa := add(mina, point(179.9, -17)), add(mina, point(-179.9, -17))
		pole := add(mina, point(12, 89.9))
		park := add(mina, object{"type": "Polygon", "coordinates": []any{[]any{at(10, 50), at(11, 50), at(11, 51), at(10, 51), at(10, 50)}}})
		busan := add(jun, point(129.075, 35.18))
		shared := add(jun, point(126.98, 37.56))
		share(t, jun, shared, mina)

		const korea, world = "bbox=125,34,130,38.5", "bbox=-180,-90,180,90"
		some := func(ids ...store.ID) []store.ID { return ids }
		for _, test := range []struct {
			who   *apptest.Person
			query string
			want  []store.ID
		}{
			{mina, korea, some(seoul, incheon, shared)},
			{jun, korea, some(busan, shared)},
			{root, korea, some(seoul, incheon, busan, shared)},
			{root, world, some(seoul, incheon, fiji, samoa, pole, park, busan, shared)},
			{mina, world, some(seoul, incheon, fiji, samoa, pole, park, shared)},
			{mina, "", some(seoul, incheon, fiji, samoa, pole, park)}, // one's own
			{root, "", nil},
			{mina, "bbox=50,10,51,11", nil},                          // longitude comes first
			{mina, "bbox=179,-20,-179,-10", some(fiji, samoa)},       // over the antimeridian
			{mina, "bbox=-179.95,-20,179.95,-10", some(fiji, samoa)}, // the other way around
			{root, "bbox=170,-20,-179.95,-10", some(fiji)},
			{mina, "bbox=126.978,37.5665,126.978,37.5665", some(seoul)},
			{mina, "near=126.978,37.5665&radius=1", some(seoul)},
			{mina, "near=126.978,37.5665&radius=1000", some(seoul, shared)},
			{mina, "near=126.978,37.5665&radius=50000", some(seoul, incheon, shared)},
			{mina, "near=180,-17&radius=11000", some(fiji, samoa)}, // 0.1° there is 10.6 km
			{mina, "near=180,-17&radius=10000", nil},
			{mina, "near=-180,-17&radius=11000", some(fiji, samoa)},
			{mina, "near=-168,89.95&radius=20000", some(pole)}, // beyond the pole
			{mina, "near=10.5,50.5&radius=1", some(park)},      // within it
			{mina, "near=10.5,51.1&radius=11200", some(park)},  // 0.1° north of its edge
			{mina, "near=10.5,51.1&radius=11000", nil},
			{mina, "near=0,0&radius=20100000", some(seoul, incheon, fiji, samoa, pole, park, shared)},
		} {
			assert.Equal(t, search(t, test.who, test.query), test.want, test.query)
		}

		var c location.FeatureCollection
		mina.Call(t, 200, "GET", "/api/location?near=126.978,37.5665&radius=1000", nil, &c)
		assert.Equal(t, *c.Features[0].Properties.Distance, 0.0)
		assert.True(t, math.Abs(*c.Features[1].Properties.Distance-745) < 10, *c.Features[1].Properties.Distance)
		response := mina.Do(t, "GET", "/api/location/"+seoul.String(), nil)
		assert.Equal(t, response.Header.Get("Content-Type"), "application/geo+json")
		assert.Equal(t, response.Header.Get("ETag"), `"1"`)

		for _, query := range []string{
			"bbox=1,2,3", "bbox=1,2,3,x", "bbox=1,2,3,NaN", "bbox=1,2,3,91", "bbox=-181,2,3,4", "bbox=1,5,3,4", "bbox=1,2,3,4,5,6",
			"near=1,2", "near=1&radius=5", "near=1,91&radius=5", "near=1,2&radius=-1", "near=1,2&radius=1e9", "near=1,2&radius=NaN", "near=1,2&radius=x",
			"radius=5", "bbox=1,2,3,4&near=1,2&radius=5", "limit=0", "limit=501", "after=x", "after=-1",
		} {
			mina.Refused(t, 400, "invalid", "GET", "/api/location?"+query, nil)
		}
		app.Nobody().Refused(t, 401, "unauthorized", "GET", "/api/location?"+world, nil)
	})
}

func TestGeometries(t *testing.T) {
	ring := func(n int) string {
		var b strings.Builder
		for i := range n - 1 {
			fmt.Fprintf(&b, "[%v,%v],", float64(i%180), float64(i%90))
		}
		return "[" + b.String() + "[0,0]]"
	}
	for _, good := range []string{
		`{"type":"Point","coordinates":[126.978,37.5665]}`,
		`{"type":"Point","coordinates":[-180,-90]}`,
		`{"type":"Point","coordinates":[180,90]}`,
		`{"type":"LineString","coordinates":[[1,2],[3,4]]}`,
		`{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]],[[0.1,0.1],[0.2,0.1],[0.2,0.2],[0.1,0.1]]]}`,
	} {
		g, err := location.ReadGeometry([]byte(good))
		assert.NoError(t, err, good)
		text, err := g.MarshalJSON()
		assert.NoError(t, err)
		assert.Equal(t, string(text), good)
	}
	g, err := location.ReadGeometry([]byte(`{"coordinates":[-0.0,1e1],"type":"Point","bbox":[1]}`))
	assert.NoError(t, err)
	text, err := g.MarshalJSON()
	assert.NoError(t, err)
	assert.Equal(t, string(text), `{"type":"Point","coordinates":[0,10]}`)
	_, err = location.ReadGeometry([]byte(`{"type":"Polygon","coordinates":[` + ring(location.MaxPositions) + `]}`))
	assert.NoError(t, err)

	for _, test := range []struct{ text, wrong string }{
		{``, "geometry type"},
		{`null`, "geometry type"},
		{`[1,2]`, "geometry type"},
		{`{"type":"Point"`, "geometry type"},
		{`{}`, "geometry.coordinates type, geometry.type oneof"},
		{`{"type":"Point"}`, "geometry.coordinates type"},
		{`{"type":"MultiPoint","coordinates":[[1,2]]}`, "geometry.type oneof"},
		{`{"type":"point","coordinates":[1,2]}`, "geometry.type oneof"},
		{`{"type":7,"coordinates":[1,2]}`, "geometry.type oneof"},
		{`{"type":"GeometryCollection","geometries":[]}`, "geometry.coordinates type, geometry.type oneof"},
		{`{"type":"Point","coordinates":[]}`, "geometry.coordinates len"},
		{`{"type":"Point","coordinates":[1]}`, "geometry.coordinates len"},
		{`{"type":"Point","coordinates":[1,2,3]}`, "geometry.coordinates len"},
		{`{"type":"Point","coordinates":["1",null]}`, "geometry.coordinates[0] type, geometry.coordinates[1] type"},
		{`{"type":"Point","coordinates":[1e999,-1e999]}`, "geometry.coordinates[0] range, geometry.coordinates[1] range"},
		{`{"type":"Point","coordinates":[37.5665,126.978]}`, "geometry.coordinates[1] range"},
		{`{"type":"Point","coordinates":[180.0000001,-90.0000001]}`, "geometry.coordinates[0] range, geometry.coordinates[1] range"},
		{`{"type":"Point","coordinates":[[1,2]]}`, "geometry.coordinates len"},
		{`{"type":"LineString","coordinates":[[1,2]]}`, "geometry.coordinates min"},
		{`{"type":"LineString","coordinates":[1,2]}`, "geometry.coordinates[0] type, geometry.coordinates[1] type"},
		{`{"type":"LineString","coordinates":[[1,2],[3,4],[5,600]]}`, "geometry.coordinates[2][1] range"},
		{`{"type":"Polygon","coordinates":[]}`, "geometry.coordinates min"},
		{`{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,0]]]}`, "geometry.coordinates[0] min"},
		{`{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}`, "geometry.coordinates[0] closed"},
		{`{"type":"Polygon","coordinates":[7]}`, "geometry.coordinates[0] type"},
		{`{"type":"Polygon","coordinates":[` + ring(location.MaxPositions-10) + `,` + ring(11) + `]}`, "geometry.coordinates max"},
	} {
		_, err := location.ReadGeometry([]byte(test.text))
		e := assert.ErrorAs[*gateway.Error](t, err, test.text)
		assert.Equal(t, e.Code, gateway.CodeInvalid)
		var wrong []string
		for _, f := range e.Details.([]gateway.FieldError) {
			wrong = append(wrong, f.Path+" "+f.Rule)
		}
		assert.Equal(t, strings.Join(wrong, ", "), test.wrong, test.text[:min(len(test.text), 100)])
	}
	_, err = location.ReadGeometry([]byte(`{"type":"LineString","coordinates":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`))
	assert.True(t, err != nil)
	_, err = location.ReadGeometry([]byte(`{"type":"LineString","coordinates":[` + strings.Repeat("[],", 9000) + `[]]}`))
	assert.Equal(t, len(assert.ErrorAs[*gateway.Error](t, err).Details.([]gateway.FieldError)), 20, "no more are told")
}

// The largest geometry that there may be goes all the way, and one that is larger nowhere.
func TestLargeGeometries(t *testing.T) {
	apptest.Each(t, nil, func(t *testing.T, app *apptest.App) {
		mina := app.Register(t, "Mina")
		c := mina.Dial(t, location.Namespace)
		positions := make([][2]float64, location.MaxPositions)
		for i := range positions {
			positions[i] = [2]float64{126 + float64(i)/7e4, 37 + float64(i)/3e4}
		}
		track := object{"type": "LineString", "coordinates": positions}
		at := put(t, mina, 201, object{"geometry": track})
		c.Expect("granted")
		assert.True(t, orb.Equal(watch(t, c, at.ID).Message.Geometry.Geometry, at.Geometry.Geometry))
		moved := put(t, mina, 200, object{"id": at.ID, "geometry": track})
		assert.True(t, orb.Equal(told(t, c).Message.Geometry.Geometry, moved.Geometry.Geometry))
		assert.Equal(t, len(moved.Geometry.Geometry.(orb.LineString)), location.MaxPositions)
		assert.Equal(t, search(t, mina, "near=126,37&radius=1"), []store.ID{at.ID})

		track["coordinates"] = append(positions, positions[0])
		mina.Refused(t, 400, "invalid", "PUT", "/api/location", object{"geometry": track})
		mina.Refused(t, 413, "too_large", "PUT", "/api/location", object{"geometry": strings.Repeat("x", 1<<20)})
	})
}
