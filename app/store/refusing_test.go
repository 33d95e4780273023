package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mysqlserver"
)

// A server that answers and does not do it: whoever asks is told so with a code, and goes on
// when it does.
func TestAServerThatRefuses(t *testing.T) {
	storetest.EachServer(t, func(t *testing.T, server *mysqlserver.Server) {
		db := storetest.Open(t, storetest.URL(t, server.Database(t)))
		mina := addUser(t, db, "mina")
		admin := raw(t, storetest.URL(t, server.Admin()))
		exec := func(statement string) {
			t.Helper()
			_, err := admin.Exec(statement)
			assert.NoError(t, err, statement)
		}
		write := func() error { return db.EndFamily(t.Context(), "none") }
		read := func() error { _, err := db.User(t.Context(), mina.ID); return err }
		unavailable := func(err error) {
			t.Helper()
			assert.True(t, store.Unavailable(err) && gateway.CodeOf(err) == gateway.CodeUnavailable, err)
		}

		exec("SET GLOBAL read_only = 1") // as a replica is
		unavailable(write())
		assert.NoError(t, read())
		unavailable(db.Ready(t.Context()))
		exec("SET GLOBAL read_only = 0")
		assert.NoError(t, write())
		assert.Eventually(t, func() bool { return db.Ready(t.Context()) == nil }) // its answer may be old

		// All of its connections are others'.
		var before int
		assert.NoError(t, admin.QueryRow("SELECT @@max_connections").Scan(&before))
		exec("SET GLOBAL max_connections = 10") // the fewest that MariaDB takes
		for _, id := range connections(t, admin) {
			_, _ = admin.Exec(fmt.Sprint("KILL ", id)) // one may have ended
		}
		var taken []*sql.Conn
		defer func() {
			for _, c := range taken {
				_ = c.Close()
			}
		}()
		assert.Eventually(t, func() bool {
			c, err := admin.Conn(context.Background())
			if err != nil {
				return len(connections(t, taken[0])) == 0
			}
			taken = append(taken, c)
			return false
		}, "no connection is left")
		unavailable(write())
		unavailable(read())
		_, err := taken[0].ExecContext(t.Context(), fmt.Sprint("SET GLOBAL max_connections = ", before))
		assert.NoError(t, err)
		assert.NoError(t, write())
		assert.NoError(t, read())
	})
}

// connections are the server's connections that belong to tests' databases.
func connections(t *testing.T, on interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}) (ids []int64) {
	t.Helper()
	rows, err := on.QueryContext(t.Context(), "SELECT id FROM information_schema.processlist WHERE user LIKE 'kachi%'")
	assert.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var id int64
		assert.NoError(t, rows.Scan(&id))
		ids = append(ids, id)
	}
	assert.NoError(t, rows.Err())
	return ids
}
