package mariadbtest

import (
	"context"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/external"
	"github.com/kachi-io/kachi/internal/mysqlserver"
)

// New starts a server that ends with the test.
func New(t testing.TB) *mysqlserver.Server {
	t.Helper()
	return mysqlserver.New(t, software(t))
}

var shared mysqlserver.Shared

// Database returns the data source name of a fresh database, with a user of its own, on the
// server that this process's tests share. The package's TestMain must end that server:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqlserver.Main{M: m}) }
func Database(t testing.TB) string {
	t.Helper()
	return shared.Database(t, software(t))
}

// software is what is in Debian's mariadb-server. A server has 55 MB of memory and 25 MB on
// disk.
func software(t testing.TB) mysqlserver.Software {
	t.Helper()
	install := external.Packaged(t, "mariadb-server", "mariadb-install-db")
	return mysqlserver.Software{
		Name:    "MariaDB",
		Command: []string{external.Packaged(t, "mariadb-server", "mariadbd", "/usr/sbin/mariadbd"), "--no-defaults"},
		Settings: []string{
			"--innodb-log-file-size=4M",
			"--innodb-data-file-path=ibdata1:4M:autoextend",
			"--innodb-temp-data-file-path=ibtmp1:4M:autoextend",
			"--aria-pagecache-buffer-size=1M",
		},
		// It takes half a second of one core.
		Prepare: func(ctx context.Context, _ string, settings []string) error {
			cmd := exec.CommandContext(ctx, install, append([]string{
				"--no-defaults", // must come first
				"--auth-root-authentication-method=normal",
				"--skip-test-db",
			}, settings...)...)
			cmd.WaitDelay = time.Second // it is a script: its server may outlive it
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("mariadb-install-db: %w\n%s", err, out)
			}
			return nil
		},
		Forget: "DELETE FROM mysql.global_priv WHERE User <> 'mariadb.sys';\nFLUSH PRIVILEGES;\n",
	}
}
