package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
)

func openFile(t testing.TB, o *Options) *DB {
	t.Helper()
	db, err := Open(context.Background(), filepath.Join(t.TempDir(), "kachi.db"), o)
	assert.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// hold has the writer wait, so that what comes meanwhile is committed together.
func hold(t testing.TB, db *DB) (release func()) {
	t.Helper()
	begun, end := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	begin := sync.OnceFunc(func() { close(begun) }) // it may run again
	go func() {
		done <- db.write(context.Background(), func(*tx) error {
			begin()
			<-end
			return errors.New("nothing is to be stored")
		})
	}()
	<-begun
	return func() {
		close(end)
		assert.True(t, assert.Receive(t, done) != nil)
	}
}

// together runs writes in one group, in their order, and returns what came of each.
func together(t testing.TB, db *DB, writes ...func() error) []error {
	t.Helper()
	release := hold(t, db)
	results := make([]chan error, len(writes))
	queue := db.writes.(*grouped).jobs
	for i, write := range writes {
		results[i] = make(chan error, 1)
		go func() { results[i] <- write() }()
		assert.Eventually(t, func() bool { return len(queue) == i+1 }, "in the queue")
	}
	release()
	all := make([]error, len(writes))
	for i, result := range results {
		all[i] = assert.Receive(t, result)
	}
	return all
}

func put(db *DB, name string, size int) func() error {
	return func() error {
		_, err := db.SetDocument(context.Background(), DocumentChange{Name: name, Value: make([]byte, size), Expected: func(Document) bool { return true }})
		return err
	}
}

func add(db *DB, name string) func() error {
	return func() error {
		_, err := db.AddUser(context.Background(), User{Name: name}, name, "admin")
		return err
	}
}

// limit bounds the pages of the file: those that there are, and some more.
func limit(t testing.TB, db *DB, more int) {
	t.Helper()
	assert.NoError(t, db.write(context.Background(), func(tx *tx) error {
		var pages, free int
		if err := tx.get(`PRAGMA page_count`, nil, &pages); err != nil {
			return err
		}
		if err := tx.get(`PRAGMA freelist_count`, nil, &free); err != nil {
			return err
		}
		_, err := tx.exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, max(pages+more-free, pages)))
		return err
	}))
}

// full has code "unavailable", and stays so until there is room.
func full(t testing.TB, err error) {
	t.Helper()
	assert.True(t, Unavailable(err), err)
	assert.Equal(t, gateway.CodeOf(err), gateway.CodeUnavailable)
	assert.Equal(t, assert.ErrorAs[*gateway.Error](t, err).Message, noRoom)
}

func TestADiskThatIsFull(t *testing.T) {
	db := openFile(t, nil)
	ctx := t.Context()
	const large = 60_000 // 15 pages
	for i := range 10 {
		assert.NoError(t, put(db, fmt.Sprint("large/", i), large)())
	}
	limit(t, db, 10)

	// One that finds no room does not take the others of its group along: SQLite has ended
	// the whole transaction.
	results := together(t, db,
		add(db, "mina"),
		put(db, "small/1", 10),
		put(db, "large/more", large),
		add(db, "mina"), // who is there, or is not, by what came of the first
		put(db, "small/2", 10),
	)
	assert.NoError(t, results[0])
	assert.NoError(t, results[1])
	full(t, results[2])
	assert.True(t, errors.Is(results[3], ErrExists), results[3])
	assert.NoError(t, results[4])
	for name, version := range map[string]int64{"small/1": 1, "small/2": 1, "large/more": 0, "large/3": 1} {
		d, err := db.Document(ctx, name)
		assert.NoError(t, err, "reads go on")
		assert.Equal(t, d.Version, version, name)
	}
	users, err := db.FindUsers(ctx, "mina", 10)
	assert.NoError(t, err)
	assert.Equal(t, len(users), 1)

	// Not ready, until somebody makes room.
	assert.Eventually(t, func() bool { return db.Ready(ctx) != nil }, "not ready")
	full(t, db.Ready(ctx))
	for i := range 3 {
		_, err := db.SetDocument(ctx, DocumentChange{Name: fmt.Sprint("large/", i), Expected: func(Document) bool { return true }})
		assert.NoError(t, err, "what frees room needs none")
	}
	assert.Eventually(t, func() bool { return db.Ready(ctx) == nil }, "ready again")
	assert.NoError(t, put(db, "large/more", large)())
}

// What SQLite has ended by itself goes on statement by statement: nothing of it is stored.
func TestAnErrorThatIsOverlookedUndoesEverything(t *testing.T) {
	db := openFile(t, nil)
	assert.NoError(t, put(db, "a", 10)())
	limit(t, db, 2)
	err := db.write(t.Context(), func(tx *tx) error {
		_, _ = tx.exec(`INSERT INTO documents (name, value, version, updated_at) VALUES ('large', ?, 1, 0)`, string(make([]byte, 100_000)))
		_, _ = tx.exec(`UPDATE documents SET version = 7 WHERE name = 'a'`)
		rows, err := list(tx, scanString, `SELECT name FROM documents LIMIT 9`)
		assert.True(t, err != nil && rows == nil, "nothing is read either")
		return nil
	})
	full(t, err)
	d, err := db.Document(t.Context(), "a")
	assert.NoError(t, err)
	assert.Equal(t, d.Version, int64(1))
}

// A function that panics, or has failed, undoes what it did, and nothing of others.
func TestWhoFailsInAGroupUndoesNothingOfOthers(t *testing.T) {
	db := openFile(t, nil)
	raw := func(after func() error) func() error {
		return func() error {
			return db.write(context.Background(), func(tx *tx) error {
				if _, err := tx.exec(`INSERT INTO documents (name, version, updated_at) VALUES ('raw', 1, 0)`); err != nil {
					return err
				}
				return after()
			})
		}
	}
	failure := errors.New("failure")
	gone, cancel := context.WithCancel(t.Context())
	results := together(t, db,
		add(db, "a"),
		raw(func() error { return failure }),
		raw(func() error { panic("at the disco") }),
		func() error {
			return db.write(gone, func(*tx) error { t.Error("nobody waits for this any more"); return nil })
		},
		func() error {
			cancel()
			return add(db, "a")()
		},
		raw(func() error { return nil }),
	)
	assert.NoError(t, results[0])
	assert.True(t, errors.Is(results[1], failure), results[1])
	assert.True(t, results[2] != nil && !Unavailable(results[2]), results[2])
	assert.True(t, errors.Is(results[3], context.Canceled), results[3])
	assert.True(t, errors.Is(results[4], ErrExists), results[4])
	assert.NoError(t, results[5])
}

// While the writer is held up, no more wait than have a place, and nobody for ever.
func TestAQueueOfWritersThatIsFull(t *testing.T) {
	db := openFile(t, &Options{Timeout: 300 * time.Millisecond})
	release := hold(t, db)
	results := make(chan error, 2*waiting)
	for range cap(results) {
		go func() { results <- add(db, "somebody")() }()
	}
	for range cap(results) - waiting { // those that have no place
		err := assert.Receive(t, results)
		assert.Equal(t, gateway.CodeOf(err), gateway.CodeUnavailable, err)
		assert.Equal(t, assert.ErrorAs[*gateway.Error](t, err).Message, tooSlow)
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	assert.True(t, Unavailable(db.Ready(short)), "nor does who asks whether it works")
	_, err := db.FindUsers(t.Context(), "", 1)
	assert.NoError(t, err, "reads go on")
	release()
	for range waiting { // whose time was over when their turn came
		assert.True(t, Unavailable(assert.Receive(t, results)))
	}
	assert.NoError(t, add(db, "somebody")())
	assert.Eventually(t, func() bool { return db.Ready(t.Context()) == nil })
}

// What others may say of the database, in a form that clients are told.
func TestNewsOfHealth(t *testing.T) {
	var h health
	now := time.Now()
	for i, step := range []struct {
		failed bool
		after  time.Duration
		news   bool
	}{
		{false, 0, false},
		{true, 0, true},
		{true, time.Second, false},
		{false, time.Second, false}, // some succeed on a disk that is nearly full
		{true, time.Second, false},
		{false, calm - 1, false},
		{false, 1, true},
		{false, time.Hour, false},
		{true, 0, true},
	} {
		now = now.Add(step.after)
		assert.Equal(t, h.note(step.failed, now), step.news, i)
	}
}

// BenchmarkWrites is what putting the commits of many together is for: 64 who write at once,
// each waiting until what it wrote is on disk.
func BenchmarkWrites(b *testing.B) {
	for name, most := range map[string]int{"grouped": group, "one transaction each": 1} {
		b.Run(name, func(b *testing.B) {
			db := openFile(b, nil)
			db.writes.(*grouped).most = most
			b.SetParallelism(64)
			b.ReportAllocs()
			var n atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := put(db, strconv.FormatInt(n.Add(1), 10), 100)(); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
