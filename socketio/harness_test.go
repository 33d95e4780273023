package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kachi-io/kachi/internal/assert"
	"github.com/kachi-io/kachi/internal/wstest"
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
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		assert.NoError(t, srv.Shutdown(ctx))
		host.Client().CloseIdleConnections()
		host.Close()
	})
	return srv, host.URL
}

// client is a raw client over WebSocket: what goes over the wire is what the test says.
type client struct {
	t    testing.TB
	conn *wstest.Conn
	sid  string

	writing sync.Mutex // the reader answers pings
}

// dial opens an Engine.IO session over WebSocket, without joining a namespace.
func dial(t testing.TB, url string) *client {
	t.Helper()
	c := &client{t: t, conn: wstest.Dial(t, url+"/socket.io/?EIO=4&transport=websocket")}
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
	assert.NoError(c.t, c.write(wstest.Text, []byte(text)))
}

func (c *client) sendBinary(data []byte) {
	c.t.Helper()
	assert.NoError(c.t, c.write(wstest.Binary, data))
}

func (c *client) write(op byte, data []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	return c.conn.SendFrame(op, data)
}

// next returns the next message, answering pings.
func (c *client) next() (op byte, data string, err error) {
	for {
		f, err := c.conn.Read()
		switch {
		case err != nil:
			return 0, "", err
		case f.Op == wstest.Close:
			_ = c.write(wstest.Close, f.Payload)
			return 0, "", io.EOF
		case f.Op == wstest.Text && string(f.Payload) == "2":
			if err := c.write(wstest.Text, []byte("3")); err != nil {
				return 0, "", err
			}
		default:
			return f.Op, string(f.Payload), nil
		}
	}
}

// read returns the next text message.
func (c *client) read() string {
	c.t.Helper()
	op, text, err := c.next()
	assert.NoError(c.t, err)
	if op != wstest.Text {
		c.t.Fatalf("want text, got %x", text)
	}
	return text
}

func (c *client) readBinary() []byte {
	c.t.Helper()
	op, data, err := c.next()
	assert.NoError(c.t, err)
	if op != wstest.Binary {
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
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.t.Fatal("the connection was not closed")
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
func (c *client) gone() { _ = c.conn.Close() }

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
