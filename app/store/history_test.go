package store

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/internal/assert"
)

// plan is how SQLite goes about a query, a line for each step.
func plan(t testing.TB, db *DB, query string, args ...any) string {
	t.Helper()
	steps, err := all(t.Context(), db, func(row scanner) (step string, err error) {
		var a, b, c int
		err = row.Scan(&a, &b, &c, &step)
		return step, err
	}, `EXPLAIN QUERY PLAN `+query, args...)
	assert.NoError(t, err)
	return strings.Join(steps, "\n")
}

func openEmpty(t testing.TB) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "kachi.db"), nil)
	assert.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// What is asked of busy rooms goes straight to where it is, and neither looks through a table
// nor sorts, however much there is.
func TestQueriesDoNotGrow(t *testing.T) {
	db := openEmpty(t)
	for name, q := range map[string]struct {
		query string
		args  int
		sorts int // of pages that were cut off before, each by its index
	}{
		"before":    {historyBefore, 3, 0},
		"after":     {historyAfter, 3, 0},
		"mine":      {listMine, 8, 3},
		"all rooms": {listAll, 10, 4},
		"members":   {listMembers, 3, 0},
		"retry":     {messageByClient, 3, 0},
	} {
		steps := plan(t, db, q.query, make([]any, q.args)...)
		for _, step := range strings.Split(steps, "\n") {
			// A page is one that was made before.
			if step = strings.TrimSpace(step); strings.HasPrefix(step, "SCAN") {
				onPage := strings.HasPrefix(step, "SCAN page") || strings.HasPrefix(step, "SCAN joined") ||
					strings.HasPrefix(step, "SCAN owned") || strings.HasPrefix(step, "SCAN open_to_all")
				assert.True(t, onPage, name, ": ", steps)
			}
		}
		assert.True(t, strings.Count(steps, "USE TEMP B-TREE FOR ORDER BY") <= q.sorts, name, ": ", steps)
		assert.True(t, strings.Contains(steps, "SEARCH"), name, ": ", steps)
	}
}

// fill stores messages without asking for each.
func fill(t testing.TB, db *DB, messages int) (room ID) {
	t.Helper()
	u, err := db.AddUser(context.Background(), User{Name: "mina", Role: "user"}, "mina", "admin")
	assert.NoError(t, err)
	r, err := db.AddRoom(context.Background(), Room{Name: "busy", Owner: u.ID}, 10)
	assert.NoError(t, err)
	assert.NoError(t, db.write(context.Background(), func(tx *tx) error {
		_, err := tx.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO messages (room_id, seq, sender_id, client_id, body, sent_at, edited_at, deleted_at, version)
			SELECT ?, i, ?, 'client-' || i, 'message number ' || i, i, 0, 0, 1 FROM n`, messages, r.ID, u.ID)
		if err != nil {
			return err
		}
		return tx.change(`UPDATE rooms SET last_seq = ? WHERE id = ?`, messages, r.ID)
	}))
	return r.ID
}

// A page of 50 from the end, the middle and the beginning of rooms of different sizes takes the
// same time.
func BenchmarkHistory(b *testing.B) {
	for _, size := range []int{1_000, 1_000_000} {
		db := openEmpty(b)
		db.timeout *= 12
		db.writes.(*grouped).timeout *= 12
		room := fill(b, db, size)
		for name, before := range map[string]int64{"end": 0, "middle": int64(size / 2), "beginning": 51} {
			b.Run(strings.Join([]string{map[int]string{1_000: "1k", 1_000_000: "1M"}[size], name}, "/"), func(b *testing.B) {
				for b.Loop() {
					page, err := db.MessagesBefore(b.Context(), room, before, 50)
					if err != nil || len(page) != 50 {
						b.Fatal(len(page), err)
					}
				}
			})
		}
	}
}
