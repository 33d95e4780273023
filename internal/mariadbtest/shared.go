package mariadbtest

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is the server of this process, once a test has asked for it.
var shared struct {
	mu     sync.Mutex
	server *Server
	err    error // of the start, which is tried once
}

// Database returns the data source name of a fresh database, with a user of its own, on
// the server that this process's tests share (see [mysqltest.Create]). The package's
// TestMain must end that server, by [Main].
func Database(t testing.TB) string {
	t.Helper()
	install, program := programs(t)
	shared.mu.Lock()
	if shared.server == nil && shared.err == nil {
		shared.server, shared.err = launch(install, program)
	}
	server, err := shared.server, shared.err
	shared.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	return server.Database(t)
}

// Main is a package's tests, after which the shared server ends:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(mariadbtest.Main{M: m}) }
type Main struct{ M *testing.M }

// Run runs the tests and returns the exit code.
func (m Main) Run() int {
	code := m.M.Run()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil {
		return code
	}
	if err := shared.server.remove(); err != nil {
		fmt.Fprintln(os.Stderr, "mariadbtest:", err)
		code = max(code, 1)
	}
	shared.server = nil
	return code
}
