package main

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kachi-io/kachi/engineio"
	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

// answering is a server that gives this answer to everything.
func answering(status int, kind, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// What people read when it does not work, and what programs get.
func TestConnectTroubles(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	nobody := "http://" + closed.Addr().String()
	assert.NoError(t, closed.Close())
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	assert.NoError(t, err)
	defer silent.Close()

	serve := func(h http.Handler) string {
		host := httptest.NewServer(h)
		t.Cleanup(host.Close)
		return host.URL
	}
	plain := serve(kachiServer(t, nil))
	secure := httptest.NewTLSServer(kachiServer(t, nil))
	defer secure.Close()
	sockets := serve(kachiServer(t, &socketio.Options{Transports: []engineio.Transport{engineio.WebSocket}}))
	moved := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain+r.URL.Path, http.StatusMovedPermanently)
	}))
	closing := serve(kachiServer(t, &socketio.Options{AllowRequest: func(*http.Request) error { return errors.New("members only") }}))

	polling, websocket := []string{"--transport=polling"}, []string{"--transport=websocket"}
	for _, test := range []struct {
		name string
		url  string
		args []string
		code string
		want string
	}{
		{"nobody listens", nobody, polling, "unreachable", "Nobody listens at " + nobody + ". Is the server running"},
		{"another address", moved, polling, "redirected", moved + " sends clients to " + plain + ": connect to that address."},
		{"another address, WebSocket", moved, websocket, "redirected", moved + " sends clients to " + plain + ": connect to that address."},
		{"nobody listens, WebSocket", nobody, websocket, "unreachable", "Nobody listens at " + nobody + ". Is the server running"},
		{"wrong path", plain, []string{"--path=/other"}, "wrong_path", "There is no Socket.IO server at " + plain + "/other/ (status 404: 404 page not found). If the server has another path, try --path."},
		{"wrong path, WebSocket", plain, []string{"--path=/other", websocket[0]}, "wrong_path", "try --path"},
		{"a page", plain, []string{"--path=/page"}, "wrong_path", "(status 200: HTML). If the server has another path, try --path."},
		{"a page, WebSocket", plain, []string{"--path=/page", websocket[0]}, "wrong_path", "try --path"},
		{"text", serve(answering(200, "text/plain", "hello")), nil, "wrong_path", "(status 200: hello)"},
		{"an API", serve(answering(404, "application/json", `{"error":"not found"}`)), nil, "wrong_path", `(status 404: {"error":"not found"})`},
		{"an origin that is not allowed", plain, []string{"--origin=https://elsewhere.example", polling[0]}, "forbidden", "(status 403: Origin not allowed). Try --origin"},
		{"an origin that is not allowed, WebSocket", plain, []string{"--origin=https://elsewhere.example", websocket[0]}, "forbidden", "Try --origin"},
		{"a rule of the server", closing, polling, "forbidden", "refused this client (status 403: members only). The server has a rule"},
		{"Engine.IO 3 only", serve(answering(400, "application/json", `{"code":5,"message":"Unsupported protocol version"}`)), nil, "unsupported_protocol", "does not speak Engine.IO protocol 4"},
		{"Socket.IO 2", serve(answering(200, "text/plain; charset=UTF-8", `97:0{"sid":"ABn6HNSQi-GRvnl8AAAD","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}2:40`)), nil, "protocol_2", "This is a Socket.IO 2 server."},
		{"a transport that is not offered", sockets, polling, "unknown_transport", "The server does not offer polling"},
		{"credentials", serve(answering(401, "text/plain", "who are you")), nil, "unauthorized", "asks for credentials (status 401: who are you). Try -H"},
		{"full", serve(answering(503, "text/plain", "later")), nil, "unavailable", "takes no connection now (status 503: later)"},
		{"nothing comes", "http://" + silent.Addr().String(), []string{"--timeout=50ms"}, "timeout", "in time. Is this the right port? --timeout"},
		{"a certificate of nobody", secure.URL, polling, "tls", "signed by nobody that this machine trusts. --ca FILE"},
		{"a certificate of nobody, WebSocket", secure.URL, websocket, "tls", "--insecure goes without checking"},
		{"TLS to a server without", strings.Replace(plain, "http:", "https:", 1), polling, "tls", "The server speaks no TLS: try " + plain},
		{"TLS to a server without, WebSocket", strings.Replace(plain, "http:", "wss:", 1), websocket, "tls", "The server speaks no TLS: try " + plain},
		{"no TLS to a server with", strings.Replace(secure.URL, "https:", "http:", 1), polling, "bad_request", "The server speaks TLS: try " + secure.URL},
		{"no TLS to a server with, WebSocket", strings.Replace(secure.URL, "https:", "ws:", 1), websocket, "bad_request", "The server speaks TLS: try " + secure.URL},
		{"no proxy there", plain, []string{"--proxy=" + nobody}, "unreachable", "The proxy cannot be reached: connection refused. See --proxy"},
		{"a proxy that refuses", plain, []string{"--proxy=" + serve(answering(407, "text/plain", ""))}, "unauthorized", "The proxy does not let this client through (407 Proxy Authentication Required). It wants to know who you are: --proxy http://USER"},
		{"a proxy that refuses a tunnel", secure.URL, []string{"--insecure", "--proxy=" + serve(answering(407, "text/plain", ""))}, "broken", "(407 Proxy Authentication Required). It wants to know who you are"},
		{"a proxy with a rule", secure.URL, []string{"--insecure", "--proxy=" + serve(answering(403, "text/plain", "")), websocket[0]}, "broken", "The proxy does not let this client through (403 Forbidden). See --proxy."},
		{"refused by the namespace", plain + "/refusing", nil, "forbidden", "/refusing refused this client: not you"},
		{"no such namespace", plain + "/none", nil, "invalid_namespace", "The server has no namespace /none."},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := connectTo(t, "", append([]string{test.url}, test.args...)...)
			assert.Equal(t, o.code, 1)
			assert.Equal(t, o.out, "")
			assert.True(t, strings.Contains(o.err, test.want), o.err)
			sentence, _, _ := strings.Cut(o.err, "\n  {") // the refusal's data
			assert.True(t, !strings.Contains(strings.TrimSpace(sentence), "\n"), o.err)

			o = connectTo(t, "", append([]string{test.url, "--json"}, test.args...)...)
			assert.Equal(t, o.err, "")
			all := o.lines(t)
			assert.Equal(t, len(all), 1, o.out)
			assert.Equal(t, []string{all[0].Type, all[0].Code}, []string{"connect_error", test.code}, o.out)
			assert.True(t, strings.Contains(all[0].Message, test.want), all[0].Message)
		})
	}
}

// The reference implementation says some things in other words.
func TestConnectTroublesWithNode(t *testing.T) {
	url := nodeServer(t)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"/none"}, "The server has no namespace /none."},
		{[]string{"/refusing"}, `/refusing refused this client: not you` + "\n  " + `{"code":"forbidden","got":null}`},
		{[]string{"--path=/other"}, "There is no Socket.IO server at " + url + "/other/ (status 404)"},
		{[]string{"--path=/other", "--transport=websocket"}, url + " hung up without an answer."},
	} {
		o := connectTo(t, "", append([]string{url}, test.args...)...)
		assert.Equal(t, o.code, 1)
		assert.True(t, strings.Contains(o.err, test.want), o.err)
	}
}

func TestConnectWithTLS(t *testing.T) {
	host := httptest.NewUnstartedServer(kachiServer(t, nil))
	host.EnableHTTP2 = true
	host.StartTLS()
	defer host.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	assert.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: host.Certificate().Raw}), 0o600))
	for _, trust := range []string{"--insecure", "--ca=" + ca} {
		for _, transport := range []string{"polling", "websocket", "polling,websocket"} {
			o := connectTo(t, "ask echo 1", host.URL, "--json", "--transport", transport, trust)
			assert.Equal(t, o.code, 0, o.out)
			assert.Equal(t, summary(o.lines(t)), []string{"connect /", "answer / echo [1]"})
		}
	}
	_, port, err := net.SplitHostPort(host.Listener.Addr().String())
	assert.NoError(t, err)
	assert.True(t, host.Certificate().VerifyHostname("localhost") != nil)
	o := connectTo(t, "", "https://localhost:"+port, "--ca", ca)
	assert.Equal(t, o.code, 1)
	assert.True(t, strings.Contains(o.err, "is for another name: x509: certificate is valid for"), o.err)
}

// proxy is a forward proxy on loopback: it takes whole URLs, and opens tunnels.
type proxy struct {
	url  string
	seen lockedBuffer // methods and hosts
}

func startProxy(t *testing.T) *proxy {
	p := &proxy{}
	direct := &http.Transport{}
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := proxyAuth(r); user != "mina" || password != "secret" {
			w.WriteHeader(http.StatusProxyAuthRequired)
			return
		}
		_, _ = fmt.Fprintf(&p.seen, "%s %s\n", r.Method, r.Host)
		if r.Method == http.MethodConnect {
			tunnel(w, r.Host)
			return
		}
		// As most proxies do: what concerns the connection alone goes no further, an
		// upgrade neither.
		for _, name := range []string{"Connection", "Upgrade", "Proxy-Authorization"} {
			r.Header.Del(name)
		}
		answer, err := direct.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		for name, values := range answer.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body)
	}))
	t.Cleanup(func() { host.Close(); direct.CloseIdleConnections() })
	p.url = strings.Replace(host.URL, "http://", "http://mina:secret@", 1)
	return p
}

func proxyAuth(r *http.Request) (user, password string, ok bool) {
	r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
	user, password, ok = r.BasicAuth()
	r.Header.Del("Authorization")
	return user, password, ok
}

func tunnel(w http.ResponseWriter, to string) {
	out, err := net.Dial("tcp", to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer out.Close()
	in, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer in.Close()
	_, _ = io.WriteString(in, "HTTP/1.1 200 OK\r\n\r\n")
	done := make(chan struct{})
	go func() {
		_, _ = io.Copy(out, in)
		out.Close()
		close(done)
	}()
	_, _ = io.Copy(in, out)
	in.Close()
	<-done
}

func TestConnectThroughAProxy(t *testing.T) {
	plain, secure := httptest.NewServer(kachiServer(t, nil)), httptest.NewTLSServer(kachiServer(t, nil))
	defer plain.Close()
	defer secure.Close()
	plainHost, secureHost := strings.TrimPrefix(plain.URL, "http://"), strings.TrimPrefix(secure.URL, "https://")
	var node string
	if !testing.Short() {
		node = nodeServer(t)
	}
	for _, test := range []struct {
		name, url, transport string
		want                 string
	}{
		{"polling", plain.URL, "polling", "GET " + plainHost},
		{"polling, and an upgrade that the proxy lets not through", plain.URL, "polling,websocket", "GET " + plainHost},
		{"Node", node, "polling", "GET " + strings.TrimPrefix(node, "http://")},
		{"polling over TLS", secure.URL, "polling", "CONNECT " + secureHost},
		{"WebSocket over TLS", secure.URL, "websocket", "CONNECT " + secureHost},
		{"upgrade over TLS", secure.URL, "polling,websocket", "CONNECT " + secureHost},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.url == "" {
				return // with -short
			}
			p := startProxy(t)
			o := connectTo(t, "ask echo 1", test.url, "--json", "--insecure", "--proxy", p.url, "--transport", test.transport)
			assert.Equal(t, o.code, 0, o.out)
			assert.Equal(t, summary(o.lines(t)), []string{"connect /", "answer / echo [1]"})
			assert.True(t, strings.Contains(p.seen.String(), test.want+"\n"), p.seen.String())
			if strings.HasPrefix(test.want, "CONNECT") {
				assert.True(t, !strings.Contains(p.seen.String(), "GET"), p.seen.String())
			}
		})
	}
	t.Run("WebSocket, which the proxy lets not through", func(t *testing.T) {
		p := startProxy(t)
		o := connectTo(t, "", plain.URL, "--proxy", p.url, "--transport", "websocket")
		assert.Equal(t, o.code, 1)
		assert.True(t, strings.Contains(o.err, "A proxy in between may let none through: try --transport polling."), o.err)
	})
	t.Run("none", func(t *testing.T) {
		o := connectTo(t, "ask echo 1", plain.URL, "--json", "--proxy", "none")
		assert.Equal(t, o.code, 0, o.out)
	})
}
