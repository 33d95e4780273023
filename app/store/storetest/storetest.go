// Package storetest gives tests databases: new ones, of each kind that the server can have.
package storetest

import (
	"net/url"
	"path/filepath"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/kachi-io/kachi/app/store"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/mariadbtest"
	"github.com/kachi-io/kachi/internal/mysqlserver"
	"github.com/kachi-io/kachi/internal/mysqltest"
)

// New opens a new SQLite database, which is closed with the test.
func New(t testing.TB) *store.DB {
	t.Helper()
	return Open(t, filepath.Join(t.TempDir(), "kachi.db"))
}

// Open opens a database, which is closed with the test where it is not before.
func Open(t testing.TB, source string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), source, nil)
	assert.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, db.Close()) })
	return db
}

// Each runs a test on a new database of each kind, with the server's schema. The package
// needs the TestMain that [EachSource] tells of.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	EachSource(t, func(t *testing.T, source string) { test(t, Open(t, source)) })
}

// EachSource runs a test on what [store.Open] makes a new database of, once for each kind:
// SQLite, MariaDB, and MySQL where there is one (see package mysqltest). The package's tests
// share a server of each kind, which its TestMain ends:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqlserver.Main{M: m}) }
func EachSource(t *testing.T, test func(t *testing.T, source string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) { test(t, filepath.Join(t.TempDir(), "kachi.db")) })
	EachShared(t, test)
}

// EachShared is [EachSource] without SQLite, for what is said of databases that many share.
func EachShared(t *testing.T, test func(t *testing.T, source string)) {
	t.Helper()
	t.Run("MariaDB", func(t *testing.T) { test(t, URL(t, mariadbtest.Database(t))) })
	if mysqltest.Present() {
		t.Run("MySQL", func(t *testing.T) { test(t, URL(t, mysqltest.Database(t))) })
	}
}

// EachServer runs a test on a database server of its own of each kind, which it may stop,
// kill and start again. Such tests mostly wait, so the kinds run at once.
func EachServer(t *testing.T, test func(t *testing.T, server *mysqlserver.Server)) {
	t.Helper()
	run := func(name string, start func(testing.TB) *mysqlserver.Server) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
	run("MariaDB", mariadbtest.New)
	if mysqltest.Installed() {
		run("MySQL", mysqltest.New)
	}
}

// URL writes the driver's name of a database, as mysqlserver gives it, in the
// form that [store.Open] and the setting --database take.
func URL(t testing.TB, dsn string) string {
	t.Helper()
	config, err := mysql.ParseDSN(dsn)
	assert.NoError(t, err)
	u := url.URL{Scheme: "mysql", User: url.UserPassword(config.User, config.Passwd), Host: config.Addr, Path: "/" + config.DBName}
	if config.TLSConfig != "" {
		u.RawQuery = url.Values{"tls": {config.TLSConfig}}.Encode()
	}
	return u.String()
}
