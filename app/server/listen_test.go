package server_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/clientfiles"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/testclient"
)

// places is a server at several addresses.
type places struct {
	main, sockets, private, redirect string // host:port
	stop                             func() error
}

func serveAt(t *testing.T, o *server.Options) places {
	t.Helper()
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	s, err := server.New(t.Context(), o)
	assert.NoError(t, err)
	var at server.Listeners
	listen := func(to *net.Listener) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		assert.NoError(t, err)
		*to = l
		return l.Addr().String()
	}
	p := places{main: listen(&at.Main), private: listen(&at.Private)}
	if o.SocketsApart {
		p.sockets = listen(&at.Sockets)
	}
	if o.TLS != nil {
		p.redirect = listen(&at.Redirect)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.ServeAt(ctx, at) }()
	p.stop = sync.OnceValue(func() error {
		cancel()
		return assert.Receive(t, served, "the end of ServeAt")
	})
	t.Cleanup(func() { assert.NoError(t, p.stop()) })
	return p
}

// ask makes a request with pairs of headers' names and values.
func ask(t *testing.T, method, url string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	assert.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	assert.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	assert.NoError(t, err)
	return response, string(body)
}

func TestMetrics(t *testing.T) {
	at := serveAt(t, &server.Options{})
	testclient.Connect(t, "http://"+at.main, "/chat", map[string]string{"token": register(t, "http://"+at.main, "Mina")})
	get(t, "http://"+at.main+"/api/me?token=secret")
	_, before := get(t, "http://"+at.main+"/metrics")
	for _, line := range []string{
		`kachi_http_requests_total{method="GET",route="/api/me",status="401"} 1`,
		`kachi_http_request_duration_seconds_count{route="/api/me"} 1`,
		`kachi_sockets 1`,
		`kachi_connections{transport="websocket"} 1`,
		`kachi_database_up 1`,
		`kachi_database_queue 0`,
		`go_goroutines `,
		`process_resident_memory_bytes `,
	} {
		assert.True(t, strings.Contains(before, "\n"+line), "%s\n%s", line, before)
	}
	status, _ := get(t, "http://"+at.main+"/readyz")
	assert.Equal(t, status, 200)
	_, after := get(t, "http://"+at.private+"/metrics")
	for _, name := range []string{"kachi_database_writes_total", "kachi_database_commits_total"} {
		assert.True(t, figure(t, after, name) > figure(t, before, name), name)
	}
}

// figure is the value of a metric without labels.
func figure(t *testing.T, metrics, name string) (v float64) {
	t.Helper()
	_, rest, found := strings.Cut(metrics, "\n"+name+" ")
	assert.True(t, found, name)
	line, _, _ := strings.Cut(rest, "\n")
	assert.NoError(t, json.Unmarshal([]byte(line), &v))
	return v
}

// Whoever makes paths, methods and statuses up makes no metrics.
func TestLabelsOfMetricsAreBounded(t *testing.T) {
	at := serveAt(t, &server.Options{})
	for _, path := range []string{"/api/made/up", "/made-up", "/api/made/up/too"} {
		ask(t, "BREW", "http://"+at.main+path)
	}
	_, metrics := get(t, "http://"+at.private+"/metrics")
	assert.True(t, !strings.Contains(metrics, "made-up") && !strings.Contains(metrics, "made/up") && !strings.Contains(metrics, "BREW"), metrics)
	assert.True(t, strings.Contains(metrics, `kachi_http_requests_total{method="other",route="/api/",status="404"} 2`), metrics)
}

func TestWhatIsPrivate(t *testing.T) {
	at := serveAt(t, &server.Options{PrivateMetrics: true})
	for path, want := range map[string]int{"/metrics": 200, "/healthz": 200, "/debug/pprof/": 200, "/debug/pprof/heap": 200, "/debug/pprof/cmdline": 403, "/api/me": 404, "/": 404} {
		status, _ := get(t, "http://"+at.private+path)
		assert.Equal(t, status, want, path)
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap"} {
		status, _ := get(t, "http://"+at.main+path)
		assert.Equal(t, status, 404, path)
	}
}

func TestSocketsApart(t *testing.T) {
	at := serveAt(t, &server.Options{SocketsApart: true, AllowedOrigins: []string{"https://other.example"}})
	testclient.Connect(t, "http://"+at.sockets, "/chat", map[string]string{"token": register(t, "http://"+at.main, "Mina")})
	const poll = "/socket.io/?EIO=4&transport=polling"
	status, _ := get(t, "http://"+at.main+poll)
	assert.Equal(t, status, 404)
	_, port, err := net.SplitHostPort(at.main)
	assert.NoError(t, err)
	for origin, want := range map[string]int{
		"http://" + at.main:        200,
		"https://" + at.main:       403,
		"http://127.0.0.1":         403,
		"http://127.0.0.1:1":       403,
		"http://localhost:" + port: 403, // another name is another site
		"https://other.example":    200,
		"https://evil.example":     403,
		"null":                     403,
	} {
		response, body := ask(t, "GET", "http://"+at.sockets+poll, "Origin", origin)
		assert.Equal(t, response.StatusCode, want, origin, body)
		if want == 200 {
			assert.Equal(t, response.Header.Get("Access-Control-Allow-Origin"), origin)
		}
	}
	if clientfiles.Version() != "" {
		status, _ := get(t, "http://"+at.sockets+"/socket.io/socket.io.min.js")
		assert.Equal(t, status, 200)
	}
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/": 404, "/api/me": 404, "/metrics": 404} {
		status, _ := get(t, "http://"+at.sockets+path)
		assert.Equal(t, status, want, path)
	}
}

// Pages are told where the sockets are: at the name by which the browser knows the server.
func TestPagesAreToldOfSocketsApart(t *testing.T) {
	told := func(t *testing.T, o *server.Options, host string) string {
		o.SocketsApart = true
		at := serveAt(t, o)
		_, port, err := net.SplitHostPort(at.sockets)
		assert.NoError(t, err)
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+at.main, nil)
		assert.NoError(t, err)
		r.Host = host
		response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
		assert.NoError(t, err)
		defer response.Body.Close()
		_, policy, _ := strings.Cut(response.Header.Get("Content-Security-Policy"), "connect-src ")
		policy, _, _ = strings.Cut(policy, ";")
		return strings.ReplaceAll(policy, port, "PORT")
	}
	for _, test := range []struct {
		name, host, want string
		options          server.Options
	}{
		{"at the name", "kachi.example:3000", "'self' http://kachi.example:PORT ws://kachi.example:PORT", server.Options{}},
		{"at an address", "[::1]:3000", "'self' http://[::1]:PORT ws://[::1]:PORT", server.Options{}},
		{"behind a proxy", "kachi.example", "'self'", server.Options{TrustedProxies: prefixes("127.0.0.0/8")}},
		{"where it is said", "kachi.example", "'self' https://live.example wss://live.example", server.Options{SocketURL: "https://live.example", TrustedProxies: prefixes("127.0.0.0/8")}},
		{"not at what is no name", "a;script-src *:1", "'self'", server.Options{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, told(t, &test.options, test.host), test.want)
		})
	}
}

func TestTLS(t *testing.T) {
	holder := httptest.NewUnstartedServer(http.NotFoundHandler()) // of a certificate
	holder.StartTLS()
	defer holder.Close()
	at := serveAt(t, &server.Options{TLS: &tls.Config{Certificates: holder.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}})
	client := holder.Client()
	transport := client.Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = true
	defer transport.CloseIdleConnections()
	client.Transport = transport
	response, err := client.Get("https://" + at.main + "/socket.io/?EIO=4&transport=polling")
	assert.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, response.Proto, "HTTP/2.0")
	assert.Equal(t, response.StatusCode, 200)

	redirected, _ := ask(t, "GET", "http://"+at.redirect+"/chat?a=b")
	assert.Equal(t, redirected.StatusCode, 302)
	assert.Equal(t, redirected.Header.Get("Location"), "https://"+at.main+"/chat?a=b")
}

// A load balancer sees that the server stops while that still answers: whoever looks at
// /readyz before each request loses none.
func TestNoRequestIsLostWhileItStops(t *testing.T) {
	at := serveAt(t, &server.Options{DrainDelay: 3 * time.Second})
	transport := &http.Transport{MaxIdleConnsPerHost: 8}
	defer transport.CloseIdleConnections()
	status := func(path string) (int, error) {
		method, body := "POST", "{}"
		if path == "/readyz" {
			method, body = "GET", ""
		}
		r, err := http.NewRequestWithContext(context.Background(), method, "http://"+at.main+path, strings.NewReader(body))
		assert.NoError(t, err)
		r.Header.Set("Content-Type", "application/json")
		response, err := transport.RoundTrip(r)
		if err != nil {
			return 0, err
		}
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		return response.StatusCode, err
	}
	red := make(chan error, 8)
	working := make(chan bool, 8)
	for range 8 {
		go func() {
			for n := 0; ; n++ {
				ready, err := status("/readyz")
				if err != nil || ready == 503 {
					red <- err
					return
				}
				if _, err := status("/api/auth/logout"); err != nil {
					red <- err
					return
				}
				if n == 3 {
					working <- true
				}
			}
		}()
	}
	for range 8 {
		select {
		case <-working:
		case err := <-red:
			t.Fatalf("before the end: %v", err)
		case <-time.After(30 * time.Second):
			t.Fatal("no requests")
		}
	}
	ended := make(chan error, 1)
	go func() { ended <- at.stop() }()
	for range 8 {
		assert.NoError(t, assert.Receive(t, red, "that it is not ready any more"))
	}
	assert.NoError(t, assert.Receive(t, ended, "the end"))
}

func TestRequestsAreLoggedWithoutSecrets(t *testing.T) {
	log := &lines{}
	at := serveAt(t, &server.Options{Logger: slog.New(slog.NewJSONHandler(log, nil)), TrustedProxies: prefixes("127.0.0.0/8")})
	ask(t, "GET", "http://"+at.main+"/api/me?token=geheim", "Authorization", "Bearer geheim", "X-Forwarded-For", "192.0.2.1")
	get(t, "http://"+at.main+"/healthz")
	var line map[string]any
	assert.Eventually(t, func() bool {
		for text := range strings.Lines(log.String()) {
			line = nil
			if json.Unmarshal([]byte(text), &line) == nil && line["msg"] == "http: request" {
				return true
			}
		}
		return false
	}, "the line")
	assert.Equal(t, line["path"], "/api/me")
	assert.Equal(t, line["status"], 401.0)
	assert.Equal(t, line["address"], "192.0.2.1")
	assert.NoError(t, at.stop())
	assert.True(t, !strings.Contains(log.String(), "geheim"), log.String())
	assert.True(t, !strings.Contains(log.String(), "healthz"), log.String())
}

func TestDocuments(t *testing.T) {
	at := serveAt(t, &server.Options{Version: "1.2.3"})
	for path, want := range map[string]struct{ kind, has string }{
		"/docs/":              {"text/html; charset=utf-8", `<a href="http/">HTTP API</a>`},
		"/docs/http/":         {"text/html; charset=utf-8", `POST /api/auth/login`},
		"/docs/events/":       {"text/html; charset=utf-8", `Kachi`},
		"/docs/openapi.json":  {"application/json", `"openapi":"3.1`},
		"/docs/asyncapi.json": {"application/json", `"asyncapi": "3.0`},
		"/docs/client.ts":     {"text/plain; charset=utf-8", ``},
	} {
		response, body := ask(t, "GET", "http://"+at.main+path)
		assert.Equal(t, response.StatusCode, 200, path)
		assert.Equal(t, response.Header.Get("Content-Type"), want.kind, path)
		assert.True(t, strings.Contains(body, want.has), path, body)
		policy := response.Header.Get("Content-Security-Policy")
		assert.True(t, strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") && !strings.Contains(policy, "unsafe"), path, policy)
		assert.True(t, !strings.Contains(body, "<script"), path)
		again, _ := ask(t, "GET", "http://"+at.main+path, "If-None-Match", response.Header.Get("ETag"))
		assert.Equal(t, again.StatusCode, 304, path)
	}
	// Every route has its place, and every link leads to one.
	_, overview := get(t, "http://"+at.main+"/docs/")
	_, page := get(t, "http://"+at.main+"/docs/http/")
	_, events := get(t, "http://"+at.main+"/docs/events/")
	ids := map[string]bool{}
	for name, text := range map[string]string{"http/": page, "events/": events} {
		for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(text, -1) {
			assert.True(t, !ids[name+"#"+m[1]], "twice: "+m[1])
			ids[name+"#"+m[1]] = true
		}
	}
	links := 0
	for name, text := range map[string]string{"": overview, "http/": page, "events/": events} {
		for _, m := range regexp.MustCompile(` href="([^"#]*#[^"]*)"`).FindAllStringSubmatch(text, -1) {
			links++
			assert.True(t, ids[name+m[1]], name+": leads nowhere: "+m[1])
		}
	}
	assert.True(t, links > 50, links)
	var document struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	_, text := get(t, "http://"+at.main+"/docs/openapi.json")
	assert.NoError(t, json.Unmarshal([]byte(text), &document))
	for path, methods := range document.Paths {
		for method, op := range methods {
			assert.True(t, ids["http/#"+op.OperationID], method+" "+path+" is not shown")
		}
	}

	for path, want := range map[string]string{"/docs": "/docs/", "/docs/http": "/docs/http/", "/docs/events": "/docs/events/"} {
		response, _ := ask(t, "GET", "http://"+at.main+path)
		assert.Equal(t, response.Header.Get("Location"), want)
	}
	status, _ := get(t, "http://"+at.main+"/docs/nothing")
	assert.Equal(t, status, 404)
}

func prefixes(text ...string) (all []netip.Prefix) {
	for _, one := range text {
		all = append(all, netip.MustParsePrefix(one))
	}
	return all
}
