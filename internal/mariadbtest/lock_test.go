package mariadbtest_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"syscall"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mariadbtest"
)

func TestLockFacts(t *testing.T) {
	dsn := mariadbtest.Database(t)
	db := open(t, dsn)
	exec1(t, db, "CREATE TABLE a (id INT PRIMARY KEY, n INT NOT NULL)")
	exec1(t, db, "INSERT INTO a VALUES (1, 0), (2, 0)")

	holder := begin(t, db)
	_, err := holder.Exec("SELECT * FROM a WHERE id = 1 FOR UPDATE")
	assert.NoError(t, err)

	other := begin(t, db)
	_, err = other.Exec("UPDATE a SET n = 7 WHERE id = 2")
	assert.NoError(t, err)
	for _, statement := range []string{
		"SELECT * FROM a WHERE id = 1 FOR UPDATE NOWAIT",
		"SELECT * FROM a WHERE id = 1 FOR UPDATE WAIT 0",
		"SET STATEMENT innodb_lock_wait_timeout=0 FOR UPDATE a SET n = 7 WHERE id = 1",
	} {
		_, err = other.Exec(statement)
		assert.Equal(t, number(t, err), uint16(1205), statement) // ER_LOCK_WAIT_TIMEOUT
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
}

func TestADeadlockEndsTheWholeTransaction(t *testing.T) {
	db := open(t, mariadbtest.Database(t))
	exec1(t, db, "CREATE TABLE a (id INT PRIMARY KEY, n INT NOT NULL)")
	exec1(t, db, "INSERT INTO a VALUES (1, 0), (2, 0)")
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
	var inTransaction int
	assert.NoError(t, victim.QueryRow("SELECT @@in_transaction").Scan(&inTransaction))
	assert.Equal(t, inTransaction, 0)
	assert.NoError(t, winner.Commit())
	var sum int
	assert.NoError(t, db.QueryRow("SELECT SUM(n) FROM a").Scan(&sum))
	assert.Equal(t, sum, 2, "the winner's two")
}

func TestGetLockFacts(t *testing.T) {
	here, elsewhere := mariadbtest.Database(t), mariadbtest.Database(t)
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
		{"upper case is another", b, "GET_LOCK('KACHI ONE', 0)", "1"},
		{"a part of a second may be waited", b, "GET_LOCK('kachi one', 0.01)", "0"},
		{"a time below zero is refused", b, "GET_LOCK('three', -1)", "NULL"},
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

	var long sql.NullInt64
	assert.NoError(t, a.QueryRowContext(t.Context(), "SELECT GET_LOCK(?, 0)", strings.Repeat("x", 192)).Scan(&long))
	assert.Equal(t, long.Int64, int64(1))
	err := a.QueryRowContext(t.Context(), "SELECT GET_LOCK(?, 0)", strings.Repeat("x", 193)).Scan(&long)
	assert.Equal(t, number(t, err), uint16(1059)) // ER_TOO_LONG_IDENT
}

func TestWhatALostServerLooksLike(t *testing.T) {
	s := mariadbtest.New(t)
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
	exec1(t, admin, "KILL ?", id)
	assert.True(t, lost(assert.Receive(t, slept)))
	exec1(t, admin, "KILL ?", killedID)
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
}

// lost tells whether the connection is gone, by one of the ways in which the driver and
// the server say so.
func lost(err error) bool {
	var told *mysql.MySQLError
	if errors.As(err, &told) {
		return told.Number == 1927 || told.Number == 1053 // ER_CONNECTION_KILLED, ER_SERVER_SHUTDOWN
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
