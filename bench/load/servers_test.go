//go:build linux

package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/internal/assert"
)

// serverPath is bench/server, built once for all tests.
var serverPath string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kachi-bench-")
	if err == nil {
		serverPath = filepath.Join(dir, "server")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", serverPath, "../server").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "building bench/server:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(dir)
		os.Exit(code)
	}))
}

// startServer runs bench/server until the test ends.
func startServer(t *testing.T) (addr string, pid int) {
	t.Helper()
	cmd := exec.Command(serverPath, "-addr", "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	assert.NoError(t, err)
	assert.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	assert.NoError(t, err)
	return strings.TrimSpace(strings.TrimPrefix(line, "listening on ")), cmd.Process.Pid
}

// fake is a server just good enough to be joined, whose relay says what each member is
// sent for message n, the first being 0. held is the relay's own memory.
func fake(t *testing.T, relay func(n int, text string, held *string) []string) (addr string) {
	t.Helper()
	var (
		mu      sync.Mutex
		members []*websocket.Conn
		n       int
		held    string
	)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.Background()
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		say := func(to *websocket.Conn, text string) { _ = to.Write(ctx, websocket.MessageText, []byte(text)) }
		say(conn, `0{"sid":"fake","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`)
		for {
			_, data, err := conn.Read(ctx)
			if err != nil {
				return
			}
			mu.Lock()
			switch text := string(data); {
			case text == "40":
				say(conn, `40{"sid":"fake"}`)
			case text == joinPacket:
				members = append(members, conn)
				say(conn, "430[]")
			case strings.HasPrefix(text, chatPrefix):
				for _, out := range relay(n, text, &held) {
					for _, member := range members {
						say(member, out)
					}
				}
				n++
			}
			mu.Unlock()
		}
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}
