// Package mysqltest gives tests databases in MySQL, and servers of their own (package
// mysqlserver). Debian's releases have no MySQL: scripts/mysql fetches one into the user's
// cache. Where that could not be done, and the environment names none either, tests that run
// on several databases leave this one out.
package mysqltest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/kachi-io/kachi/internal/mysqlserver"
)

// Variable names the environment variable that holds the data source name of another MySQL 8
// or newer, of a user who may create databases and users: "root:secret@tcp(127.0.0.1:3306)/".
// It is used for databases in place of the one of scripts/mysql.
const Variable = "KACHI_TEST_MYSQL"

// Present tells whether there is a MySQL to make databases in: one that [Variable] names,
// which then has to answer, or one that is installed. With -short there is none.
func Present() bool { return !testing.Short() && (os.Getenv(Variable) != "" || Installed()) }

// Installed tells whether there is a MySQL to start. With -short there is none.
func Installed() bool {
	_, err := os.Stat(installed("data")) // what is made last
	return err == nil && !testing.Short()
}

// installed is the path of something that scripts/mysql leaves.
func installed(name string) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "" // then that had no place for it either
	}
	return filepath.Join(cache, "kachi", "mysql", name)
}

// New starts a server that ends with the test.
func New(t testing.TB) *mysqlserver.Server {
	t.Helper()
	return mysqlserver.New(t, software())
}

var shared mysqlserver.Shared

// Database returns the data source name of a fresh database, with a user of its own, on the
// server that [Variable] names, or on one that this process's tests share. The package's
// TestMain must end that:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqlserver.Main{M: m}) }
func Database(t testing.TB) string {
	t.Helper()
	if admin := os.Getenv(Variable); admin != "" {
		return mysqlserver.Create(t, admin)
	}
	return shared.Database(t, software())
}

// software is what scripts/mysql has left. A server has 160 MB of memory and 90 MB on disk.
func software() mysqlserver.Software {
	return mysqlserver.Software{
		Name:    "MySQL",
		Command: []string{installed("mysqld")}, // a script that says --no-defaults
		Settings: []string{
			"--skip-mysqlx", // which would listen at another port
			"--performance-schema=OFF",
			"--secure-file-priv=NULL",
			"--innodb-buffer-pool-load-at-startup=0",
			"--innodb-redo-log-capacity=16M", // as the tables were made with
			// Nothing waits for the disk. The kernel has it all: see
			// innodb-flush-log-at-trx-commit.
			"--innodb-flush-method=nosync",
			"--innodb-doublewrite=OFF",
		},
		// It takes seconds to make them.
		Prepare: func(_ context.Context, folder string, _ []string) error {
			return os.CopyFS(folder, os.DirFS(installed("data")))
		},
		Forget: "DROP USER root@localhost;\n",
	}
}
