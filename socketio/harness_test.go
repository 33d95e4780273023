package socketio_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	ws "github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// short is a time-out that a test waits out.
const short = 50 * time.Millisecond

// start serves a server of its own until the test ends.
func start(t testing.TB, o *socketio.Options) (*socketio.Server, string) {
	t.Helper()
	srv := socketio.NewServer(o)
	host := httptest.NewServer(srv)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		assert.NoError(t, srv.Shutdown(ctx))
		host.Client().CloseIdleConnections()
		host.Close()
	})
	return srv, host.URL
}

// client is a raw WebSocket client: what goes over the wire is what the test says.
type client struct {
	t    testing.TB
	conn *ws.Conn
	sid  string
}

// dial opens an Engine.IO session over WebSocket, without joining a namespace.
func dial(t testing.TB, url string) *client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	conn, response, err := ws.Dial(ctx, url+"/socket.io/?EIO=4&transport=websocket", nil)
	assert.NoError(t, err)
	_ = response
	conn.SetReadLimit(64 << 20)
	c := &client{t: t, conn: conn}
	t.Cleanup(func() { _ = conn.CloseNow() })
	var open struct{ SID string }
	handshake := c.read()
	assert.NoError(t, json.Unmarshal([]byte(handshake[1:]), &open))
	c.sid = open.SID
	return c
}

// join is dial and CONNECT to the namespace "/". It returns the socket's id, too.
func join(t testing.TB, url string) (*client, string) {
	t.Helper()
	c := dial(t, url)
	return c, c.connect("/", "")
}

// connect joins a namespace and returns the socket's id.
func (c *client) connect(namespace, auth string) string {
	c.t.Helper()
	prefix := "40"
	if namespace != "/" {
		prefix += namespace + ","
	}
	c.send(prefix + auth)
	answer := c.read()
	var body struct{ SID string }
	if !strings.HasPrefix(answer, prefix) || json.Unmarshal([]byte(answer[len(prefix):]), &body) != nil || body.SID == "" {
		c.t.Fatalf("CONNECT to %s answered %q", namespace, answer)
	}
	return body.SID
}

func (c *client) send(text string) {
	c.t.Helper()
	c.write(ws.MessageText, []byte(text))
}

func (c *client) sendBinary(data []byte) {
	c.t.Helper()
	c.write(ws.MessageBinary, data)
}

func (c *client) write(kind ws.MessageType, data []byte) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	assert.NoError(c.t, c.conn.Write(ctx, kind, data))
}

// next returns the next message, answering pings.
func (c *client) next() (ws.MessageType, string, error) {
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		kind, data, err := c.conn.Read(ctx)
		if err == nil && string(data) == "2" && kind == ws.MessageText {
			err = c.conn.Write(ctx, ws.MessageText, []byte("3"))
			cancel()
			if err != nil {
				return 0, "", err
			}
			continue
		}
		cancel()
		return kind, string(data), err
	}
}

// read returns the next text message.
func (c *client) read() string {
	c.t.Helper()
	kind, text, err := c.next()
	assert.NoError(c.t, err)
	if kind != ws.MessageText {
		c.t.Fatalf("want text, got binary %x", text)
	}
	return text
}

func (c *client) readBinary() []byte {
	c.t.Helper()
	kind, data, err := c.next()
	assert.NoError(c.t, err)
	if kind != ws.MessageBinary {
		c.t.Fatalf("want binary, got text %q", data)
	}
	return []byte(data)
}

// expect reads one text message and compares.
func (c *client) expect(want string) {
	c.t.Helper()
	assert.Equal(c.t, c.read(), want)
}

// expectClosed reads until the server has closed the connection.
func (c *client) expectClosed() {
	c.t.Helper()
	for range 10_000 {
		if _, _, err := c.next(); err != nil {
			if strings.Contains(err.Error(), "deadline") {
				c.t.Fatalf("the connection was not closed")
			}
			return
		}
	}
	c.t.Fatal("the connection was not closed")
}

// expectSilence checks, by an echo of its own, that nothing is on the way.
func (c *client) expectSilence() {
	c.t.Helper()
	c.send("40/unknown-namespace-for-silence,")
	c.expect(`44/unknown-namespace-for-silence,{"message":"Invalid namespace"}`)
}

// gone leaves without a goodbye.
func (c *client) gone() { _ = c.conn.CloseNow() }

func get(t testing.TB, url string, header http.Header) *http.Response {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, url, nil)
	assert.NoError(t, err)
	for name, values := range header {
		r.Header[name] = values
	}
	response, err := http.DefaultTransport.(*http.Transport).Clone().RoundTrip(r)
	assert.NoError(t, err)
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// record collects what hooks and handlers tell, in order.
type record chan string

func newRecord() record { return make(record, 4096) }

func (r record) add(format string, args ...any) { r <- fmt.Sprintf(format, args...) }

func (r record) expect(t testing.TB, want string) {
	t.Helper()
	assert.Equal(t, assert.Receive(t, r), want)
}
