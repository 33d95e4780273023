package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"

	"github.com/go-sql-driver/mysql"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/kachi-io/kachi/gateway"
)

// Errors of the store. They are compared with errors.Is.
var (
	// ErrNotFound: there is no such thing.
	ErrNotFound = errors.New("store: not found")
	// ErrExists: there is one already, of a name or the like that has to be unique.
	ErrExists = errors.New("store: exists already")
	// ErrTooMany: there are as many as there may be.
	ErrTooMany = errors.New("store: too many")
	// ErrClosed: the database was closed. Clients are told "unavailable".
	ErrClosed = unavailable("The server is stopping", errors.New("store: closed"))
)

// unavailableError is what clients are told while the database cannot be asked, or has no
// room left. What was to be stored is not.
type unavailableError struct {
	public *gateway.Error
	cause  error
}

func (e *unavailableError) Error() string   { return e.public.Message + ": " + e.cause.Error() }
func (e *unavailableError) Unwrap() []error { return []error{e.public, e.cause} }

func unavailable(message string, cause error) error {
	return &unavailableError{gateway.NewError(gateway.CodeUnavailable, message), cause}
}

// Unavailable reports whether an error is one of the database, not of what it was asked.
func Unavailable(err error) bool {
	var e *unavailableError
	return errors.As(err, &e)
}

// Numbers of errors of MySQL and MariaDB servers that say something of the server, and not of
// what it was asked. docs/databases.md has them.
const (
	mysqlDuplicate = 1062
	mysqlDeadlock  = 1213
	mysqlLockWait  = 1205
	mysqlSnapshot  = 1020 // MariaDB with innodb_snapshot_isolation: the row has changed
)

var (
	mysqlNoRoom = numbers(
		1005, // of CREATE TABLE
		1021, 1026, 1030, 1114, 3675)
	mysqlTooSlow = numbers(
		mysqlLockWait,
		1969, // MariaDB: max_statement_time
		3024, // MySQL: max_execution_time
		3572) // MySQL: NOWAIT
	mysqlAway = numbers(
		mysqlDeadlock, mysqlSnapshot, // again and again
		1040, 1203, 1226, // too many connections
		1044, 1045, 1049, 1142, // no access (any more), or no such database
		1053, 1077, 1317, 1927, 4031, // shut down, killed, idle
		1290, 1792, 1836) // read-only
)

func numbers(list ...uint16) map[uint16]bool {
	set := map[uint16]bool{}
	for _, n := range list {
		set[n] = true
	}
	return set
}

// What clients are told, who can do nothing but come again.
const (
	noRoom  = "There is no room left to store that"
	away    = "The database does not work at the moment"
	tooSlow = "The database did not answer in time"
)

// classify makes of a driver's error one of the store's, where it is one that callers tell
// apart. Others stay as they are: they are faults of the program.
func classify(err error) error {
	var (
		lite    *sqlite.Error
		my      *mysql.MySQLError
		network net.Error
	)
	switch {
	case err == nil:
		return nil
	case Unavailable(err):
		return err
	case errors.As(err, &lite):
		switch lite.Code() {
		case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
			return ErrExists
		}
		switch lite.Code() & 0xff { // the primary code
		case sqlite3.SQLITE_FULL:
			return unavailable(noRoom, err)
		case sqlite3.SQLITE_INTERRUPT:
			return unavailable(tooSlow, err)
		case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
			sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return unavailable(away, err)
		}
	case errors.As(err, &my):
		switch {
		case my.Number == mysqlDuplicate:
			return ErrExists
		case mysqlNoRoom[my.Number]:
			return unavailable(noRoom, err)
		case mysqlTooSlow[my.Number]:
			return unavailable(tooSlow, err)
		case mysqlAway[my.Number]:
			return unavailable(away, err)
		}
	case errors.Is(err, context.DeadlineExceeded):
		return unavailable(tooSlow, err)
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &network):
		return unavailable(away, err)
	}
	return err
}

// again reports whether a transaction that failed can be tried once more.
func again(err error) bool {
	var my *mysql.MySQLError
	return errors.As(err, &my) && (my.Number == mysqlDeadlock || my.Number == mysqlLockWait || my.Number == mysqlSnapshot)
}
