package mariadbtest_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mariadbtest"
)

// What docs/databases.md says of MariaDB is what these tests say. One that fails with a
// newer MariaDB names what the store must look at.

const unitSquare = "ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 1,0 0))')"

func TestGeometryFacts(t *testing.T) {
	db := open(t, mariadbtest.Database(t))
	for _, test := range []struct{ about, expression, want string }{
		{"text is x y, whatever the SRID", "ST_AsText(ST_GeomFromText('POINT(16.37 48.2)', 4326))", "POINT(16.37 48.2)"},
		{"x is the first", "ST_X(ST_GeomFromText('POINT(16.37 48.2)', 4326))", "16.37"},
		{"WKB is x y, whatever the SRID", "ST_AsText(ST_GeomFromWKB(ST_AsWKB(POINT(16.37, 48.2)), 4326))", "POINT(16.37 48.2)"},
		{"so it is on the way out", "ST_AsWKB(ST_GeomFromText('POINT(1 2)', 4326)) = ST_AsWKB(POINT(1, 2))", "1"},
		{"GeoJSON is x y", "ST_AsText(ST_GeomFromGeoJSON('{\"type\":\"Point\",\"coordinates\":[16.37,48.2]}'))", "POINT(16.37 48.2)"},
		{"and gets SRID 0", "ST_SRID(ST_GeomFromGeoJSON('{\"type\":\"Point\",\"coordinates\":[1,2]}'))", "0"},
		{"unless one is named", "ST_SRID(ST_GeomFromGeoJSON('{\"type\":\"Point\",\"coordinates\":[1,2]}', 1, 4326))", "4326"},
		{"GeoJSON out", "ST_AsGeoJSON(ST_GeomFromText('POINT(16.37 48.2)', 4326))", `{"type": "Point", "coordinates": [16.37, 48.2]}`},
		{"no range is looked at", "ST_AsText(ST_GeomFromText('POINT(400 148)', 4326))", "POINT(400 148)"},
		{"bad text is NULL", "ST_GeomFromText('POINT(1') IS NULL", "1"},
		{"an open ring is NULL", "ST_GeomFromText('POLYGON((0 0,1 1,1 0))') IS NULL", "1"},
		{"bad WKB is NULL", "ST_GeomFromWKB(x'0101') IS NULL", "1"},

		{"the sphere's radius", "ROUND(ST_Distance_Sphere(POINT(0, 0), POINT(1, 0)), 3)", "111194.682"}, // of 6370986 m
		{"any other radius", "ROUND(ST_Distance_Sphere(POINT(0, 0), POINT(1, 0), 6371008.8), 3)", "111195.08"},
		{"longitude comes first", "ROUND(ST_Distance_Sphere(POINT(0, 60), POINT(1, 60)))", "55597"},
		{"also with an SRID", "ROUND(ST_Distance_Sphere(ST_GeomFromText('POINT(0 60)', 4326), ST_GeomFromText('POINT(1 60)', 4326)))", "55597"},
		{"other distances are of the plane, in degrees", "ST_Distance(ST_GeomFromText('POINT(0 0)', 4326), ST_GeomFromText('POINT(0 1)', 4326))", "1"},
		{"so are areas", "ST_Area(ST_GeomFromText('POLYGON((0 0,2 0,2 2,0 2,0 0))', 4326))", "4"},
		{"SRIDs may be mixed", "ST_Intersects(ST_GeomFromText('POINT(0 0)', 4326), " + unitSquare + ")", "1"},

		{"a box contains its edge", "MBRContains(" + unitSquare + ", POINT(0, 0.5))", "1"}, // not so in MySQL
		{"and intersects it", "MBRIntersects(" + unitSquare + ", POINT(0, 0.5))", "1"},
		{"also its corner", "MBRIntersects(" + unitSquare + ", POINT(0, 0))", "1"},
		{"and nothing beyond", "MBRIntersects(" + unitSquare + ", POINT(1.0000001, 0))", "0"},
	} {
		var got sql.NullString
		assert.NoError(t, db.QueryRow("SELECT "+test.expression).Scan(&got), test.about)
		assert.Equal(t, got.String, test.want, test.about)
	}
	for _, test := range []struct {
		about, expression string
		want              uint16
	}{
		{"no axis order", "ST_GeomFromText('POINT(1 2)', 4326, 'axis-order=long-lat')", 1582},
		{"nor in WKB", "ST_GeomFromWKB(ST_AsWKB(POINT(1, 2)), 4326, 'axis-order=long-lat')", 1582},
		{"the SRID of a value cannot be set", "ST_SRID(POINT(1, 2), 4326)", 1582},
		{"no longitude", "ST_Longitude(POINT(1, 2))", 1305},
		{"no swap", "ST_SwapXY(POINT(1, 2))", 1305},
		{"no check", "ST_IsValid(POINT(1, 2))", 1305},
		{"no covering box", "MBRCoveredBy(POINT(1, 2), " + unitSquare + ")", 1305},
		{"a latitude has its range", "ST_Distance_Sphere(POINT(0, 95), POINT(0, 0))", 3048},
		{"a longitude has its range", "ST_Distance_Sphere(POINT(200, 0), POINT(0, 0))", 3048},
		{"the sphere knows points only", "ST_Distance_Sphere(ST_GeomFromText('LINESTRING(0 0,1 1)'), POINT(0, 0))", 3034},
	} {
		var got sql.NullString
		assert.Equal(t, number(t, db.QueryRow("SELECT "+test.expression).Scan(&got)), test.want, test.about)
	}
}

func TestGeometryColumnFacts(t *testing.T) {
	db := open(t, mariadbtest.Database(t))
	fails(t, db, 1252, "CREATE TABLE no (p POINT, SPATIAL INDEX (p))") // must be NOT NULL
	fails(t, db, 1064, "CREATE TABLE no (p POINT NOT NULL SRID 4326)")
	fails(t, db, 1064, "CREATE TABLE no (p POINT NOT NULL REF_SYSTEM_ID=4326)") // must follow the type
	exec1(t, db, "CREATE TABLE of_mariadb (p POINT REF_SYSTEM_ID=4326 NOT NULL, SPATIAL INDEX (p))")
	exec1(t, db, "CREATE TABLE of_both (p POINT NOT NULL /*!80003 SRID 4326 */, SPATIAL INDEX (p))")
	// What the column was declared with holds nobody back.
	exec1(t, db, "INSERT INTO of_mariadb VALUES (POINT(1, 2)), (ST_GeomFromText('POINT(1 2)', 3857))")
	fails(t, db, 1048, "INSERT INTO of_mariadb VALUES (NULL)")
	fails(t, db, 1366, "INSERT INTO of_mariadb VALUES (ST_GeomFromText('LINESTRING(1 2,3 4)'))")
	fails(t, db, 1416, "INSERT INTO of_mariadb VALUES ('rubbish')")

	exec1(t, db, `CREATE TABLE checked (p GEOMETRY NOT NULL, SPATIAL INDEX (p),
		CHECK (ST_GeometryType(p) IN ('POINT', 'POLYGON')), CHECK (ST_SRID(p) = 4326))`)
	exec1(t, db, "INSERT INTO checked VALUES (ST_GeomFromText('POINT(1 2)', 4326))")
	fails(t, db, 4025, "INSERT INTO checked VALUES (POINT(1, 2))")
	fails(t, db, 4025, "INSERT INTO checked VALUES (ST_GeomFromText('LINESTRING(1 2,3 4)', 4326))")
	fails(t, db, 1252, "CREATE TABLE no (x DOUBLE, y DOUBLE, p POINT AS (POINT(x, y)) STORED, SPATIAL INDEX (p))")
}

// A geometry goes in and comes out in the form in which it is stored: the SRID as four
// bytes, little endian, then WKB.
func TestGeometryIsReadAndWrittenAsItIsStored(t *testing.T) {
	db := open(t, mariadbtest.Database(t))
	exec1(t, db, "CREATE TABLE a (p POINT NOT NULL, SPATIAL INDEX (p))")
	var stored bytes.Buffer
	for _, part := range []any{uint32(4326), uint8(1), uint32(1), 16.37, 48.2} { // 1: little endian, 1: a point
		assert.NoError(t, binary.Write(&stored, binary.LittleEndian, part))
	}
	exec1(t, db, "INSERT INTO a VALUES (?)", stored.Bytes())
	var got []byte
	var text string
	var srid int
	assert.NoError(t, db.QueryRow("SELECT p, ST_AsText(p), ST_SRID(p) FROM a").Scan(&got, &text, &srid))
	assert.Equal(t, got, stored.Bytes())
	assert.Equal(t, text, "POINT(16.37 48.2)")
	assert.Equal(t, srid, 4326)
}

func TestSpatialIndexIsUsed(t *testing.T) {
	db := open(t, mariadbtest.Database(t))
	exec1(t, db, "CREATE TABLE a (id BIGINT AUTO_INCREMENT PRIMARY KEY, p POINT NOT NULL, room INT NOT NULL, SPATIAL INDEX (p), INDEX (room))")
	exec1(t, db, `INSERT INTO a (p, room)
		SELECT POINT(-180 + (seq * 7919 MOD 360000) / 1000, -90 + (seq * 104729 MOD 180000) / 1000), seq MOD 50 FROM seq_1_to_20000`)
	exec1(t, db, "ANALYZE TABLE a")
	box := func(west, east int) string {
		return fmt.Sprintf("ST_GeomFromText('POLYGON((%[1]d 48,%[2]d 48,%[2]d 49,%[1]d 49,%[1]d 48))')", west, east)
	}
	for _, test := range []struct {
		where string
		uses  string // the index
	}{
		{"MBRIntersects(p, " + box(16, 17) + ")", "p"},
		{"MBRIntersects(" + box(16, 17) + ", p)", "p"},
		{"MBRContains(" + box(16, 17) + ", p)", "p"},
		{"MBRWithin(p, " + box(16, 17) + ")", "p"},
		{"ST_Within(p, " + box(16, 17) + ")", "p"},
		{"ST_Intersects(p, " + box(16, 17) + ")", "p"},
		{"MBRIntersects(p, " + box(16, 17) + ") AND room = 3", "p"},
		{"MBRIntersects(p, " + box(16, 17) + ") AND ST_Distance_Sphere(p, POINT(16, 48)) < 1000", "p"},
		// By itself the distance reads every row, and so do two boxes with OR: a box over
		// the antimeridian is two queries, joined by UNION ALL.
		{"ST_Distance_Sphere(p, POINT(16, 48)) < 1000", ""},
		{"MBRIntersects(p, " + box(16, 17) + ") OR MBRIntersects(p, " + box(18, 19) + ")", ""},
		// Neither is it used where it would find nearly everything.
		{"MBRIntersects(p, ST_GeomFromText('POLYGON((-180 -90,180 -90,180 90,-180 90,-180 -90))'))", ""},
	} {
		assert.Equal(t, key(t, db, "SELECT id FROM a WHERE "+test.where), test.uses, test.where)
	}
	statement := "SELECT id FROM a WHERE MBRIntersects(p, ST_GeomFromText(?))"
	assert.Equal(t, key(t, db, statement, "POLYGON((16 48,17 48,17 49,16 49,16 48))"), "p", "prepared")

	var with, without int
	count := "SELECT COUNT(*) FROM a%s WHERE MBRIntersects(p, ST_GeomFromText('POLYGON((10 40,20 40,20 50,10 50,10 40))'))"
	assert.NoError(t, db.QueryRow(fmt.Sprintf(count, "")).Scan(&with))
	assert.NoError(t, db.QueryRow(fmt.Sprintf(count, " IGNORE INDEX (p)")).Scan(&without))
	assert.Equal(t, with, without)
	assert.True(t, with > 0)
}

// key returns the index that the statement reads by.
func key(t testing.TB, db *sql.DB, statement string, args ...any) string {
	t.Helper()
	var found sql.NullString
	var rest [9]sql.NullString
	err := db.QueryRow("EXPLAIN "+statement, args...).Scan(&rest[0], &rest[1], &rest[2], &rest[3], &rest[4], &found,
		&rest[5], &rest[6], &rest[7], &rest[8])
	assert.NoError(t, err, statement)
	return found.String
}

// fails expects the statement to end with the server's error of that number.
func fails(t testing.TB, db *sql.DB, want uint16, statement string, args ...any) {
	t.Helper()
	_, err := db.Exec(statement, args...)
	assert.Equal(t, number(t, err), want, "%s: %v", statement, err)
}
