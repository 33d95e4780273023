package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/clientfiles"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/external"
	"github.com/kachi-io/kachi/internal/nodetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// log can be read while it is written.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// backend is a server with sockets apart, which can be started again where it was.
type backend struct {
	t             testing.TB
	options       server.Options
	main, sockets string
	log           log
	stop          func()
}

func startBackend(t testing.TB) *backend {
	t.Helper()
	pages := t.TempDir()
	assert.NoError(t, os.WriteFile(filepath.Join(pages, "index.html"), []byte("the page"), 0o644))
	assert.NoError(t, os.Mkdir(filepath.Join(pages, "chat"), 0o755))
	assert.NoError(t, os.WriteFile(filepath.Join(pages, "chat", "index.html"), []byte("the chat's page"), 0o644))
	b := &backend{t: t, main: "127.0.0.1:0", sockets: "127.0.0.1:0"}
	b.options = server.Options{
		Data: t.TempDir(), Static: pages, SocketsApart: true,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Logger:         slog.New(slog.NewJSONHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	b.start()
	t.Cleanup(func() { b.stop() })
	return b
}

func (b *backend) start() {
	b.t.Helper()
	options := b.options
	s, err := server.New(context.Background(), &options)
	assert.NoError(b.t, err)
	listen := func(at *string) net.Listener {
		l, err := net.Listen("tcp", *at)
		assert.NoError(b.t, err)
		*at = l.Addr().String()
		return l
	}
	at := server.Listeners{Main: listen(&b.main), Sockets: listen(&b.sockets)}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.ServeAt(ctx, at) }()
	b.stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(b.t, assert.Receive(b.t, served, "the end of the server"))
	})
}

// nginx runs the shipped configuration; kachi/server.conf and kachi/upstreams.conf, which
// are there for it, have other addresses.
type nginx struct {
	url, dir string
	addr     string
}

// startNginx has it before a server, and others beside that for Socket.IO.
func startNginx(t testing.TB, b *backend, others ...*backend) *nginx {
	t.Helper()
	program := external.Program(t, "nginx", "/usr/sbin/nginx")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	n := &nginx{dir: t.TempDir(), addr: l.Addr().String()}
	n.url = "http://" + n.addr
	assert.NoError(t, l.Close())
	assert.NoError(t, os.CopyFS(n.dir, os.DirFS("nginx")))
	replace := func(name string, pairs ...string) {
		path := filepath.Join(n.dir, "kachi", name)
		text, err := os.ReadFile(path)
		assert.NoError(t, err)
		for i := 0; i < len(pairs); i += 2 {
			assert.Equal(t, strings.Count(string(text), pairs[i]), 1, pairs[i])
			text = bytes.ReplaceAll(text, []byte(pairs[i]), []byte(pairs[i+1]))
		}
		assert.NoError(t, os.WriteFile(path, text, 0o600))
	}
	replace("server.conf", "listen 80;", "listen "+n.addr+";", "listen [::]:80;", "", "/var/log/nginx/access.log", filepath.Join(n.dir, "access.log"))
	sockets := "server " + b.sockets + ";"
	for _, other := range others {
		sockets += " server " + other.sockets + ";"
	}
	replace("upstreams.conf", "server kachi:3000;", "server "+b.main+";", "server kachi:3030;", sockets)
	as := ""
	if os.Geteuid() == 0 { // the workers cannot enter the test's directory as anybody else
		me, err := user.Current()
		assert.NoError(t, err)
		as = "user " + me.Username + ";"
	}
	// The rest is what Debian's and the image's nginx.conf have around it.
	assert.NoError(t, os.WriteFile(filepath.Join(n.dir, "nginx.conf"), fmt.Appendf(nil, `
		%s worker_processes 2; daemon off; pid nginx.pid; error_log stderr notice;
		events { worker_connections 512; }
		http {
			client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
			uwsgi_temp_path uwsgi; scgi_temp_path scgi;
			include conf.d/*.conf;
		}`, as), 0o600))
	var out log
	cmd := exec.Command(program, "-p", n.dir, "-c", filepath.Join(n.dir, "nginx.conf"), "-e", "stderr")
	cmd.Stderr = &out
	cmd.WaitDelay = 5 * time.Second
	assert.NoError(t, cmd.Start())
	t.Cleanup(func() {
		assert.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		kill := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		assert.NoError(t, cmd.Wait(), out.String())
		if t.Failed() {
			t.Log("nginx's log:\n" + out.String())
		}
	})
	assert.Eventually(t, func() bool {
		c, err := net.Dial("tcp", n.addr)
		return err == nil && c.Close() == nil
	}, "nginx listens")
	return n
}

// request is made from an address of the loopback network.
type request struct {
	method, path, body string
	from               string // default 127.0.0.1
	header             http.Header
}

func (n *nginx) do(t testing.TB, r request) (*http.Response, string) {
	t.Helper()
	if r.from == "" {
		r.from = "127.0.0.1"
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(r.from)}}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: dialer.DialContext}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := http.NewRequestWithContext(ctx, r.method, n.url+r.path, strings.NewReader(r.body))
	assert.NoError(t, err)
	for name, values := range r.header {
		out.Header[name] = values
	}
	if r.body != "" {
		out.Header.Set("Content-Type", "application/json")
	}
	answer, err := transport.RoundTrip(out)
	assert.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	assert.NoError(t, err)
	return answer, string(text)
}

// signUp makes an account and returns its token.
func (n *nginx) signUp(t testing.TB) (token string) {
	t.Helper()
	answer, text := n.do(t, request{method: "POST", path: "/api/auth/register", body: `{"name":"mina","password":"correct horse battery"}`})
	assert.Equal(t, answer.StatusCode, 201, text)
	var in struct{ AccessToken string }
	assert.NoError(t, json.Unmarshal([]byte(text), &in))
	return in.AccessToken
}

func code(text string) string {
	var e struct{ Code string }
	_ = json.Unmarshal([]byte(text), &e)
	return e.Code
}

// Real clients by polling, WebSocket and both, at /socket.io/ and on the rewritten path; they
// come back when the server behind nginx is started again.
func TestClientsThroughNginx(t *testing.T) {
	b := startBackend(t)
	n := startNginx(t, b)
	token := n.signUp(t)
	answer, text := n.do(t, request{method: "POST", path: "/api/rooms", body: `{"name":"nest"}`, header: http.Header{"Authorization": {"Bearer " + token}}})
	assert.Equal(t, answer.StatusCode, 201, text)
	var room struct{ ID string }
	assert.NoError(t, json.Unmarshal([]byte(text), &room))
	again := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		b.stop()
		b.start()
	}))
	defer again.Close()
	given, err := json.Marshal(map[string]string{"url": n.url, "token": token, "room": room.ID, "restart": again.URL})
	assert.NoError(t, err)
	nodetest.Checks(t, "app/nginx.mjs", nil, "KACHI_GIVEN="+string(given))

	written, err := os.ReadFile(filepath.Join(n.dir, "access.log"))
	assert.NoError(t, err)
	assert.True(t, strings.Contains(string(written), "GET /socket.io/ HTTP/1.1"), "requests are logged")
	assert.True(t, !strings.Contains(string(written), "sid="), "session ids are not")
}

// What is at which address, and what is not.
func TestPathsThroughNginx(t *testing.T) {
	b := startBackend(t)
	n := startNginx(t, b)
	html := http.Header{"Accept": {"text/html"}}
	for _, test := range []struct {
		name string
		request
		status int
		has    string
	}{
		{"the page", request{method: "GET", path: "/"}, 200, "the page"},
		{"the API, not stripped", request{method: "GET", path: "/api/me"}, 401, `"unauthorized"`},
		{"no API without its name", request{method: "GET", path: "/me"}, 404, ""},
		{"Socket.IO", request{method: "GET", path: "/socket.io/?EIO=4&transport=polling"}, 200, `"sid":`},
		{"Socket.IO at /chat", request{method: "GET", path: "/chat?EIO=4&transport=polling"}, 200, `"sid":`},
		{"Socket.IO at /chat/", request{method: "GET", path: "/chat/?EIO=4&transport=polling"}, 200, `"sid":`},
		{"Socket.IO at /chat/ for browsers", request{method: "GET", path: "/chat/?EIO=4&transport=polling", header: html}, 200, `"sid":`},
		{"not at what begins so", request{method: "GET", path: "/chatX?EIO=4&transport=polling"}, 404, ""},
		{"nor below it", request{method: "GET", path: "/chat/7?EIO=4&transport=polling"}, 404, ""},
		{"the page at /chat/", request{method: "GET", path: "/chat/", header: html}, 200, "the chat's page"},
		{"documents", request{method: "GET", path: "/docs/openapi.json"}, 200, `"openapi":"3.1`},
		{"health", request{method: "GET", path: "/healthz"}, 200, "ok"},
		{"no metrics", request{method: "GET", path: "/metrics"}, 404, "nginx"},
		{"no readiness", request{method: "GET", path: "/readyz"}, 404, "nginx"},
		{"status, here", request{method: "GET", path: "/nginx_status"}, 200, "Active connections"},
		{"status, from elsewhere", request{method: "GET", path: "/nginx_status", from: "127.0.0.2"}, 403, ""},
		{"a method that the API has", request{method: "PATCH", path: "/api/nothing"}, 404, `"not_found"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			answer, text := n.do(t, test.request)
			assert.Equal(t, answer.StatusCode, test.status, text)
			assert.True(t, strings.Contains(text, test.has), text)
		})
	}
	if clientfiles.Version() != "" {
		answer, _ := n.do(t, request{method: "GET", path: "/chat/socket.io.min.js"})
		assert.Equal(t, answer.StatusCode, 200)
	}
	// /chat without a slash is a page as well: this one is a folder, which has one.
	answer, _ := n.do(t, request{method: "GET", path: "/chat", header: html})
	assert.Equal(t, answer.StatusCode, 301)
	assert.Equal(t, answer.Header.Get("Location"), "chat/")
}

// The requests of a polling client come to the server that knows its session, and not all
// clients have the same one.
func TestNginxKeepsAPollingClientWithItsServer(t *testing.T) {
	b, other := startBackend(t), startBackend(t)
	n := startNginx(t, b, other)
	for i := range 20 {
		from := fmt.Sprint("127.0.0.", i+1)
		_, text := n.do(t, request{method: "GET", path: "/socket.io/?EIO=4&transport=polling", from: from})
		var open struct{ SID string }
		assert.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(text, "0")), &open), text)
		path := "/socket.io/?EIO=4&transport=polling&sid=" + open.SID
		answer, text := n.do(t, request{method: "POST", path: path, body: "40/chat,", from: from})
		if answer.StatusCode != 200 {
			t.Fatal("another server was asked: ", text)
		}
		_, text = n.do(t, request{method: "GET", path: path, from: from})
		assert.True(t, strings.HasPrefix(text, `44/chat,{"message"`), text) // without a token
	}
	for _, b := range []*backend{b, other} {
		_, text := (&nginx{url: "http://" + b.main}).do(t, request{method: "GET", path: "/metrics"})
		assert.True(t, strings.Contains(text, "\nkachi_connections{transport=\"polling\"} "), text)
		assert.True(t, !strings.Contains(text, "\nkachi_connections{transport=\"polling\"} 0\n"), "each server has some of the clients")
	}
}

func TestNginxRefusesOtherMethods(t *testing.T) {
	n := startNginx(t, startBackend(t))
	for _, method := range []string{"TRACE", "BREW", "PROPFIND"} {
		answer, text := n.do(t, request{method: method, path: "/api/me"})
		assert.Equal(t, answer.StatusCode, 405, method)
		assert.Equal(t, answer.Header.Get("Allow") != "" || method == "TRACE", true, method) // nginx answers TRACE before it looks at anything
		if method != "TRACE" {
			assert.Equal(t, code(text), "method_not_allowed", method)
		}
	}
}

// Errors that nginx has itself have the shape of the server's.
func TestNginxErrorsOfTheAPI(t *testing.T) {
	b := startBackend(t)
	n := startNginx(t, b)
	answer, text := n.do(t, request{method: "POST", path: "/api/auth/login", body: strings.Repeat("x", 2<<20)})
	assert.Equal(t, answer.StatusCode, 413)
	assert.Equal(t, code(text), "too_large")
	answer, text = n.do(t, request{method: "POST", path: "/api/auth/login", body: strings.Repeat("x", 200<<10)})
	assert.Equal(t, answer.StatusCode, 413, "the server's own bound")
	assert.Equal(t, code(text), "too_large")
	answer, _ = n.do(t, request{method: "POST", path: "/socket.io/?EIO=4&transport=polling", body: strings.Repeat("x", 2<<20)})
	assert.Equal(t, answer.StatusCode, 413)

	b.stop()
	answer, text = n.do(t, request{method: "GET", path: "/api/me"})
	assert.Equal(t, answer.StatusCode, 503)
	assert.Equal(t, code(text), "unavailable")
	assert.Equal(t, answer.Header.Get("Retry-After"), "2")
	b.start()
	assert.Eventually(t, func() bool {
		answer, _ := n.do(t, request{method: "GET", path: "/api/me"})
		return answer.StatusCode == 401
	}, "the server is back")
}

// The client's address is the one that nginx saw, whatever the client says of itself.
func TestAddressesThroughNginx(t *testing.T) {
	b := startBackend(t)
	n := startNginx(t, b)
	lie := http.Header{"X-Forwarded-For": {"192.0.2.7"}, "Forwarded": {"for=192.0.2.8"}, "X-Forwarded-Host": {"evil.example"}}
	answer, _ := n.do(t, request{method: "GET", path: "/api/me", from: "127.0.0.3", header: lie})
	id := answer.Header.Get("X-Request-Id")
	assert.True(t, id != "")
	var line struct{ Msg, Request, Address string }
	assert.Eventually(t, func() bool {
		for text := range strings.Lines(b.log.String()) {
			line.Msg, line.Request = "", ""
			if json.Unmarshal([]byte(text), &line) == nil && line.Msg == "http: request" && line.Request == id {
				return true
			}
		}
		return false
	}, "the request is logged by nginx's id")
	assert.Equal(t, line.Address, "127.0.0.3")
}
