package main

import (
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/external"
)

// startNginx runs nginx in front of a server, as docs/hosting.md has it, and returns its URL.
func startNginx(t *testing.T, upstream string) string {
	t.Helper()
	program := external.Program(t, "nginx", "/usr/sbin/nginx")
	page, err := os.ReadFile("../../docs/hosting.md")
	assert.NoError(t, err)
	_, config, found := strings.Cut(string(page), "```nginx\n")
	assert.True(t, found)
	config, _, _ = strings.Cut(config, "```")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	addr := l.Addr().String()
	l.Close()
	for old, new := range map[string]string{"server 127.0.0.1:3000;": "server " + upstream + ";", "listen 80;": "listen " + addr + ";"} {
		assert.Equal(t, strings.Count(config, old), 1, old)
		config = strings.Replace(config, old, new, 1)
	}
	as := ""
	if os.Geteuid() == 0 { // the workers cannot enter the test's directory as anybody else
		me, err := user.Current()
		assert.NoError(t, err)
		as = "user " + me.Username + ";"
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "nginx.conf")
	assert.NoError(t, os.WriteFile(path, fmt.Appendf(nil, `
		%s daemon off; pid nginx.pid; error_log stderr notice;
		events { worker_connections 64; }
		http {
			access_log off;
			client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
			uwsgi_temp_path uwsgi; scgi_temp_path scgi;
			%s
		}`, as, config), 0o600))
	var log lockedBuffer
	cmd := exec.Command(program, "-p", dir, "-c", path, "-e", "stderr")
	cmd.Stderr = &log
	cmd.WaitDelay = 5 * time.Second
	assert.NoError(t, cmd.Start())
	t.Cleanup(func() {
		assert.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		kill := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		assert.NoError(t, cmd.Wait(), log.String())
	})
	assert.Eventually(t, func() bool {
		c, err := net.Dial("tcp", addr)
		return err == nil && c.Close() == nil
	}, "nginx listens")
	return "http://" + addr
}

func TestConnectThroughNginx(t *testing.T) {
	host := httptest.NewServer(kachiServer(t, nil))
	defer host.Close()
	upstreams := []string{host.Listener.Addr().String()}
	if !testing.Short() {
		upstreams = append(upstreams, strings.TrimPrefix(nodeServer(t), "http://"))
	}
	for _, upstream := range upstreams {
		url := startNginx(t, upstream)
		for _, transport := range []string{"polling", "websocket", "polling,websocket"} {
			o := connectTo(t, "emit echo 1\nwait echoed\nask echo 2", url, "--json", "--transport", transport)
			assert.Equal(t, o.code, 0, o.out)
			assert.Equal(t, summary(o.lines(t)), []string{"connect /", "event / echoed [1]", "answer / echo [2]"})
		}
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	assert.NoError(t, gone.Close())
	o := connectTo(t, "", startNginx(t, gone.Addr().String()))
	assert.Equal(t, o.code, 1)
	assert.True(t, strings.Contains(o.err, "takes no connection now (status 502"), o.err)
}
