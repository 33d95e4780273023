// Package store keeps what the server knows, in SQLite or in MySQL and MariaDB.
//
// A [DB] has methods for each thing that is kept, a file each: users, rooms, messages. They
// are safe for concurrent use, and each is one transaction: it happened altogether, or
// not at all, and what a method has returned without an error survives the process being
// killed. They trust their caller: who may do what is decided above.
//
// # Errors
//
// [ErrNotFound] and [ErrExists] tell what callers ask about. While the database does not
// work, or its disk is full, errors are gateway errors with the code "unavailable".
//
// # Two dialects
//
// Times are whole microseconds since 1970 and texts are UTF-8, compared byte by byte, in
// both. Statements are written once where both databases understand them, and twice
// where not ([dialect]); docs/databases.md tells how they differ. The schema is in
// migrations, in a folder for each, and tests run on both (package storetest).
package store

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Options configures a [DB]. The zero value is the default of every field; nil is the zero
// value.
type Options struct {
	// MaxConnections bounds the connections that read. Default 4 for SQLite, where they
	// share memory, 16 for servers.
	MaxConnections int
	// Timeout bounds each statement and each wait for a connection. Default 10 s.
	Timeout time.Duration
	// Logger gets the coming and going of the database. Default none.
	Logger *slog.Logger
}

// DB is a database with the server's schema.
type DB struct {
	dialect dialect
	log     *slog.Logger
	timeout time.Duration

	reads  querier
	writes writer

	counts           counts
	reading, writing health
	ready            readiness

	close   func() error
	closing sync.Once
	closed  atomic.Bool
}

// Open opens a database, makes it where it is missing, and brings its schema up to date;
// others that open it meanwhile wait. source is the path of an SQLite file, or
// mysql://user:password@host:port/name for a MySQL (8.0 and later) or MariaDB (10.6 and
// later) server, with ?tls=true (or false, skip-verify, preferred), and ?socket=/path in
// place of a host. An SQLite file belongs to one process at a time.
func Open(ctx context.Context, source string, o *Options) (*DB, error) {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.Timeout <= 0 {
		opts.Timeout = 10 * time.Second
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	db := &DB{log: opts.Logger, timeout: opts.Timeout}
	open := db.openSQLite
	if isMySQL(source) {
		open = db.openMySQL
	} else if source = filepath.Clean(source); source == "." {
		return nil, fmt.Errorf("store: a database needs a file")
	}
	if err := open(ctx, source, opts); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	return db, nil
}

// Close ends what runs and closes the database.
func (db *DB) Close() (err error) {
	db.closing.Do(func() {
		db.closed.Store(true)
		err = db.close()
	})
	return err
}

// Kind returns the kind of the database and its version, for people.
func (db *DB) Kind() string { return db.dialect.name }

func micros(t time.Time) int64 { return t.UnixMicro() }

// moment is a time as it is stored, at the precision at which it is.
func moment(micros int64) time.Time { return time.UnixMicro(micros).UTC() }
