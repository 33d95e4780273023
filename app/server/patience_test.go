package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kachi-io/kachi/app/server"
	"github.com/kachi-io/kachi/internal/assert"
)

// folder has a file that no socket's buffers hold.
func folder(t *testing.T) (dir string, size int64) {
	t.Helper()
	dir, size = t.TempDir(), 64<<20
	assert.NoError(t, os.WriteFile(filepath.Join(dir, "index.html"), []byte("mine"), 0o644))
	assert.NoError(t, os.WriteFile(filepath.Join(dir, "large"), nil, 0o644))
	assert.NoError(t, os.Truncate(filepath.Join(dir, "large"), size))
	return dir, size
}

// serving is what a goroutine is in that serves a connection.
const serving = "net/http.(*conn).serve("

// stacks waits until some goroutine of the program is in a function, or none.
func stacks(t *testing.T, function string, want bool) {
	t.Helper()
	assert.Eventually(t, func() bool {
		all := make([]byte, 4<<20)
		return bytes.Contains(all[:runtime.Stack(all, true)], []byte(function)) == want
	}, function, want)
}

// lazy is a connection whose reader stops when it is told to.
type lazy struct {
	net.Conn
	stop, ended chan struct{}
}

func (l *lazy) Read(b []byte) (int, error) {
	select {
	case <-l.stop:
		<-l.ended
		return 0, io.EOF
	default:
		return l.Conn.Read(b)
	}
}

// Whoever asks for something and does not read it holds no goroutine, whatever it asks for, and
// whatever it speaks.
func TestClientsThatDoNotRead(t *testing.T) {
	holder := httptest.NewUnstartedServer(http.NotFoundHandler()) // of a certificate
	holder.StartTLS()
	defer holder.Close()
	const limit = 300 * time.Millisecond
	dir, _ := folder(t)
	for name, o := range map[string]*server.Options{"plain": {}, "TLS": {TLS: &tls.Config{Certificates: holder.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}}} {
		o.WriteTimeout = limit
		o.Static = dir
		at := serveAt(t, o)
		dial := func(t *testing.T) net.Conn {
			c, err := net.Dial("tcp", at.main)
			assert.NoError(t, err)
			t.Cleanup(func() { _ = c.Close() })
			assert.NoError(t, c.(*net.TCPConn).SetReadBuffer(16<<10)) // soon full
			if o.TLS != nil {
				c = tls.Client(c, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
			}
			return c
		}
		// Requests without end. (engineio's tests hold what is below /socket.io/.)
		// Of answers that soon fill what is between: the others take thousands of requests.
		paths := []string{"/large"}
		if o.TLS == nil {
			paths = append(paths, "/docs/openapi.json", "/metrics")
		}
		for _, path := range paths {
			t.Run(name+" "+path, func(t *testing.T) {
				c := dial(t)
				sent := make(chan error, 1)
				go func() {
					request := strings.Repeat("GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n", 100)
					for {
						if _, err := io.WriteString(c, request); err != nil {
							sent <- err
							return
						}
					}
				}()
				assert.True(t, assert.Receive(t, sent, "the end of the connection") != nil)
				stacks(t, serving, false)
			})
		}
		assert.NoError(t, at.stop())
	}
}

// With HTTP/2 a stream that nobody reads is ended for itself, and a connection that nobody reads
// with all its streams.
func TestHTTP2ClientsThatDoNotRead(t *testing.T) {
	holder := httptest.NewUnstartedServer(http.NotFoundHandler()) // of a certificate
	holder.StartTLS()
	defer holder.Close()
	dir, size := folder(t)
	at := serveAt(t, &server.Options{Static: dir, WriteTimeout: 2 * time.Second,
		TLS: &tls.Config{Certificates: holder.TLS.Certificates, NextProtos: []string{"h2", "http/1.1"}}})
	served := func() string { // requests whose handlers have returned
		_, metrics := get(t, "http://"+at.private+"/metrics")
		_, count, _ := strings.Cut(metrics, `kachi_http_requests_total{method="GET",route="/",status="200"} `)
		count, _, _ = strings.Cut(count, "\n")
		return count
	}
	client := func(t *testing.T, wrap func(net.Conn) net.Conn) *http.Client {
		transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := net.Dial("tcp", at.main)
			if err != nil {
				return nil, err
			}
			t.Cleanup(func() { _ = c.Close() })
			secured := tls.Client(wrap(c), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
			return secured, secured.HandshakeContext(ctx)
		}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	ask := func(t *testing.T, c *http.Client, path string) *http.Response {
		answer, err := c.Get("https://" + at.main + path)
		assert.NoError(t, err)
		t.Cleanup(func() { _ = answer.Body.Close() })
		assert.Equal(t, answer.Proto, "HTTP/2.0")
		return answer
	}
	t.Run("a stream", func(t *testing.T) {
		c := client(t, func(c net.Conn) net.Conn { return c })
		answer := ask(t, c, "/large")
		assert.Eventually(t, func() bool { return served() == "1" }, "that nobody serves it any more")
		n, err := io.Copy(io.Discard, answer.Body)
		assert.True(t, err != nil && n < size, n, err)
		assert.Equal(t, ask(t, c, "/healthz").StatusCode, 200, "other streams go on")
	})
	t.Run("a connection", func(t *testing.T) {
		reader := &lazy{stop: make(chan struct{}), ended: make(chan struct{})}
		defer close(reader.ended)
		c := client(t, func(c net.Conn) net.Conn {
			assert.NoError(t, c.(*net.TCPConn).SetReadBuffer(64<<10))
			reader.Conn = c
			return reader
		})
		for range 10 { // each has a window of 4 MiB: more than the kernel takes
			ask(t, c, "/large")
		}
		close(reader.stop)
		stacks(t, serving, false)
	})
}

// Whoever reads slowly gets everything, however long that takes.
func TestASlowReaderGetsEverything(t *testing.T) {
	t.Parallel()
	const limit = 2 * time.Second
	dir, size := folder(t)
	at := serveAt(t, &server.Options{Static: dir, WriteTimeout: limit})
	c, err := net.Dial("tcp", at.main)
	assert.NoError(t, err)
	defer c.Close()
	assert.NoError(t, c.(*net.TCPConn).SetReadBuffer(64<<10))
	_, err = io.WriteString(c, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	assert.NoError(t, err)
	defer answer.Body.Close()
	var n int64
	for begun := time.Now(); time.Since(begun) < 2*limit; time.Sleep(5 * time.Millisecond) {
		m, err := io.CopyN(io.Discard, answer.Body, 32<<10)
		assert.NoError(t, err)
		n += m
	}
	assert.True(t, n < size, "the reader was too fast", n)
	m, err := io.Copy(io.Discard, answer.Body)
	assert.NoError(t, err)
	assert.Equal(t, n+m, size)
}

// Nobody is waited for who announces a body, wherever that goes.
func TestBodiesThatDoNotCome(t *testing.T) {
	t.Parallel()
	at := serveAt(t, &server.Options{ReadTimeout: 200 * time.Millisecond})
	for _, path := range []string{"/", "/chat", "/assets/x.js", "/docs/", "/metrics", "/healthz", "/api/auth/login", "/api/nothing", "/socket.io/?EIO=4&transport=polling", "/socket.io/?EIO=4&transport=polling&sid=x", "/socket.io/socket.io.js"} {
		c, err := net.Dial("tcp", at.main)
		assert.NoError(t, err)
		_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{", path)
		assert.NoError(t, err)
		assert.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute))) // of a broken test
		_, err = io.Copy(io.Discard, c)
		assert.True(t, err == nil || !os.IsTimeout(err), path+": the server waits", err)
		assert.NoError(t, c.Close())
	}
}

// A poll waits for as long as the server has nothing to say.
func TestPollsOutliveTheTimeOuts(t *testing.T) {
	t.Parallel()
	at := serveAt(t, &server.Options{ReadTimeout: 100 * time.Millisecond, WriteTimeout: 100 * time.Millisecond, PingInterval: time.Second})
	_, opened := get(t, "http://"+at.main+"/socket.io/?EIO=4&transport=polling")
	_, sid, _ := strings.Cut(opened, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	status, body := get(t, "http://"+at.main+"/socket.io/?EIO=4&transport=polling&sid="+sid)
	assert.Equal(t, fmt.Sprint(status, " ", body), "200 2") // PING
}
