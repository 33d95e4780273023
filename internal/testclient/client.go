// Package testclient is a small Socket.IO client for tests: one namespace over one
// WebSocket, so that a test says what it sends and sees what comes.
package testclient

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/kachi-io/kachi/internal/assert"
)

// patience bounds a broken test; it is no claim about speed.
const patience = 30 * time.Second

// Event is one event from the server, with its arguments as raw JSON.
type Event struct {
	Name string
	Args []json.RawMessage
}

// Decode decodes the first argument.
func (e Event) Decode(t testing.TB, into any) {
	t.Helper()
	if len(e.Args) == 0 {
		t.Fatalf("the event %q has no arguments", e.Name)
	}
	assert.NoError(t, json.Unmarshal(e.Args[0], into), e.Name)
}

// Client is connected to one namespace. Its methods are for the test's goroutine.
type Client struct {
	// ID is the socket's id.
	ID string

	t         testing.TB
	conn      *websocket.Conn
	prefix    string // of the namespace in a packet
	events    chan Event
	connected chan string // the answer to CONNECT
	closed    chan struct{}
	left      chan struct{} // closed when the server has ended the socket for good

	mu     sync.Mutex
	nextID int
	asked  map[int]chan json.RawMessage
}

// Connect joins the namespace of the server at url ("http://127.0.0.1:3000"), with auth
// as the handshake's auth unless it is nil. The test ends the connection when it ends.
func Connect(t testing.TB, url, namespace string, auth any) *Client {
	t.Helper()
	c, refusal := Try(t, url, namespace, auth)
	if c == nil {
		t.Fatalf("%s refused the client: %s", namespace, refusal)
	}
	return c
}

// Try is Connect for a client that may be refused: then it returns nil and the payload
// of CONNECT_ERROR.
func Try(t testing.TB, url, namespace string, auth any) (*Client, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, url+"/socket.io/?EIO=4&transport=websocket", nil)
	assert.NoError(t, err)
	conn.SetReadLimit(16 << 20)
	c := &Client{
		t:         t,
		conn:      conn,
		events:    make(chan Event, 10_000),
		connected: make(chan string, 1),
		closed:    make(chan struct{}),
		left:      make(chan struct{}),
		asked:     map[int]chan json.RawMessage{},
	}
	if namespace != "/" {
		c.prefix = namespace + ","
	}
	_, _, err = conn.Read(ctx) // OPEN
	assert.NoError(t, err)
	go c.read()
	t.Cleanup(c.Close)

	payload := []byte{}
	if auth != nil {
		payload, err = json.Marshal(auth)
		assert.NoError(t, err)
	}
	c.write("40" + c.prefix + string(payload))
	answer := assert.Receive(t, c.connected, "an answer to CONNECT")
	if refusal, refused := strings.CutPrefix(answer, "4"); refused {
		return nil, refusal
	}
	var body struct{ SID string }
	assert.NoError(t, json.Unmarshal([]byte(answer[1:]), &body))
	c.ID = body.SID
	return c, ""
}

// Close ends the connection without a goodbye, and waits until nothing reads any more.
func (c *Client) Close() {
	_ = c.conn.CloseNow()
	<-c.closed
}

// Emit sends an event.
func (c *Client) Emit(event string, args ...any) {
	c.t.Helper()
	c.write("42" + c.prefix + c.encode(event, args))
}

// Ask sends an event and decodes the first value of its acknowledgement.
func (c *Client) Ask(into any, event string, args ...any) {
	c.t.Helper()
	values := c.Answer(event, args...)
	if into != nil {
		if len(values) == 0 {
			c.t.Fatalf("the answer to %q is empty", event)
		}
		assert.NoError(c.t, json.Unmarshal(values[0], into), string(values[0]))
	}
}

// Answer sends an event and returns its acknowledgement.
func (c *Client) Answer(event string, args ...any) (values []json.RawMessage) {
	c.t.Helper()
	answer := make(chan json.RawMessage, 1)
	c.mu.Lock()
	id := c.nextID
	c.nextID++
	c.asked[id] = answer
	c.mu.Unlock()
	c.write("42" + c.prefix + strconv.Itoa(id) + c.encode(event, args))
	assert.NoError(c.t, json.Unmarshal(assert.Receive(c.t, answer, "the answer to "+event), &values))
	return values
}

// Next returns the next event that came.
func (c *Client) Next() Event {
	c.t.Helper()
	return assert.Receive(c.t, c.events, "an event")
}

// Expect returns the next event, which must have that name.
func (c *Client) Expect(name string) Event {
	c.t.Helper()
	e := c.Next()
	if e.Name != name {
		c.t.Fatalf("want the event %q, got %q %s", name, e.Name, e.Args)
	}
	return e
}

// Expelled waits until the server has ended the socket for good (DISCONNECT: clients do not
// come back by themselves).
func (c *Client) Expelled() {
	c.t.Helper()
	select {
	case <-c.left:
	case <-time.After(patience):
		c.t.Fatal("the server has not ended the socket")
	}
}

// Lost waits until the connection has ended, without a DISCONNECT: clients come back.
func (c *Client) Lost() {
	c.t.Helper()
	select {
	case <-c.closed:
	case <-time.After(patience):
		c.t.Fatal("the connection has not ended")
	}
	select {
	case <-c.left:
		c.t.Fatal("the server has ended the socket for good")
	default:
	}
}

// nowhere is a namespace that no server has.
const nowhere = "/no-such-namespace"

// ExpectNothing fails when an event that was not looked at has come, or was on its way:
// it asks the server something else and waits for the answer first.
func (c *Client) ExpectNothing() {
	c.t.Helper()
	for _, e := range c.Waiting() {
		c.t.Fatalf("want no event, got %q %s", e.Name, e.Args)
	}
}

// Waiting returns the events that have come, or were on their way, and that were not looked at.
func (c *Client) Waiting() (events []Event) {
	c.t.Helper()
	c.write("40" + nowhere + ",")
	assert.Receive(c.t, c.connected, "the refusal of "+nowhere)
	for {
		select {
		case e := <-c.events:
			events = append(events, e)
		default:
			return events
		}
	}
}

func (c *Client) encode(event string, args []any) string {
	c.t.Helper()
	data, err := json.Marshal(append([]any{event}, args...))
	assert.NoError(c.t, err)
	return string(data)
}

func (c *Client) write(text string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	assert.NoError(c.t, c.conn.Write(ctx, websocket.MessageText, []byte(text)))
}

func (c *Client) read() {
	defer close(c.closed)
	defer close(c.events)
	for {
		_, data, err := c.conn.Read(context.Background())
		if err != nil {
			return
		}
		if err := c.take(string(data)); err != nil {
			c.t.Errorf("testclient: %v in %q", err, data)
			return
		}
	}
}

func (c *Client) take(text string) error {
	if text == "2" { // PING
		return c.conn.Write(context.Background(), websocket.MessageText, []byte("3"))
	}
	if len(text) < 2 || text[0] != '4' {
		return nil
	}
	kind, rest := text[1], strings.TrimPrefix(text[2:], c.prefix)
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	switch kind {
	case '1': // DISCONNECT
		close(c.left)
	case '0', '4':
		c.connected <- string(kind) + rest
	case '2':
		var values []json.RawMessage
		if err := json.Unmarshal([]byte(rest[digits:]), &values); err != nil {
			return err
		}
		e := Event{Args: values[1:]}
		if err := json.Unmarshal(values[0], &e.Name); err != nil {
			return err
		}
		select {
		case c.events <- e:
		default:
			return fmt.Errorf("nobody takes the events")
		}
	case '3':
		id, err := strconv.Atoi(rest[:digits])
		if err != nil {
			return err
		}
		c.mu.Lock()
		answer := c.asked[id]
		delete(c.asked, id)
		c.mu.Unlock()
		if answer == nil {
			return fmt.Errorf("an answer to nothing")
		}
		answer <- json.RawMessage(rest[digits:])
	}
	return nil
}

// Polls checks that the server at url speaks HTTP long-polling: handshake, CONNECT to
// "/" in a POST, its answer in a GET.
func Polls(t testing.TB, url string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
	defer client.CloseIdleConnections()
	base := url + "/socket.io/?EIO=4&transport=polling"
	exchange := func(method, url, body string) string {
		t.Helper()
		r, err := http.NewRequest(method, url, strings.NewReader(body))
		assert.NoError(t, err)
		response, err := client.Do(r)
		assert.NoError(t, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		assert.NoError(t, err)
		assert.Equal(t, response.StatusCode, http.StatusOK, string(text))
		return string(text)
	}
	opened := exchange(http.MethodGet, base, "")
	var open struct{ SID string }
	assert.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(opened, "0")), &open), opened)
	base += "&sid=" + open.SID
	assert.Equal(t, exchange(http.MethodPost, base, "40"), "ok")
	answer := exchange(http.MethodGet, base, "")
	assert.True(t, strings.HasPrefix(answer, `40{"sid":`), answer)
	assert.Equal(t, exchange(http.MethodPost, base, "1"), "ok") // CLOSE
}
