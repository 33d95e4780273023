package store_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mysqlserver"
)

// A server that is killed, hangs, and is stopped while many write: whoever writes is told so
// with a code, goes on when it is back, and finds everything that was acknowledged. Neither
// goroutines nor connections are left.
func TestADatabaseThatGoesAwayAndComesBack(t *testing.T) {
	storetest.EachServer(t, func(t *testing.T, server *mysqlserver.Server) {
		const connections, writers = 6, 12
		db, err := store.Open(t.Context(), storetest.URL(t, server.Database(t)), &store.Options{Timeout: time.Second, MaxConnections: connections})
		assert.NoError(t, err)
		defer db.Close()

		var acknowledged, refused atomic.Int64
		var wg sync.WaitGroup
		stop := make(chan struct{})
		for i := range writers {
			wg.Go(func() {
				name := fmt.Sprint("w/", i)
				var known int64 // what was acknowledged
				for {
					select {
					case <-stop:
						if d, err := db.Document(t.Context(), name); err != nil || d.Version < known || string(d.Value) != strconv.FormatInt(d.Version, 10) {
							t.Error(name, "was acknowledged", known, "and is", d.Version, string(d.Value), err)
						}
						return
					default:
					}
					d, err := db.SetDocument(t.Context(), store.DocumentChange{Name: name, Value: []byte(strconv.FormatInt(known+1, 10)), Expected: version(known), At: noon})
					switch {
					case err == nil:
						known = d.Version
						acknowledged.Add(1)
					case errors.Is(err, store.ErrVersion) && d.Version == known+1:
						known = d.Version // it was stored, and the answer lost
					case store.Unavailable(err) && gateway.CodeOf(err) == gateway.CodeUnavailable:
						refused.Add(1)
					default:
						t.Error(name, err)
						return
					}
				}
			})
		}
		works := func(when string) {
			t.Helper()
			assert.Eventually(t, func() bool { return db.Ready(t.Context()) == nil }, "ready", when)
			before := acknowledged.Load()
			assert.Eventually(t, func() bool { return acknowledged.Load() >= before+30 }, "writes", when)
		}
		fails := func(when string) {
			t.Helper()
			assert.Eventually(t, func() bool { return store.Unavailable(db.Ready(t.Context())) }, "not ready", when)
			before := refused.Load()
			assert.Eventually(t, func() bool { return refused.Load() >= before+5 }, "refused", when)
			_, err := db.Document(t.Context(), "w/0")
			assert.True(t, store.Unavailable(err), when, err)
		}
		works("at first")
		for _, event := range []struct {
			name     string
			end, now func(testing.TB)
		}{
			{"killed", server.Kill, server.Start},
			{"paused", server.Pause, server.Resume},
			{"stopped", server.Stop, server.Start},
		} {
			event.end(t)
			fails(event.name)
			event.now(t)
			works("after it was " + event.name)
		}
		close(stop)
		wg.Wait()
		assert.True(t, db.Stats().Open <= connections)
		assert.Equal(t, db.Stats().InUse, 0)
		admin := raw(t, storetest.URL(t, server.Admin()))
		assert.Eventually(t, func() bool { // those that hung are found out by the server
			var n int
			assert.NoError(t, admin.QueryRow("SELECT COUNT(*) FROM information_schema.processlist WHERE user LIKE 'kachi%'").Scan(&n))
			return n <= connections
		}, "connections")
		assert.NoError(t, db.Close())
		assert.ErrorIs(t, db.Ready(t.Context()), store.ErrClosed)
	})
}

// Who has a deadline is answered by then, also while the database hangs.
func TestADatabaseThatHangs(t *testing.T) {
	storetest.EachServer(t, func(t *testing.T, server *mysqlserver.Server) {
		db, err := store.Open(t.Context(), storetest.URL(t, server.Database(t)), &store.Options{Timeout: 2 * time.Second})
		assert.NoError(t, err)
		defer db.Close()
		mina := addUser(t, db, "mina")
		server.Pause(t)
		var wg sync.WaitGroup
		for range 40 { // more than there are connections
			wg.Go(func() {
				_, err := db.User(t.Context(), mina.ID)
				if gateway.CodeOf(err) != gateway.CodeUnavailable {
					t.Error(err)
				}
				if err := db.EndFamily(t.Context(), "none"); gateway.CodeOf(err) != gateway.CodeUnavailable {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		server.Resume(t)
		assert.Eventually(t, func() bool { return db.EndFamily(t.Context(), "none") == nil })
	})
}
