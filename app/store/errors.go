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

// Numbers of errors of MySQL and MariaDB servers.
const (
	mysqlDuplicate       = 1062
	mysqlLockWait        = 1205
	mysqlDeadlock        = 1213
	mysqlTooMany         = 1040
	mysqlFull            = 1114 // ER_RECORD_FILE_FULL
	mysqlDiskFull        = 1021
	mysqlReadOnly        = 1290
	mysqlReadOnlyTx      = 1792
	mysqlShutdown        = 1053
	mysqlReadOnlyServer  = 1836
	mysqlCannotWrite     = 1026
	mysqlServerShutdown  = 1077
	mysqlNoSuchThread    = 1094
	mysqlConnectionEnded = 1927 // MariaDB: ER_CONNECTION_KILLED
)

// classify makes of a driver's error one of the store's, where it is one that callers tell
// apart. Others stay as they are: they are faults of the program.
func classify(err error) error {
	var (
		lite *sqlite.Error
		my   *mysql.MySQLError
		op   *net.OpError
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
			return unavailable("There is no room left to store that", err)
		case sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
			sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return unavailable("The database does not work at the moment", err)
		}
	case errors.As(err, &my):
		switch my.Number {
		case mysqlDuplicate:
			return ErrExists
		case mysqlFull, mysqlDiskFull, mysqlCannotWrite:
			return unavailable("There is no room left to store that", err)
		case mysqlLockWait, mysqlDeadlock, mysqlTooMany, mysqlReadOnly, mysqlReadOnlyTx, mysqlReadOnlyServer,
			mysqlShutdown, mysqlServerShutdown, mysqlNoSuchThread, mysqlConnectionEnded:
			return unavailable("The database does not work at the moment", err)
		}
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, io.EOF),
		errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &op):
		return unavailable("The database does not work at the moment", err)
	case errors.Is(err, context.DeadlineExceeded):
		return unavailable("The database did not answer in time", err)
	}
	return err
}

// again reports whether a transaction that failed can be tried once more.
func again(err error) bool {
	var my *mysql.MySQLError
	return errors.As(err, &my) && (my.Number == mysqlDeadlock || my.Number == mysqlLockWait)
}
