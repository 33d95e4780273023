package hosts

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/external"
	"github.com/kachi-io/kachi/internal/wstest"
	"github.com/kachi-io/kachi/socketio"
)

// nginx is a private process with a configuration of the test's.
type nginx struct {
	t      testing.TB
	path   string // of the program
	dir    string
	config string
	url    string
	cmd    *exec.Cmd
	log    lockedBuffer
}

// documented returns the configuration of docs/hosting.md, with the upstreams given
// instead of its own and each old line of edits replaced by the new one.
func documented(t testing.TB, upstreams []string, edits ...string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/hosting.md")
	assert.NoError(t, err)
	_, rest, found := strings.Cut(string(page), "```nginx\n")
	assert.True(t, found)
	config, _, _ := strings.Cut(rest, "```")
	servers := ""
	for _, u := range upstreams {
		servers += "server " + u + ";\n"
	}
	for i, edits := 0, append([]string{"server 127.0.0.1:3000;", servers}, edits...); i < len(edits); i += 2 {
		if strings.Count(config, edits[i]) != 1 {
			t.Fatalf("not once in the configuration: %q", edits[i])
		}
		config = strings.Replace(config, edits[i], edits[i+1], 1)
	}
	return config
}

// without the headers that WebSocket needs.
var withoutUpgrade = []string{
	"proxy_http_version 1.1;", "",
	"proxy_set_header Upgrade $http_upgrade;", "",
	"proxy_set_header Connection $connection_upgrade;", "",
}

// startNginx runs nginx with the contents of its http block, on a free port, until the
// end of the test.
func startNginx(t testing.TB, workers int, http string) *nginx {
	t.Helper()
	n := &nginx{t: t, path: external.Program(t, "nginx", "/usr/sbin/nginx"), dir: t.TempDir()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	addr := l.Addr().String()
	l.Close()
	assert.Equal(t, strings.Count(http, "listen 80;"), 1)
	n.url = "http://" + addr
	as := ""
	if os.Geteuid() == 0 { // the workers cannot enter the test's directory as anybody else
		me, err := user.Current()
		assert.NoError(t, err)
		as = "user " + me.Username + ";"
	}
	options := ""
	if strings.Contains(http, "ssl_certificate ") {
		options = " ssl http2"
	}
	n.config = filepath.Join(n.dir, "nginx.conf")
	assert.NoError(t, os.WriteFile(n.config, fmt.Appendf(nil, `
		%s worker_processes %d; daemon off; pid nginx.pid; error_log stderr notice;
		events { worker_connections 512; }
		http {
			access_log off;
			client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
			uwsgi_temp_path uwsgi; scgi_temp_path scgi;
			%s
		}`, as, workers, strings.Replace(http, "listen 80;", "listen "+addr+options+";", 1)), 0o600))
	n.start()
	t.Cleanup(n.stop)
	return n
}

func (n *nginx) start() {
	n.t.Helper()
	n.cmd = exec.Command(n.path, "-p", n.dir, "-c", n.config, "-e", "stderr")
	n.cmd.Stderr = &n.log
	n.cmd.WaitDelay = 5 * time.Second
	assert.NoError(n.t, n.cmd.Start())
	assert.Eventually(n.t, func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
		if err != nil {
			return false
		}
		return c.Close() == nil
	}, "nginx listens")
}

// reload makes nginx read its configuration again, and waits until it has new workers.
func (n *nginx) reload() {
	n.t.Helper()
	started := func() int { return strings.Count(n.log.String(), "start worker process ") }
	before := started()
	assert.NoError(n.t, n.cmd.Process.Signal(syscall.SIGHUP))
	assert.Eventually(n.t, func() bool { return started() > before }, "new workers")
}

// stop ends nginx and cuts its connections.
func (n *nginx) stop() {
	n.t.Helper()
	if n.cmd.ProcessState != nil {
		return
	}
	assert.NoError(n.t, n.cmd.Process.Signal(syscall.SIGTERM))
	kill := time.AfterFunc(5*time.Second, func() { _ = n.cmd.Process.Kill() })
	defer kill.Stop()
	assert.NoError(n.t, n.cmd.Wait(), n.log.tail())
	if n.t.Failed() {
		n.t.Log("nginx's log:\n" + n.log.tail())
	}
}

func (n *nginx) client(t testing.TB, way string) *client {
	t.Helper()
	return openClient(t, node, n.url, way, nil)
}

func TestNginx(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edits   []string
		unix    bool
		polling bool // alone
	}{
		"as documented":             {},
		"without buffering":         {edits: []string{"proxy_read_timeout", "proxy_buffering off; proxy_read_timeout"}},
		"without keep-alive":        {edits: []string{"keepalive 32;", ""}},
		"without upgrade headers":   {edits: withoutUpgrade, polling: true},
		"in front of a Unix socket": {unix: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := place{options: socketio.Options{PingInterval: 300 * time.Millisecond}}
			path := filepath.Join(t.TempDir(), "s")
			if c.unix {
				p.configure = onUnixSocket(t, path)
			}
			s := open(t, p)
			upstream := s.addr()
			if c.unix {
				upstream = "unix:" + path
			}
			n := startNginx(t, 2, documented(t, []string{upstream}, c.edits...))
			for _, way := range ways {
				client := n.client(t, way)
				if way == "websocket" && c.polling {
					assert.Equal(t, client.happened("connect_error").Reason, "websocket error")
					r := s.refusals()[0]
					assert.Equal(t, r.Status, http.StatusBadRequest)
					assert.Equal(t, r.Cause, engineio.CauseTransportHandshake)
					continue
				}
				client.holds(way, !c.polling)
				client.pings(1)
				client.holds(way, !c.polling)
			}
			assert.Equal(t, s.connections("HTTP/1.0") > 0, c.polling)
			assert.Equal(t, s.connections("HTTP/1.1") > 0, !c.polling)
		})
	}
}

// nginx ends TLS and speaks HTTP/2 to clients, HTTP/1.1 to the server.
func TestNginxWithTLS(t *testing.T) {
	t.Parallel()
	secure := make(chan bool, 10)
	p := place{options: socketio.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}}
	p.options.Hooks.Engine.Opened = func(s *engineio.Session) { secure <- s.Handshake().Secure }
	s := open(t, p)
	holder := open(t, place{tls: true}) // of a certificate that the clients trust
	dir := t.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(holder.host.TLS.Certificates[0].PrivateKey)
	assert.NoError(t, err)
	assert.NoError(t, os.WriteFile(filepath.Join(dir, "key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
	assert.NoError(t, os.WriteFile(filepath.Join(dir, "crt"), []byte(holder.ca()), 0o600))
	n := startNginx(t, 1, documented(t, []string{s.addr()},
		"listen 80;", fmt.Sprintf("listen 80; ssl_certificate %s/crt; ssl_certificate_key %s/key;", dir, dir)))
	url := strings.Replace(n.url, "http:", "https:", 1)
	for _, way := range []string{"polling", "websocket", "upgrade", "polling, HTTP/2", "upgrade, HTTP/2"} {
		openClient(t, node, url, way, map[string]any{"ca": holder.ca()}).holds(way, true)
		assert.True(t, assert.Receive(t, secure), way)
	}
}

// nginx refuses a post that the server would take: the client begins anew.
func TestNginxWithASmallBodyLimit(t *testing.T) {
	t.Parallel()
	s := open(t, place{})
	n := startNginx(t, 1, documented(t, []string{s.addr()}, "client_max_body_size 1m;", "client_max_body_size 10k;"))
	c := n.client(t, "polling")
	c.do("connected", nil)
	c.do("send", nil, "size", 50_000)
	assert.Equal(t, c.happened("disconnect"), entry{Event: "disconnect", Reason: "transport error", Status: 413})
	c.do("connected", nil)
	assert.Equal(t, c.state().count("connect"), 2)
	for _, way := range []string{"websocket", "upgrade"} { // the upgrade before the first long text
		c := n.client(t, way)
		c.do("upgraded", nil)
		c.holds(way, true)
	}
}

func TestNginxReadTimeout(t *testing.T) {
	t.Parallel()
	edit := []string{"proxy_read_timeout 60s;", "proxy_read_timeout 1s;"}
	t.Run("shorter than the heartbeat", func(t *testing.T) {
		t.Parallel()
		s := open(t, place{})
		n := startNginx(t, 1, documented(t, []string{s.addr()}, edit...))
		for way, want := range map[string]entry{
			"polling":   {Event: "disconnect", Reason: "transport error", Status: 504},
			"websocket": {Event: "disconnect", Reason: "transport close"},
		} {
			c := n.client(t, way)
			assert.Equal(t, c.happened("disconnect"), want)
			c.do("connected", nil) // and so on
		}
	})
	t.Run("longer than the heartbeat", func(t *testing.T) {
		t.Parallel()
		s := open(t, place{options: socketio.Options{PingInterval: 200 * time.Millisecond}})
		n := startNginx(t, 1, documented(t, []string{s.addr()}, edit...))
		all := []*client{n.client(t, "polling"), n.client(t, "websocket"), n.client(t, "upgrade")}
		for _, c := range all {
			c.do("connected", nil)
		}
		all[0].pings(8)
		for i, c := range all {
			c.holds(ways[i], true)
		}
	})
}

// The address is that of nginx's client, whatever that says about itself.
func TestAddressBehindNginx(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		trusted []netip.Prefix
		unix    bool
		want    string
	}{
		"trusted":                {trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, want: "127.0.0.2"},
		"not trusted":            {want: "127.0.0.1"},
		"Unix socket":            {trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, unix: true, want: "127.0.0.2"},
		"Unix socket, untrusted": {unix: true, want: "invalid IP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addresses := make(chan string, 1)
			p := place{options: socketio.Options{TrustedProxies: c.trusted}}
			p.options.Hooks.Engine.Opened = func(s *engineio.Session) { addresses <- s.Handshake().Address.String() }
			path := filepath.Join(t.TempDir(), "s")
			if c.unix {
				p.configure = onUnixSocket(t, path)
			}
			s := open(t, p)
			upstream := s.addr()
			if c.unix {
				upstream = "unix:" + path
			}
			n := startNginx(t, 1, documented(t, []string{upstream}))
			from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
			nc, err := from.Dial("tcp", strings.TrimPrefix(n.url, "http://"))
			assert.NoError(t, err)
			defer nc.Close()
			header := wstest.Handshake()
			header.Set("X-Forwarded-For", "192.0.2.7")
			conn, _, err := wstest.On(nc, n.url+"/socket.io/?EIO=4&transport=websocket", header)
			assert.NoError(t, err)
			assert.True(t, conn != nil, "connected")
			assert.Equal(t, assert.Receive(t, addresses), c.want)
		})
	}
}

func TestTwoServersBehindNginx(t *testing.T) {
	t.Parallel()
	one, two := open(t, place{}), open(t, place{})
	both := []string{one.addr(), two.addr()}
	t.Run("without sticky sessions", func(t *testing.T) {
		n := startNginx(t, 1, documented(t, both))
		for range 2 { // one for each
			n.client(t, "websocket").holds("websocket", true)
		}
		assert.True(t, one.connections("HTTP/1.1") > 0 && two.connections("HTTP/1.1") > 0)
		c := n.client(t, "polling")
		assert.Equal(t, c.happened("disconnect"), entry{Event: "disconnect", Reason: "transport error", Status: 400})
		assert.Equal(t, c.state().count("connect"), 0)
		refused := append(one.refusals(), two.refusals()...)
		assert.Equal(t, refused[0].Message, "Session ID unknown")
	})
	t.Run("with ip_hash", func(t *testing.T) {
		n := startNginx(t, 2, documented(t, both, "upstream kachi {", "upstream kachi { ip_hash;"))
		for _, way := range ways {
			n.client(t, way).holds(way, true)
		}
	})
}

// workers are clients of every way that ask one question after the other.
func workers(t testing.TB, n *nginx) []*client {
	t.Helper()
	var all []*client
	for range 2 {
		for _, way := range ways {
			c := n.client(t, way)
			c.do("connected", nil)
			c.do("work", nil)
			all = append(all, c)
		}
	}
	answered(all)
	return all
}

// answered waits until each has got more answers.
func answered(all []*client) {
	for _, c := range all {
		c.t.Helper()
		c.do("worked", nil, "answers", 10)
	}
}

type rested struct {
	state
	Answered, Unanswered int
}

func TestNginxIsReloadedUnderLoad(t *testing.T) {
	t.Parallel()
	s := open(t, place{})
	n := startNginx(t, 1, documented(t, []string{s.addr()}))
	all := workers(t, n)
	for range 3 {
		n.reload()
		answered(all)
	}
	for _, c := range all {
		var r rested
		c.do("rest", &r)
		assert.Equal(t, r.Log, []entry{{Event: "connect"}})
		assert.Equal(t, r.Unanswered, 0)
	}
}

func TestNginxIsRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	s := open(t, place{options: socketio.Options{PingInterval: time.Second, PingTimeout: 3 * time.Second}})
	n := startNginx(t, 1, documented(t, []string{s.addr()}))
	all := workers(t, n)
	n.stop()
	for _, c := range all {
		c.happened("disconnect")
	}
	n.start()
	for _, c := range all {
		c.do("connected", nil)
	}
	answered(all)
	for _, c := range all {
		var r rested
		c.do("rest", &r)
		assert.True(t, r.Connected)
		assert.True(t, r.count("connect") >= 2, r.Log)
	}
	// What the first connections have left goes at once, or with the heartbeat where no poll
	// was waiting.
	assert.Eventually(t, func() bool { return s.srv.Connections() == len(all) })
}

// A Unix socket without anything before it, for a client that can reach it.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	s := open(t, place{configure: onUnixSocket(t, path)})
	nc, err := net.Dial("unix", path)
	assert.NoError(t, err)
	defer nc.Close()
	c, _, err := wstest.On(nc, "http://x/socket.io/?EIO=4&transport=websocket", nil)
	assert.NoError(t, err)
	assert.True(t, strings.HasPrefix(c.Next(t), "0{"))
	assert.NoError(t, c.SendText("40"))
	assert.True(t, strings.HasPrefix(c.Next(t), "40{"))
	assert.Eventually(t, func() bool { return s.srv.Connections() == 1 })
}
