package store_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "modernc.org/sqlite"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/app/store/storetest"
	"github.com/kachi-io/kachi/internal/assert"
)

// raw opens a database without the store, to look at it and to spoil it.
func raw(t *testing.T, source string) *sql.DB {
	t.Helper()
	driver, name := "sqlite", source
	if rest, ok := strings.CutPrefix(source, "mysql://"); ok {
		user, rest, _ := strings.Cut(rest, "@")
		addr, database, _ := strings.Cut(rest, "/")
		driver, name = "mysql", user+"@tcp("+addr+")/"+database
	}
	db, err := sql.Open(driver, name)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestOpenAgain(t *testing.T) {
	storetest.EachSource(t, func(t *testing.T, source string) {
		db, err := store.Open(t.Context(), source, nil)
		assert.NoError(t, err)
		mina := addUser(t, db, "mina")
		assert.NoError(t, db.Close())
		assert.NoError(t, db.Close(), "twice")
		_, err = db.AddUser(t.Context(), store.User{Name: "jun"}, "jun", "admin")
		assert.ErrorIs(t, err, store.ErrClosed)
		_, err = db.User(t.Context(), mina.ID)
		assert.ErrorIs(t, err, store.ErrClosed)

		got, err := storetest.Open(t, source).User(t.Context(), mina.ID)
		assert.NoError(t, err)
		assert.Equal(t, got, mina)
	})
}

// An SQLite file belongs to one; a server's database to many, who see what others write.
func TestOpenTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data", "kachi.db")
	storetest.Open(t, path)
	_, err := store.Open(t.Context(), path, &store.Options{Timeout: 100 * time.Millisecond})
	assert.True(t, err != nil && strings.Contains(err.Error(), path+" is used by another process"), err)

	storetest.EachShared(t, func(t *testing.T, source string) {
		one, two := storetest.Open(t, source), storetest.Open(t, source)
		mina := addUser(t, one, "mina")
		got, err := two.User(t.Context(), mina.ID)
		assert.NoError(t, err)
		assert.Equal(t, got, mina)
	})
}

// Several servers that start at once make the schema once. Those of SQLite wait until the
// one before them has closed the file.
func TestOpenAtOnce(t *testing.T) {
	storetest.EachSource(t, func(t *testing.T, source string) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				// Nothing here is about how long others take.
				db, err := store.Open(t.Context(), source, &store.Options{Timeout: 30 * time.Second, MaxConnections: 1})
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(db.Ready(t.Context()), db.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var steps, rows int
		db := raw(t, source)
		assert.NoError(t, db.QueryRow("SELECT COUNT(DISTINCT version_id), COUNT(*) FROM schema_steps").Scan(&steps, &rows))
		assert.True(t, steps > 1)
		assert.Equal(t, rows, steps, "each step was made once")
	})
}

func TestANewerSchemaIsLeftAlone(t *testing.T) {
	storetest.EachSource(t, func(t *testing.T, source string) {
		assert.NoError(t, storetest.Open(t, source).Close())
		db := raw(t, source)
		_, err := db.Exec("INSERT INTO schema_steps (version_id, is_applied) VALUES (9000, 1)")
		assert.NoError(t, err)
		_, err = store.Open(t.Context(), source, nil)
		assert.True(t, err != nil && strings.Contains(err.Error(), "was brought to step 9000 by a newer program"), err)
	})
}

// A URL's faults are told without its password.
func TestOpenSaysWhatIsWrongWithAURL(t *testing.T) {
	for source, want := range map[string]string{
		"mysql://kachi:geheim%@db/kachi":           "cannot be read",
		"mysql://kachi:geheim@db/":                 "does not name a database",
		"mysql://kachi:geheim@db/kachi?geheim=1":   "unknown parameter",
		"mysql://kachi:geheim@db/kachi?tls=geheim": "unknown value of tls",
		"": "needs a file",
	} {
		_, err := store.Open(t.Context(), source, nil)
		assert.True(t, err != nil && strings.Contains(err.Error(), want) && !strings.Contains(err.Error(), "geheim"), source, err)
	}
	// A server that is not there, and one that does not want us.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	assert.NoError(t, l.Close())
	_, err = store.Open(t.Context(), "mysql://kachi:geheim@"+l.Addr().String()+"/kachi", nil)
	assert.ErrorAs[*net.OpError](t, err)
	storetest.EachShared(t, func(t *testing.T, source string) {
		u, err := url.Parse(source)
		assert.NoError(t, err)
		u.User = url.UserPassword(u.User.Username(), "geheim")
		_, err = store.Open(t.Context(), u.String(), nil)
		assert.Equal(t, assert.ErrorAs[*mysql.MySQLError](t, err).Number, uint16(1045))
		assert.True(t, !strings.Contains(err.Error(), "geheim"), err)
	})
}

// The folder may be one that others look into: what stands beside the file has hashes of
// passwords in it as well.
func TestNobodyElseReadsTheFiles(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "kachi.db")
	for _, loose := range []string{path, path + "-wal"} { // restored by hand
		assert.NoError(t, os.WriteFile(loose, nil, 0o644))
	}
	addUser(t, storetest.Open(t, path), "mina")
	files, err := os.ReadDir(folder)
	assert.NoError(t, err)
	assert.True(t, len(files) >= 3, files)
	for _, f := range files {
		info, err := f.Info()
		assert.NoError(t, err)
		assert.Equal(t, info.Mode().Perm(), fs.FileMode(0o600), f.Name())
	}
}
