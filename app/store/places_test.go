package store

import (
	"bytes"
	"io/fs"
	"testing"

	"github.com/paulmach/orb"

	"github.com/kachi-io/kachi/internal/assert"
)

// MySQL 8 takes longitudes above -180 only.
func TestMySQLIsGivenNoLongitudeOfExactly180West(t *testing.T) {
	for _, place := range []orb.Geometry{
		orb.Point{-180, 1},
		orb.LineString{{-180, 0}, {180, 0}},
		orb.Polygon{{{-180, 0}, {-170, 0}, {-170, 1}, {-180, 0}}},
	} {
		before := orb.Clone(place)
		d := &dialect{kind: kindMySQL}
		text, err := d.encode(place)
		assert.NoError(t, err)
		sent, err := (&dialect{}).decode(text)
		assert.NoError(t, err)
		assert.True(t, sent.Bound().Min.Lon() > -180)
		back, err := d.decode(text)
		assert.NoError(t, err)
		assert.Equal(t, back, before)
		assert.Equal(t, place, before)
	}
}

// Words in braces are spelled for each server, and none is left.
func TestSpelling(t *testing.T) {
	for folder, want := range map[string]string{"mysql": "GEOMETRY NOT NULL SRID 4326,", "mariadb": "GEOMETRY NOT NULL,"} {
		files, err := steps(folder)
		assert.NoError(t, err)
		text, err := fs.ReadFile(files, "0003_locations.sql")
		assert.NoError(t, err)
		assert.True(t, bytes.Contains(text, []byte(want)), string(text))
		assert.True(t, !bytes.ContainsAny(text, "{}"), string(text))
	}
}
