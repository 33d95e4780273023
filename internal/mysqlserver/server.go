package mysqlserver

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
)

// patience bounds a start, a stop and a statement: many tests run at once, on machines that do other
// things.
const patience = 60 * time.Second

// Software is a program that speaks MySQL's protocol, and how to make it run.
type Software struct {
	Name    string   // for people
	Command []string // the program's path, and arguments that come before all others
	// Settings are its own, beside those that each server is given.
	Settings []string
	// Prepare makes the system tables in a folder that is not there yet, for a server with
	// these settings.
	Prepare func(ctx context.Context, folder string, settings []string) error
	// Forget are statements that remove the accounts that have no password, one in a line.
	Forget string
}

// Server is a server with a folder, a port and an administrator of its own. It keeps
// them while it is stopped. Its methods may be called from any goroutine, except those
// that take a test, which end it when something fails.
type Server struct {
	software Software
	dir      string
	port     int
	password string
	unlock   func() // gives the folder up

	mu      sync.Mutex
	running *process // nil: stopped
}

// New starts a server that ends with the test.
func New(t testing.TB, software Software) *Server {
	t.Helper()
	s, err := launch(software)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Admin returns the data source name of a user who may do everything. Nobody else on the
// machine knows the password.
func (s *Server) Admin() string {
	config := mysql.NewConfig()
	config.Net, config.Addr, config.User, config.Passwd = "tcp", s.Addr(), "admin", s.password
	return config.FormatDSN()
}

// Addr returns the server's address on the loopback interface. It stays the same while
// the server is stopped and started.
func (s *Server) Addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// Database returns the data source name of a fresh database with a user of its own (see
// [Create]). The server must run, and must do so again when the test ends
// unless it is the test's own.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return Create(t, s.Admin())
}

// Start starts the server again, on the data that is there, and waits until it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
}

// Stop stops the server as an administrator does: it ends its connections, writes
// everything to its files and exits. It does nothing when the server is stopped.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
}

// Kill ends the server from one moment to the next (SIGKILL). What was committed is there
// when it starts again. It does nothing when the server is stopped.
func (s *Server) Kill(t testing.TB) {
	t.Helper()
	if err := s.kill(); err != nil {
		t.Fatal(err)
	}
}

// Log returns the end of what the server wrote to its log.
func (s *Server) Log() string {
	b, err := os.ReadFile(s.path("log"))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-8<<10):])
}

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

// launch makes a folder with a new server's data in it and starts the server.
func launch(software Software) (s *Server, err error) {
	sweep()
	dir, unlock, err := folder()
	if err != nil {
		return nil, err
	}
	s = &Server{software: software, dir: dir, unlock: unlock, password: rand.Text()}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.remove())
		}
	}()
	if err := s.prepare(); err != nil {
		return nil, err
	}
	for range 5 { // somebody else may take the port between the look and the start
		if s.port, err = freePort(); err != nil {
			return nil, err
		}
		if err = s.start(); err == nil || !strings.Contains(s.Log(), "Address already in use") {
			break
		}
	}
	return s, err
}

// prepare makes the system tables, and writes the statements that the first start runs
// before it takes connections.
func (s *Server) prepare() error {
	if err := os.Mkdir(s.path("tmp"), 0o700); err != nil {
		return err
	}
	// The administrators that the installation makes have no password, and this server
	// listens where everybody on the machine can connect.
	init := s.software.Forget +
		"CREATE USER admin@'127.0.0.1' IDENTIFIED BY '" + s.password + "';\n" +
		"GRANT ALL ON *.* TO admin@'127.0.0.1' WITH GRANT OPTION;\n"
	if err := os.WriteFile(s.path("init.sql"), []byte(init), 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.software.Prepare(ctx, s.path("data"), s.settings()); err != nil {
		return fmt.Errorf("%s: %w", s.software.Name, err)
	}
	return nil
}

// settings are what the server is given when it is made and whenever it starts. They keep
// it small.
func (s *Server) settings() []string {
	settings := append([]string{
		"--datadir=" + s.path("data"),
		"--tmpdir=" + s.path("tmp"),
		"--skip-name-resolve",
		"--skip-log-bin",
		"--innodb-buffer-pool-size=32M",
		"--innodb-buffer-pool-dump-at-shutdown=0",
		"--innodb-log-buffer-size=2M",
		"--innodb-autoextend-increment=1",
		"--key-buffer-size=1M",
		// A commit is with the kernel, not yet on the disk: it survives the server's
		// death, which is what tests try, though not the machine's.
		"--innodb-flush-log-at-trx-commit=2",
	}, s.software.Settings...)
	if os.Geteuid() == 0 {
		settings = append(settings, "--user=root") // it refuses to run as root without being told so
	}
	return settings
}

func (s *Server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running != nil {
		return nil
	}
	log, err := os.OpenFile(s.path("log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	arguments := slices.Concat(s.software.Command[1:], s.settings(), []string{
		"--socket=" + s.path("socket"),
		"--pid-file=" + s.path("pid"),
		"--bind-address=127.0.0.1",
		fmt.Sprintf("--port=%d", s.port),
		"--init-file=" + s.path("init.sql"),
	})
	cmd := exec.Command(s.software.Command[0], arguments...)
	cmd.Stdout, cmd.Stderr = log, log
	p, err := begin(cmd)
	if err != nil {
		return err
	}
	if err := s.answers(p); err != nil {
		p.kill()
		return fmt.Errorf("%s: %w\n%s", s.software.Name, err, s.Log())
	}
	s.running = p
	// The next start finds the administrator made.
	return os.WriteFile(s.path("init.sql"), nil, 0o600)
}

// answers waits until the server takes the administrator's connections.
func (s *Server) answers(p *process) error {
	config, err := mysql.ParseDSN(s.Admin())
	if err != nil {
		return err
	}
	config.Logger = &mysql.NopLogger{}
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return fmt.Errorf("it ended while it started: %w", p.err)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *Server) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil
	}
	p := s.running
	s.running = nil
	if err := p.stop(); err != nil {
		return fmt.Errorf("%s: %w\n%s", s.software.Name, err, s.Log())
	}
	return nil
}

func (s *Server) kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil
	}
	p := s.running
	s.running = nil
	return p.kill()
}

// remove ends the server and removes all that it had. There is nothing to write to files
// that go.
func (s *Server) remove() error {
	err := errors.Join(s.kill(), os.RemoveAll(s.dir))
	s.unlock()
	return err
}

// freePort returns a port that nobody listens on, below those that the kernel gives to
// clients: of those, a client that dials the stopped server again and again could be
// given the very port, and would be connected to itself.
func freePort() (int, error) {
	for range 100 {
		port := 20000 + mathrand.IntN(12000)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no free port found")
}
