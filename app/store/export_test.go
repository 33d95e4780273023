package store

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"github.com/kachi-io/kachi/internal/assert"
)

// IsSQLite reports whether it is SQLite.
func IsSQLite(db *DB) bool { return db.dialect.kind == kindSQLite }

// Query reads one row of a statement of the test's own.
func Query(t testing.TB, db *DB, query string, args []any, into ...any) {
	t.Helper()
	_, err := one(t.Context(), db, func(row scanner) (struct{}, error) { return struct{}{}, row.Scan(into...) }, query, args...)
	assert.NoError(t, err)
}

// Exec runs a statement of the test's own.
func Exec(t testing.TB, db *DB, query string, args ...any) error {
	return db.write(t.Context(), func(tx *tx) error {
		_, err := tx.exec(query, args...)
		return err
	})
}

// AddPlaces stores many locations in one transaction.
func AddPlaces(t testing.TB, db *DB, owner ID, places []orb.Point) {
	t.Helper()
	assert.NoError(t, db.write(t.Context(), func(tx *tx) error {
		for some := range slices.Chunk(places, 100) {
			var columns placeColumns
			var rows []string
			var args []any
			for _, place := range some {
				c, values, err := tx.placed(place)
				if err != nil {
					return err
				}
				columns, args = c, append(append(args, values...), owner)
				rows = append(rows, "("+c.values+", ?, '', 1, 0)")
			}
			_, err := tx.exec(`INSERT INTO locations (`+columns.names+`, owner_id, name, version, updated_at) VALUES `+strings.Join(rows, ", "), args...)
			if err != nil {
				return err
			}
		}
		return nil
	}))
}

// Plan returns how the database finds the locations in a box: a line for each table.
func Plan(t testing.TB, db *DB, box Box) []string {
	t.Helper()
	query, args, err := db.dialect.locationsIn(box)
	assert.NoError(t, err)
	explain := map[kind]string{
		kindSQLite:  `EXPLAIN QUERY PLAN `,
		kindMariaDB: `EXPLAIN `,
		kindMySQL:   `EXPLAIN FORMAT=TRADITIONAL `, // a tree since 9
	}[db.dialect.kind]
	rows, err := db.reads.QueryContext(t.Context(), explain+query, append(args, 0, 100)...)
	assert.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	assert.NoError(t, err)
	var lines []string
	for rows.Next() {
		values := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		assert.NoError(t, rows.Scan(into...))
		var line strings.Builder
		for i, v := range values {
			fmt.Fprintf(&line, "%s=%s ", columns[i], v.String)
		}
		lines = append(lines, line.String())
	}
	assert.NoError(t, rows.Err())
	return lines
}
