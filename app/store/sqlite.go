package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// openSQLite opens a file. Readers see the last commit and wait for nobody (WAL); a commit is
// on disk when it returns (synchronous=FULL), also when the machine loses its power.
func (db *DB) openSQLite(ctx context.Context, path string, o Options) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	// Two processes would not tell each other what they change, and the operating system
	// takes the lock back when one is killed.
	lock := flock.New(path + ".lock")
	patient, cancel := context.WithTimeout(ctx, o.Timeout) // one that is being replaced needs a moment to end
	defer cancel()
	if got, err := lock.TryLockContext(patient, 50*time.Millisecond); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	} else if !got {
		return fmt.Errorf("%s is used by another process", path)
	}
	defer func() {
		if err != nil {
			_ = lock.Unlock()
		}
	}()

	if err := private(path); err != nil {
		return err
	}
	source := func(extra string) string {
		return (&url.URL{Scheme: "file", OmitHost: true, Path: path}).String() +
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=busy_timeout(5000)" +
			"&_pragma=journal_size_limit(67108864)" + extra
	}
	writes, err := sql.Open("sqlite", source(""))
	if err != nil {
		return err
	}
	writes.SetMaxOpenConns(1)
	defer func() {
		if err != nil {
			_ = writes.Close()
		}
	}()
	var version string
	if err := writes.QueryRowContext(ctx, `SELECT sqlite_version()`).Scan(&version); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := migrate(ctx, writes, goose.DialectSQLite3, "sqlite"); err != nil {
		return err
	}
	reads, err := sql.Open("sqlite", source("&_pragma=query_only(1)"))
	if err != nil {
		return err
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = 4
	}
	reads.SetMaxOpenConns(o.MaxConnections)
	reads.SetMaxIdleConns(o.MaxConnections)

	db.dialect = dialect{name: "SQLite " + version, kind: kindSQLite}
	writing, err := writes.Conn(ctx)
	if err != nil {
		return errors.Join(err, reads.Close())
	}
	fast := &prepared{by: reads}
	db.reads = fast
	db.writes = newGrouped(writing, &db.dialect, o.Timeout)
	db.close = func() error {
		fast.close()
		return errors.Join(reads.Close(), db.writes.close(), writes.Close(), lock.Unlock())
	}
	return nil
}

// private keeps a database from everybody else on the machine, also one that was copied or
// restored by hand. SQLite gives what it puts beside the file the file's own mode.
func private(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(file.Chmod(0o600), file.Close()); err != nil {
		return err
	}
	for _, beside := range []string{"-wal", "-shm"} {
		if err := os.Chmod(path+beside, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
