package mysqlserver

import (
	"fmt"
	"os"
	"sync"
	"testing"
)

// Shared is a server that all tests of this process share, from when the first of them asks
// for it. The package's TestMain must end it, by [Main].
type Shared struct {
	once   sync.Once
	server *Server
	err    error // of the start, which is tried once
}

// begun are the servers that [Main] ends.
var begun struct {
	mu   sync.Mutex
	list []*Server
}

// Database returns the data source name of a fresh database, with a user of its own, on the
// shared server (see [Create]).
func (s *Shared) Database(t testing.TB, software Software) string {
	t.Helper()
	s.once.Do(func() {
		if s.server, s.err = launch(software); s.err == nil {
			begun.mu.Lock()
			defer begun.mu.Unlock()
			begun.list = append(begun.list, s.server)
		}
	})
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.server.Database(t)
}

// Main is a package's tests, after which the shared servers end:
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(mysqlserver.Main{M: m}) }
type Main struct{ M *testing.M }

// Run runs the tests and returns the exit code.
func (m Main) Run() int {
	code := m.M.Run()
	begun.mu.Lock()
	defer begun.mu.Unlock()
	for _, server := range begun.list {
		if err := server.remove(); err != nil {
			fmt.Fprintln(os.Stderr, "mysqlserver:", err)
			code = max(code, 1)
		}
	}
	begun.list = nil
	return code
}
