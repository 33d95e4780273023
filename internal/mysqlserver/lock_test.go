package mysqlserver_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/kachi-io/kachi/internal/assert"
)

func TestLockFacts(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		dsn := its.Database(t)
		db := open(t, dsn)
		exec1(t, db, "CREATE TABLE a (id INT PRIMARY KEY, n INT NOT NULL)")
		exec1(t, db, "INSERT INTO a VALUES (1, 0), (2, 0)")

		holder := begin(t, db)
		_, err := holder.Exec("SELECT * FROM a WHERE id = 1 FOR UPDATE")
		assert.NoError(t, err)

		other := begin(t, db)
		_, err = other.Exec("UPDATE a SET n = 7 WHERE id = 2")
		assert.NoError(t, err)
		waits := map[string]uint16{ // ER_LOCK_WAIT_TIMEOUT
			"SELECT * FROM a WHERE id = 1 FOR UPDATE NOWAIT":                               1205,
			"SELECT * FROM a WHERE id = 1 FOR UPDATE WAIT 0":                               1205,
			"SET STATEMENT innodb_lock_wait_timeout=0 FOR UPDATE a SET n = 7 WHERE id = 1": 1205,
		}
		if its.name == "MySQL" {
			_, err = other.Exec("SET innodb_lock_wait_timeout=1") // the least
			assert.NoError(t, err)
			waits = map[string]uint16{
				"SELECT * FROM a WHERE id = 1 FOR UPDATE NOWAIT": 3572, // ER_LOCK_NOWAIT
				"UPDATE a SET n = 7 WHERE id = 1":                1205,
			}
		}
		for statement, want := range waits {
			_, err = other.Exec(statement)
			assert.Equal(t, number(t, err), want, statement)
		}
		var free int
		assert.NoError(t, other.QueryRow("SELECT COUNT(*) FROM a FOR UPDATE SKIP LOCKED").Scan(&free))
		assert.Equal(t, free, 1)
		var n int
		assert.NoError(t, other.QueryRow("SELECT n FROM a WHERE id = 1").Scan(&n), "reading waits for nobody")
		// A time-out ends the statement only: what the transaction did before is still there.
		assert.NoError(t, other.Commit())
		assert.NoError(t, db.QueryRow("SELECT n FROM a WHERE id = 2").Scan(&n))
		assert.Equal(t, n, 7)
		assert.NoError(t, holder.Rollback())
	})
}

func TestADeadlockEndsTheWholeTransaction(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		db := open(t, its.Database(t))
		exec1(t, db, "CREATE TABLE a (id INT PRIMARY KEY, n INT NOT NULL)")
		exec1(t, db, "INSERT INTO a VALUES (1, 0), (2, 0), (3, 0)")
		one, two := begin(t, db), begin(t, db)
		_, err := one.Exec("UPDATE a SET n = n + 1 WHERE id = 1")
		assert.NoError(t, err)
		_, err = two.Exec("UPDATE a SET n = n + 1 WHERE id = 2")
		assert.NoError(t, err)
		waited := make(chan error, 1)
		go func() {
			_, err := one.Exec("UPDATE a SET n = n + 1 WHERE id = 2")
			waited <- err
		}()
		_, err = two.Exec("UPDATE a SET n = n + 1 WHERE id = 1")
		victim, winner := two, one
		if other := assert.Receive(t, waited); other != nil {
			assert.NoError(t, err)
			err, victim, winner = other, one, two
		}
		var deadlock *mysql.MySQLError
		assert.True(t, errors.As(err, &deadlock))
		assert.Equal(t, deadlock.Number, uint16(1213)) // ER_LOCK_DEADLOCK
		assert.Equal(t, string(deadlock.SQLState[:]), "40001")
		// The victim's connection has no transaction any more: what it does now commits at once.
		_, err = victim.Exec("UPDATE a SET n = n + 10 WHERE id = 3")
		assert.NoError(t, err)
		assert.NoError(t, victim.Rollback())
		assert.NoError(t, winner.Commit())
		var sum int
		assert.NoError(t, db.QueryRow("SELECT SUM(n) FROM a").Scan(&sum))
		assert.Equal(t, sum, 12, "the winner's two, and what came after")
	})
}

func TestGetLockFacts(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		here, elsewhere := its.Database(t), its.Database(t)
		a, b := session(t, open(t, here)), session(t, open(t, elsewhere))
		for _, test := range []struct {
			about string
			conn  *sql.Conn
			call  string
			want  string
		}{
			{"taken", a, "GET_LOCK('kachi one', 0)", "1"},
			{"once more by its owner", a, "GET_LOCK('kachi one', 0)", "1"},
			{"and another beside it", a, "GET_LOCK('two', 0)", "1"},
			{"held against another database too", b, "GET_LOCK('kachi one', 0)", "0"},
			{"upper case is another, or the same", b, "GET_LOCK('KACHI ONE', 0)", its.either("1", "0")},
			{"a part of a second may be waited", b, "GET_LOCK('kachi one', 0.01)", "0"},
			{"a time below zero is refused, or for ever", b, "GET_LOCK('three', -1)", its.either("NULL", "1")},
			{"not the owner", b, "RELEASE_LOCK('kachi one')", "0"},
			{"released once", a, "RELEASE_LOCK('kachi one')", "1"},
			{"still held", b, "GET_LOCK('kachi one', 0)", "0"},
			{"released twice", a, "RELEASE_LOCK('kachi one')", "1"},
			{"nobody's", a, "RELEASE_LOCK('kachi one')", "NULL"},
			{"free", b, "GET_LOCK('kachi one', 0)", "1"},
		} {
			var got string
			assert.NoError(t, test.conn.QueryRowContext(t.Context(), "SELECT IFNULL("+test.call+", 'NULL')").Scan(&got), test.about)
			assert.Equal(t, got, test.want, test.about)
		}
		// The end of a transaction does not release it, the end of the connection does.
		for _, statement := range []string{"START TRANSACTION", "ROLLBACK", "START TRANSACTION", "COMMIT"} {
			_, err := b.ExecContext(t.Context(), statement)
			assert.NoError(t, err)
		}
		var got int
		assert.NoError(t, a.QueryRowContext(t.Context(), "SELECT GET_LOCK('kachi one', 0)").Scan(&got))
		assert.Equal(t, got, 0)
		assert.NoError(t, b.Raw(func(conn any) error { return conn.(driver.Conn).Close() }))
		assert.NoError(t, a.QueryRowContext(t.Context(), "SELECT GET_LOCK('kachi one', 20)").Scan(&got))
		assert.Equal(t, got, 1)

		most := map[string]int{"MariaDB": 192, "MySQL": 64}[its.name]
		var long sql.NullInt64
		assert.NoError(t, a.QueryRowContext(t.Context(), "SELECT GET_LOCK(?, 0)", strings.Repeat("x", most)).Scan(&long))
		assert.Equal(t, long.Int64, int64(1))
		err := a.QueryRowContext(t.Context(), "SELECT GET_LOCK(?, 0)", strings.Repeat("x", most+1)).Scan(&long)
		assert.Equal(t, fmt.Sprint(number(t, err)), its.either("1059", "4163")) // ER_TOO_LONG_IDENT, ER_USER_LOCK_OVERLONG_NAME
	})
}

func TestWhatALostServerLooksLike(t *testing.T) {
	each(t, func(t *testing.T, its software) {
		s := its.New(t)
		dsn := s.Database(t)
		db := open(t, dsn)
		exec1(t, db, "CREATE TABLE a (id INT)")

		// Killed by an administrator in the middle of a statement, and between two.
		conn := session(t, db)
		killed := begin(t, db)
		var id, killedID int
		assert.NoError(t, conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID()").Scan(&id))
		assert.NoError(t, killed.QueryRow("SELECT CONNECTION_ID()").Scan(&killedID))
		slept := make(chan error, 1)
		go func() {
			_, err := conn.ExecContext(context.Background(), "DO SLEEP(60)")
			slept <- err
		}()
		admin := open(t, s.Admin())
		assert.Eventually(t, func() bool {
			var state string
			err := admin.QueryRow("SELECT IFNULL(state, '') FROM information_schema.processlist WHERE id = ?", id).Scan(&state)
			return err == nil && state == "User sleep"
		})
		exec1(t, admin, fmt.Sprint("KILL ", id)) // MySQL 9 takes no parameter there
		assert.True(t, lost(assert.Receive(t, slept)))
		exec1(t, admin, fmt.Sprint("KILL ", killedID))
		_, err := killed.Exec("INSERT INTO a VALUES (1)")
		assert.True(t, lost(err), "%v", err)

		s.Kill(t)
		_, err = db.Exec("INSERT INTO a VALUES (1)")
		assert.ErrorIs(t, err, syscall.ECONNREFUSED)
		s.Start(t)
		exec1(t, db, "INSERT INTO a VALUES (1)")

		inTransaction := begin(t, db)
		_, err = inTransaction.Exec("INSERT INTO a VALUES (2)")
		assert.NoError(t, err)
		s.Stop(t)
		assert.True(t, lost(inTransaction.Commit()))
		s.Start(t)
		var count int
		assert.NoError(t, db.QueryRow("SELECT COUNT(*) FROM a").Scan(&count))
		assert.Equal(t, count, 1)
	})
}

// lost tells whether the connection is gone, by one of the ways in which the driver and
// the server say so.
func lost(err error) bool {
	var told *mysql.MySQLError
	if errors.As(err, &told) {
		// ER_CONNECTION_KILLED, ER_SERVER_SHUTDOWN, ER_QUERY_INTERRUPTED
		return told.Number == 1927 || told.Number == 1053 || told.Number == 1317
	}
	return errors.Is(err, mysql.ErrInvalidConn) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// begin starts a transaction that is rolled back when the test ends, if it still runs.
func begin(t testing.TB, db *sql.DB) *sql.Tx {
	t.Helper()
	tx, err := db.Begin()
	assert.NoError(t, err)
	t.Cleanup(func() { _ = tx.Rollback() })
	return tx
}

// session returns one connection of the database.
func session(t testing.TB, db *sql.DB) *sql.Conn {
	t.Helper()
	conn, err := db.Conn(t.Context())
	assert.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}
