package mysqlserver_test

import (
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/kachi-io/kachi/internal/assert"
)

// What docs/databases.md says of MariaDB and MySQL is what these tests say. One that fails
// with a newer server names what the store must look at.

const unitSquare = "ST_GeomFromText('POLYGON((0 0,1 0,1 1,0 1,0 0))')"

func TestGeometryFacts(t *testing.T) {
	const same = "the same"
	each(t, func(t *testing.T, its software) {
		db := open(t, its.Database(t))
		for _, test := range []struct{ about, expression, mariaDB, mySQL string }{
			{"text is x y, or latitude first", "ST_AsGeoJSON(ST_GeomFromText('POINT(16.37 48.2)', 4326))",
				`{"type": "Point", "coordinates": [16.37, 48.2]}`, `{"type": "Point", "coordinates": [48.2, 16.37]}`},
			{"it comes out as it went in", "ST_AsText(ST_GeomFromText('POINT(16.37 48.2)', 4326))", "POINT(16.37 48.2)", same},
			{"x is the first", "ST_X(ST_GeomFromText('POINT(16.37 48.2)', 4326))", "16.37", same},
			{"WKB is x y, or latitude first", "ST_AsGeoJSON(ST_GeomFromWKB(ST_AsWKB(POINT(16.37, 48.2)), 4326))",
				`{"type": "Point", "coordinates": [16.37, 48.2]}`, `{"type": "Point", "coordinates": [48.2, 16.37]}`},
			{"so it is on the way out", "ST_AsWKB(ST_GeomFromText('POINT(1 2)', 4326)) = ST_AsWKB(POINT(1, 2))", "1", same},
			{"the axis order can be told", "ST_AsGeoJSON(ST_GeomFromText('POINT(1 2)', 4326, 'axis-order=long-lat'))",
				"error 1582", `{"type": "Point", "coordinates": [1.0, 2.0]}`},
			{"also in WKB", "ST_AsText(ST_GeomFromWKB(ST_AsWKB(POINT(1, 2)), 4326, 'axis-order=long-lat'))", "error 1582", "POINT(2 1)"},
			{"GeoJSON is x y", "ST_AsText(ST_GeomFromGeoJSON('{\"type\":\"Point\",\"coordinates\":[16.37,48.2]}'))", "POINT(16.37 48.2)", "POINT(48.2 16.37)"},
			{"and gets an SRID", "ST_SRID(ST_GeomFromGeoJSON('{\"type\":\"Point\",\"coordinates\":[1,2]}'))", "0", "4326"},
			{"unless one is named", "ST_SRID(ST_GeomFromGeoJSON('{\"type\":\"Point\",\"coordinates\":[1,2]}', 1, 4326))", "4326", same},
			{"the latitude's range", "ST_AsText(ST_GeomFromText('POINT(148 40)', 4326))", "POINT(148 40)", "error 3617"},
			{"the longitude's range", "ST_AsText(ST_GeomFromText('POINT(40 400)', 4326))", "POINT(40 400)", "error 3616"},
			{"its edge in the west", "ST_AsText(ST_GeomFromText('POINT(40 -180)', 4326))", "POINT(40 -180)", same},
			{"and beyond", "ST_AsText(ST_GeomFromText('POINT(40 -180.0000001)', 4326))", "POINT(40 -180.0000001)", "error 3616"},
			{"bad text", "ST_GeomFromText('POINT(1') IS NULL", "1", "error 3037"},
			{"an open ring", "ST_GeomFromText('POLYGON((0 0,1 1,1 0))') IS NULL", "1", "error 3037"},
			{"bad WKB", "ST_GeomFromWKB(x'0101') IS NULL", "1", "error 3037"},
			{"a value's SRID can be set", "ST_SRID(ST_SRID(POINT(1, 2), 4326))", "error 1582", "4326"},
			{"there is a longitude", "ST_Longitude(ST_GeomFromText('POINT(1 2)', 4326))", "error 1305", "2"},
			{"though not in the plane", "ST_Longitude(POINT(1, 2))", "error 1305", "error 3726"},
			{"and a swap", "ST_AsText(ST_SwapXY(POINT(1, 2)))", "error 1305", "POINT(2 1)"},
			{"and a check", "ST_IsValid(POINT(1, 2))", "error 1305", "1"},

			{"the sphere's radius", "ROUND(ST_Distance_Sphere(POINT(0, 0), POINT(1, 0)), 3)", "111194.682", same}, // of 6370986 m
			{"any other radius", "ROUND(ST_Distance_Sphere(POINT(0, 0), POINT(1, 0), 6371008.8), 3)", "111195.08", same},
			{"the radius with an SRID", "ROUND(ST_Distance_Sphere(ST_GeomFromText('POINT(0 0)', 4326), ST_GeomFromText('POINT(1 0)', 4326)), 3)", "111194.682", "111195.08"},
			{"longitude comes first", "ROUND(ST_Distance_Sphere(POINT(0, 60), POINT(1, 60)))", "55597", same},
			{"also with an SRID, or not", "ROUND(ST_Distance_Sphere(ST_GeomFromText('POINT(0 60)', 4326), ST_GeomFromText('POINT(1 60)', 4326)))", "55597", "111195"},
			{"a latitude has its range", "ST_Distance_Sphere(POINT(0, 95), POINT(0, 0))", "error 3048", "error 3617"},
			{"a longitude has its range", "ST_Distance_Sphere(POINT(200, 0), POINT(0, 0))", "error 3048", "error 3616"},
			{"without or with its edge", "ROUND(ST_Distance_Sphere(POINT(-180, 0), POINT(-179, 0)))", "111195", "error 3616"},
			{"the sphere knows points only", "ST_Distance_Sphere(ST_GeomFromText('LINESTRING(0 0,1 1)'), POINT(0, 0))", "error 3034", "error 3704"},
			{"other distances: of the plane, in degrees, or metres", "ROUND(ST_Distance(ST_GeomFromText('POINT(0 0)', 4326), ST_GeomFromText('POINT(0 1)', 4326)))", "1", "111319"},
			{"so are areas", "ROUND(ST_Area(ST_GeomFromText('POLYGON((0 0,2 0,2 2,0 2,0 0))', 4326)) / 1e9)", "0", "49"},
			{"SRIDs mixed", "ST_Intersects(ST_GeomFromText('POINT(0 0)', 4326), " + unitSquare + ")", "1", "error 3033"},

			{"a box contains its edge", "MBRContains(" + unitSquare + ", POINT(0, 0.5))", "1", "0"},
			{"or covers it", "MBRCovers(" + unitSquare + ", POINT(0, 0.5))", "error 1305", "1"},
			{"and intersects it", "MBRIntersects(" + unitSquare + ", POINT(0, 0.5))", "1", same},
			{"also its corner", "MBRIntersects(" + unitSquare + ", POINT(0, 0))", "1", same},
			{"and nothing beyond", "MBRIntersects(" + unitSquare + ", POINT(1.0000001, 0))", "0", same},
		} {
			if test.mySQL == same {
				test.mySQL = test.mariaDB
			}
			assert.Equal(t, answer(t, db, test.expression), its.either(test.mariaDB, test.mySQL), test.about)
		}
	})
}

// answer is what the server makes of an expression: a value, or the number of an error.
func answer(t testing.TB, db *sql.DB, expression string) string {
	t.Helper()
	var got string
	err := db.QueryRow("SELECT " + expression).Scan(&got)
	var refused *mysql.MySQLError
	if errors.As(err, &refused) {
		return fmt.Sprint("error ", refused.Number)
	}
	assert.NoError(t, err, expression)
	return got
}

func TestGeometryColumnFacts(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		db := open(t, its.Database(t))
		fails(t, db, 1252, "CREATE TABLE no (p POINT, SPATIAL INDEX (p))")          // must be NOT NULL
		fails(t, db, 1064, "CREATE TABLE no (p POINT NOT NULL REF_SYSTEM_ID=4326)") // must follow the type
		its.does(t, db, 0, 1064, "CREATE TABLE of_mariadb (p POINT REF_SYSTEM_ID=4326 NOT NULL, SPATIAL INDEX (p))")
		its.does(t, db, 1064, 0, "CREATE TABLE of_mysql (p POINT NOT NULL SRID 4326, SPATIAL INDEX (p))")
		exec1(t, db, "CREATE TABLE of_both (p POINT NOT NULL /*!80003 SRID 4326 */, SPATIAL INDEX (p))")
		// What the column was declared with holds nobody back in MariaDB.
		its.does(t, db, 0, 3643, "INSERT INTO "+its.either("of_mariadb", "of_mysql")+" VALUES (POINT(1, 2))")
		its.does(t, db, 0, 3643, "INSERT INTO of_both VALUES (ST_GeomFromText('POINT(1 2)', 3857))")
		its.does(t, db, 1048, 3673, "INSERT INTO of_both VALUES (NULL)")
		its.does(t, db, 1366, 1416, "INSERT INTO of_both VALUES (ST_GeomFromText('LINESTRING(1 2,3 4)', 4326))")
		fails(t, db, 1416, "INSERT INTO of_both VALUES ('rubbish')")

		exec1(t, db, `CREATE TABLE checked (p GEOMETRY NOT NULL, SPATIAL INDEX (p),
			CHECK (ST_GeometryType(p) IN ('POINT', 'POLYGON')), CHECK (ST_SRID(p) = 4326))`)
		exec1(t, db, "INSERT INTO checked VALUES (ST_GeomFromText('POINT(1 2)', 4326))")
		its.does(t, db, 4025, 3819, "INSERT INTO checked VALUES (POINT(1, 2))")
		its.does(t, db, 4025, 3819, "INSERT INTO checked VALUES (ST_GeomFromText('LINESTRING(1 2,3 4)', 4326))")
		fails(t, db, 1252, "CREATE TABLE no (x DOUBLE, y DOUBLE, p POINT AS (POINT(x, y)) STORED, SPATIAL INDEX (p))")
		its.does(t, db, 1064, 0, "CREATE TABLE computed (x DOUBLE, y DOUBLE, p POINT AS (POINT(x, y)) STORED NOT NULL /*!80003 SRID 0 */, SPATIAL INDEX (p))")
	})
}

// A geometry goes in and comes out in the form in which it is stored: the SRID as four
// bytes, little endian, then WKB, with the longitude first.
func TestGeometryIsReadAndWrittenAsItIsStored(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		db := open(t, its.Database(t))
		exec1(t, db, "CREATE TABLE a (p POINT NOT NULL)")
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
		assert.Equal(t, text, its.either("POINT(16.37 48.2)", "POINT(48.2 16.37)"))
		assert.Equal(t, srid, 4326)
	})
}

func TestSpatialIndexIsUsed(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		db := open(t, its.Database(t))
		exec1(t, db, `CREATE TABLE a (id BIGINT AUTO_INCREMENT PRIMARY KEY, p POINT NOT NULL /*!80003 SRID 0 */,
			room INT NOT NULL, SPATIAL INDEX (p), INDEX (room))`)
		const rows = 20_000
		insert := make([]string, 0, 1000)
		for i := range rows {
			insert = append(insert, fmt.Sprintf("(POINT(%d / 1000, %d / 1000), %d)", -180_000+i*7919%360_000, -90_000+i*104_729%180_000, i%50))
			if len(insert) == cap(insert) {
				exec1(t, db, "INSERT INTO a (p, room) VALUES "+strings.Join(insert, ","))
				insert = insert[:0]
			}
		}
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
			assert.Equal(t, its.key(t, db, "SELECT id FROM a WHERE "+test.where), test.uses, test.where)
		}
		statement := "SELECT id FROM a WHERE MBRIntersects(p, ST_GeomFromText(?))"
		assert.Equal(t, its.key(t, db, statement, "POLYGON((16 48,17 48,17 49,16 49,16 48))"), "p", "prepared")

		var with, without int
		count := "SELECT COUNT(*) FROM a%s WHERE MBRIntersects(p, ST_GeomFromText('POLYGON((10 40,20 40,20 50,10 50,10 40))'))"
		assert.NoError(t, db.QueryRow(fmt.Sprintf(count, "")).Scan(&with))
		assert.NoError(t, db.QueryRow(fmt.Sprintf(count, " IGNORE INDEX (p)")).Scan(&without))
		assert.Equal(t, with, without)
		assert.True(t, with > 0)

		// In MySQL an index over a column without an SRID is there, and not used.
		exec1(t, db, "CREATE TABLE b (id BIGINT PRIMARY KEY, p POINT NOT NULL, room INT NOT NULL, SPATIAL INDEX (p), INDEX (room))")
		exec1(t, db, "INSERT INTO b SELECT id, p, room FROM a")
		exec1(t, db, "ANALYZE TABLE b")
		assert.Equal(t, its.key(t, db, "SELECT id FROM b WHERE MBRIntersects(p, "+box(16, 17)+")"), its.either("p", ""))
	})
}

// key returns the index that the statement reads by.
func (s software) key(t testing.TB, db *sql.DB, statement string, args ...any) string {
	t.Helper()
	rows, err := db.Query(s.either("EXPLAIN ", "EXPLAIN FORMAT=TRADITIONAL ")+statement, args...)
	assert.NoError(t, err, statement)
	defer rows.Close()
	columns, err := rows.Columns()
	assert.NoError(t, err)
	assert.True(t, rows.Next(), statement)
	var found sql.NullString
	into := make([]any, len(columns))
	for i, name := range columns {
		if into[i] = new(sql.NullString); name == "key" {
			into[i] = &found
		}
	}
	assert.NoError(t, rows.Scan(into...))
	return found.String
}

// fails expects the statement to end with the server's error of that number.
func fails(t testing.TB, db *sql.DB, want uint16, statement string, args ...any) {
	t.Helper()
	_, err := db.Exec(statement, args...)
	assert.Equal(t, number(t, err), want, "%s: %v", statement, err)
}

// does expects the error of that number from each of the two, or none where it is 0.
func (s software) does(t testing.TB, db *sql.DB, mariaDB, mySQL uint16, statement string) {
	t.Helper()
	want := mariaDB
	if s.name == "MySQL" {
		want = mySQL
	}
	if want == 0 {
		exec1(t, db, statement)
		return
	}
	fails(t, db, want, statement)
}

// either is what is said of the one or the other.
func (s software) either(mariaDB, mySQL string) string {
	if s.name == "MySQL" {
		return mySQL
	}
	return mariaDB
}
