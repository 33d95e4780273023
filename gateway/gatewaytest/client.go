package gatewaytest

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/kachi-io/kachi/client"
	"github.com/kachi-io/kachi/gateway"
	"github.com/kachi-io/kachi/socketio/packet"
)

// Client is a client of one namespace. Events that come to it wait until the test expects
// them; those of different names wait apart, so that a test need not know their order.
//
// Its methods fail the test in words, and belong to the test's goroutine.
type Client struct {
	app       *App
	namespace string
	conn      conn
	inbox     inbox

	mu      sync.Mutex
	answers map[string][]any
	pings   int
}

// conn is a connection to a namespace, whatever the protocol.
type conn interface {
	ID() string
	Emit(event string, args ...any) error
	client.Asker
	close()
}

func (a *App) newClient(namespace string) *Client {
	return &Client{app: a, namespace: namespace, answers: map[string][]any{}}
}

// ID returns the socket's id; "" for plain clients, which are not told.
func (c *Client) ID() string { return c.conn.ID() }

// Close disconnects the client.
func (c *Client) Close() { c.conn.close() }

// Emit sends an event, and asks for no acknowledgement. Events of one client are handled in
// order: what an [Ask] behind it returns, the event has come to.
func (c *Client) Emit(t testing.TB, event string, args ...any) {
	t.Helper()
	if err := c.conn.Emit(event, args...); err != nil {
		t.Fatalf("gatewaytest: %s: sending %q: %v", c.namespace, event, err)
	}
}

// Ask sends an event and returns the acknowledgement. An error in its place fails the test.
// For an acknowledgement without a value it returns Out's zero value.
func Ask[Out any](t testing.TB, c *Client, event string, args ...any) Out {
	t.Helper()
	ctx, cancel := c.patient()
	defer cancel()
	out, err := client.Ask[Out](ctx, c.conn, event, args...)
	if err != nil {
		t.Fatalf("gatewaytest: %s: the answer to %q: %s", c.namespace, event, c.explain(err))
	}
	return out
}

// AskError sends an event that is to be answered with an error of a code, which it returns.
// Its Details are as they came, for [Details] to decode.
func (c *Client) AskError(t testing.TB, code, event string, args ...any) *gateway.Error {
	t.Helper()
	ctx, cancel := c.patient()
	defer cancel()
	out, err := client.Ask[json.RawMessage](ctx, c.conn, event, args...)
	var answered *client.Error
	switch {
	case err == nil:
		t.Fatalf("gatewaytest: %s: the answer to %q was to be the error %q, and is %s", c.namespace, event, code, printed(out))
	case !errors.As(err, &answered):
		t.Fatalf("gatewaytest: %s: the answer to %q was to be the error %q: %s", c.namespace, event, code, c.explain(err))
	case answered.Code != code:
		t.Fatalf("gatewaytest: %s: the answer to %q was to be the error %q, and is %q: %s", c.namespace, event, code, answered.Code, answered.Message)
	}
	return refusal(answered.Code, answered.Message, answered.Details)
}

// Details decodes the details of an error that a client was told of: a list of
// [gateway.FieldError] for the code "invalid", a [gateway.Denial] for "unauthorized".
func Details[T any](t testing.TB, err *gateway.Error) (details T) {
	t.Helper()
	raw, ok := err.Details.(json.RawMessage)
	if !ok {
		t.Fatalf("gatewaytest: %v has no details that came from a client", err)
	}
	if wrong := json.Unmarshal(raw, &details); wrong != nil {
		t.Fatalf("gatewaytest: the details of %v are %s: %v", err, raw, wrong)
	}
	return details
}

// Answer has the client acknowledge events of a name with these values, from now on. Other
// events are not acknowledged.
func (c *Client) Answer(event string, values ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[event] = slices.Clone(values)
}

// Expect waits for the next event of a name, and decodes its arguments, by position, into
// pointers. More arguments than pointers are let pass.
func (c *Client) Expect(t testing.TB, event string, into ...any) {
	t.Helper()
	a := c.next(t, event)
	if a.args.Len() < len(into) {
		t.Fatalf("gatewaytest: %s: %s has %d arguments, and %d are expected", c.namespace, a, a.args.Len(), len(into))
	}
	if err := a.args.Decode(into...); err != nil {
		t.Fatalf("gatewaytest: %s: %s is not what is expected: %v", c.namespace, a, err)
	}
}

// Next waits for the next event of the server, and returns what it says.
func Next[T any](t testing.TB, c *Client, event gateway.OutEvent[T]) T {
	t.Helper()
	a := c.next(t, event.Name())
	out, err := event.Decode(a.args)
	if err != nil {
		t.Fatalf("gatewaytest: %s: %s is not what its type says: %v", c.namespace, a, err)
	}
	return out
}

// ExpectError waits for the next event "exception", with which errors are told that nobody
// asked an acknowledgement for. It is to have a code. Its Details are as they came, for
// [Details] to decode.
func (c *Client) ExpectError(t testing.TB, code string) *gateway.Error {
	t.Helper()
	a := c.next(t, "exception")
	var body client.Error
	if err := a.args.DecodeAt(0, &body); err != nil {
		t.Fatalf("gatewaytest: %s: %s is no error: %v", c.namespace, a, err)
	}
	if body.Code != code {
		t.Fatalf("gatewaytest: %s: the code %q is expected: %s", c.namespace, code, a)
	}
	return refusal(body.Code, body.Message, body.Details)
}

func (c *Client) next(t testing.TB, event string) arrival {
	t.Helper()
	a, err := c.inbox.await(c.app.o.Patience, func(a arrival) bool { return a.event == event && a.pong == "" })
	if err != nil {
		t.Fatalf("gatewaytest: %s: the event %q is expected: %v%s", c.namespace, event, err, c.meanwhile())
	}
	return a
}

// ExpectNone fails the test when an event has come that was not expected: one of these
// names, or any where none is given. It does not wait for time to pass: the client asks the
// app something, and what comes before the answer counts. That is all that this client has
// caused, but for routes that are [gateway.Route.Parallel], and all that the app had sent
// before: what others cause, they should [Ask] for first.
func (c *Client) ExpectNone(t testing.TB, events ...string) {
	t.Helper()
	if err := c.roundTrip(); err != nil {
		t.Fatalf("gatewaytest: %s: no event is expected: %s", c.namespace, c.explain(err))
	}
	text, n := c.inbox.shown(func(a arrival) bool { return len(events) == 0 || slices.Contains(events, a.event) })
	if n > 0 {
		t.Fatalf("gatewaytest: %s: no event is expected, and there came:%s", c.namespace, text)
	}
}

// ExpectDisconnect waits until the server, or what is between, has disconnected the client,
// and returns how.
func (c *Client) ExpectDisconnect(t testing.TB) Ending {
	t.Helper()
	e, ended := c.inbox.awaitEnd(c.app.o.Patience)
	if !ended {
		t.Fatalf("gatewaytest: %s: the client is still connected after %s%s", c.namespace, c.app.o.Patience, c.meanwhile())
	}
	return e
}

// arrived takes an event of the server.
func (c *Client) arrived(event string, args packet.Args, wantsAck bool, ack func(...any) error) {
	c.mu.Lock()
	values, known := c.answers[event]
	c.mu.Unlock()
	if wantsAck && known {
		_ = ack(values...)
	}
	c.inbox.put(arrival{event, args, pong(event, args)})
}

// explain adds to an error what is known.
func (c *Client) explain(err error) string {
	switch {
	case errors.Is(err, client.ErrAckTimeout):
		return "none came within " + c.app.o.Patience.String() + c.meanwhile()
	case errors.Is(err, client.ErrDisconnected):
		if ending, told := c.inbox.awaitEnd(c.app.o.Patience); told {
			return "the client is not connected any more: " + ending.String() + c.meanwhile()
		}
	}
	return err.Error() + c.meanwhile()
}

// meanwhile tells what has come, and nobody has expected yet.
func (c *Client) meanwhile() string {
	text, n := c.inbox.shown(func(arrival) bool { return true })
	if n == 0 {
		return "; no other event waits"
	}
	return "; these events wait:" + text
}

func (c *Client) patient() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), c.app.o.Patience)
}

func refusal(code, message string, details json.RawMessage) *gateway.Error {
	e := gateway.NewError(code, message)
	if details != nil {
		e.Details = details
	}
	return e
}

func detailsOf(body []byte) json.RawMessage {
	var b struct{ Details json.RawMessage }
	_ = json.Unmarshal(body, &b)
	return b.Details
}

func printed(raw json.RawMessage) string {
	if raw == nil {
		return "empty"
	}
	return string(raw)
}
